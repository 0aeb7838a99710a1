/**
 * Runs the built command line as processes of its own, as users do. Whatever a test leaves running is killed after it, together
 * with the processes that it has started in turn.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach } from 'vitest';
import { packageRoot } from '../../src/common/package.js';

/** Long enough for a slow machine under load: reaching it means that something hangs. */
const DEADLINE_MS = 90_000;
const POLL_MS = 15;

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Finished extends Exit {
  readonly stdout: string;
  readonly stderr: string;
}

export interface LaunchOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** A line of the log: JSON, since stderr is no terminal here. */
export interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

const running = new Set<LockstepProcess>();

/** Polls until `probe` returns something other than undefined, null or false. */
export async function eventually<Value>(
  what: string,
  probe: () => Value | undefined | null | false | Promise<Value | undefined | null | false>,
  context: () => string = () => '',
): Promise<Value> {
  const deadline = performance.now() + DEADLINE_MS;
  for (;;) {
    const value = await probe();
    if (value !== undefined && value !== null && value !== false) return value;
    if (performance.now() > deadline) throw new Error(`waited ${DEADLINE_MS / 1000} s in vain: ${what}\n${context()}`);
    await pause(POLL_MS);
  }
}

export class LockstepProcess {
  readonly args: readonly string[];
  readonly #child: ChildProcess;
  readonly #exit: Promise<Exit>;
  #stdout = '';
  #stderr = '';
  #exited = false;

  constructor(args: readonly string[], { cwd, env }: LaunchOptions = {}) {
    const main = join(packageRoot(), 'dist', 'src', 'cli', 'main.js');
    if (!existsSync(main)) throw new Error('The tests of the command line run the build: npm run build');
    this.args = args;
    this.#child = spawn(process.execPath, [join(packageRoot(), 'bin', 'lockstep.js'), ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...withoutSettings(process.env), NO_COLOR: '1', ...env },
      ...(cwd === undefined ? {} : { cwd }),
    });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.#stdout += text));
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text));
    this.#exit = new Promise((resolve) => {
      this.#child.on('error', (error) => (this.#stderr += `${error.message}\n`));
      // 'close' and not 'exit': then its output is complete too.
      this.#child.on('close', (code, signal) => {
        this.#exited = true;
        running.delete(this);
        resolve({ code, signal });
      });
    });
    running.add(this);
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  get exited(): boolean {
    return this.#exited;
  }

  /** The lines of its log so far. */
  get log(): LogLine[] {
    return this.#stderr
      .slice(0, this.#stderr.lastIndexOf('\n') + 1)
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as LogLine);
  }

  /** Resolves with the first log line that satisfies `wanted`; throws when the process ends without one. */
  async logged(wanted: string | ((line: LogLine) => boolean)): Promise<LogLine> {
    const matches = typeof wanted === 'string' ? (line: LogLine) => line.msg === wanted : wanted;
    const find = (): LogLine | undefined => this.log.find(matches);
    const found = await eventually(
      `${this.describe()} logs ${String(wanted)}`,
      () => find() ?? (this.#exited ? 'ended' : undefined),
      () => this.#stderr,
    );
    const line = found === 'ended' ? find() : found;
    if (line === undefined)
      throw new Error(`${this.describe()} ended without logging ${String(wanted)}:\n${this.#stderr}`);
    return line;
  }

  /** Resolves when it has ended by itself; throws when it does not. */
  async finished(): Promise<Finished> {
    await eventually(
      `${this.describe()} ends`,
      () => this.#exited,
      () => this.#stdout + this.#stderr,
    );
    return { ...(await this.#exit), stdout: this.#stdout, stderr: this.#stderr };
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Ends it for good, with everything that it has started. */
  async destroy(): Promise<void> {
    if (this.#exited) return;
    const children = childProcesses(this.pid);
    this.#child.kill('SIGKILL');
    for (const pid of children) signalProcess(pid, 'SIGKILL');
    await this.#exit;
  }

  describe(): string {
    return `lockstep ${this.args.join(' ')} (process ${this.pid})`;
  }
}

/** Starts `lockstep ARGS`. */
export function start(args: readonly string[], options: LaunchOptions = {}): LockstepProcess {
  return new LockstepProcess(args, options);
}

/** Runs `lockstep ARGS` to its end. */
export function run(args: readonly string[], options: LaunchOptions = {}): Promise<Finished> {
  return start(args, options).finished();
}

/** The processes that a process has started and that still exist. */
export function childProcesses(parent: number): number[] {
  return processTable()
    .filter((row) => row.parent === parent)
    .map((row) => row.pid);
}

/** Sends a signal; a process that is gone already is no error. */
export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  // 0 and negative numbers stand for groups of processes, −1 for every process there is.
  if (!Number.isInteger(pid) || pid <= 1) throw new RangeError(`${pid} is not the id of a process`);
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

export function isAlive(pid: number): boolean {
  return processTable().some((row) => row.pid === pid && !row.zombie);
}

/** A TCP port of 127.0.0.1 that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** The first of so many consecutive ports that nobody listens on. */
export async function freePorts(count: number): Promise<number> {
  for (;;) {
    const first = await freePort();
    const servers = Array.from({ length: count }, () => createServer());
    const taken = await Promise.allSettled(
      servers.map(
        (server, i) =>
          new Promise<void>((resolve, reject) => {
            server.once('error', reject).listen(first + i, '127.0.0.1', resolve);
          }),
      ),
    );
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
    if (taken.every(({ status }) => status === 'fulfilled')) return first;
  }
}

/** A folder for one test file, removed at its end; processes that a test has left behind are killed after each test. */
export function workplace(): string {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-integration-'));
  afterEach(killAll);
  afterAll(async () => {
    await killAll();
    rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
  });
  return folder;
}

async function killAll(): Promise<void> {
  await Promise.all([...running].map((child) => child.destroy()));
}

interface ProcessRow {
  readonly pid: number;
  readonly parent: number;
  readonly zombie: boolean;
}

function processTable(): ProcessRow[] {
  if (process.platform === 'linux') {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((name) => readStat(Number(name)));
  }
  const { stdout } = spawnSync('ps', ['-A', '-o', 'pid=,ppid=,state='], { encoding: 'utf8' });
  return stdout
    .trim()
    .split('\n')
    .map((line) => {
      const [pid, parent, state] = line.trim().split(/\s+/);
      return { pid: Number(pid), parent: Number(parent), zombie: state?.startsWith('Z') === true };
    });
}

/** proc(5): "pid (name) state ppid …"; the name may hold anything, hence from its last bracket on. */
function readStat(pid: number): ProcessRow[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return [{ pid, parent: Number(parent), zombie: state === 'Z' }];
  } catch {
    return []; // It has ended meanwhile.
  }
}

/** Settings of the shell that runs the tests must not reach the processes under test. */
function withoutSettings(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith('LOCKSTEP_TOKEN')));
}
