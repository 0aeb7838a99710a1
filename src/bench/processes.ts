/**
 * Processes that are measured. They are started by the benchmark, stay alive, and answer requests, one JSON object per line
 * ({@link Conversation} is the other side); between requests they sleep. End of input ends them.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { LockstepError } from '../common/errors.js';
import { undoAtExit } from './leftovers.js';

/** How long a process may take to leave when it is asked to (ms). */
const LEAVE_MS = 5_000;

export interface ProcessOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Command and arguments to start it through, for example in a network namespace. */
  readonly through?: readonly string[];
}

const running = new Set<MeasuredProcess>();

export class MeasuredProcess {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #forget: () => void;
  #lastWords = '';

  constructor(name: string, command: string, args: readonly string[], { env, through = [] }: ProcessOptions = {}) {
    this.name = name;
    const [program = command, ...rest] = [...through, command, ...args];
    this.#child = spawn(program, rest, {
      stdio: ['pipe', 'pipe', 'pipe'],
      // A group of its own: a Ctrl-C in the terminal reaches the benchmark alone, which then lets its processes go.
      detached: true,
      env: { ...process.env, ...env },
    });
    const { stdin, stdout, stderr } = this.#child;
    if (stdin === null || stdout === null || stderr === null) throw new RangeError('a process without pipes');
    // A process that has ended does not read what is written to it; hear() tells of its end.
    stdin.on('error', () => undefined);
    this.#child.on('error', (error) => (this.#lastWords = error.message));
    createInterface({ input: stderr }).on('line', (line) => {
      if (line.trim() !== '') this.#lastWords = line.trim();
    });
    this.#lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
    this.#forget = undoAtExit(() => this.#kill());
    running.add(this);
  }

  /** One of Lockstep's own: a module of this folder, with one argument, an object. */
  static ofModule(name: string, module: URL, argument: object, options: ProcessOptions = {}): MeasuredProcess {
    return new MeasuredProcess(name, process.execPath, [fileURLToPath(module), JSON.stringify(argument)], options);
  }

  say(request: object): void {
    this.#child.stdin?.write(`${JSON.stringify(request)}\n`);
  }

  /** The next answer. @throws LockstepError `unavailable` when the process has ended instead. */
  async hear<Answer>(): Promise<Answer> {
    const line = await this.#lines.next();
    if (line.done === true) {
      await this.#closed();
      const why = this.#lastWords === '' ? '' : `: ${this.#lastWords}`;
      throw new LockstepError('unavailable', `${this.name} ended before it had answered${why}`);
    }
    return JSON.parse(line.value) as Answer;
  }

  async ask<Answer>(request: object): Promise<Answer> {
    this.say(request);
    return this.hear<Answer>();
  }

  /** Lets it leave, and ends it when it does not. */
  async end(): Promise<void> {
    this.#child.stdin?.end();
    const timer = setTimeout(() => this.#kill(), LEAVE_MS);
    await this.#closed();
    clearTimeout(timer);
    running.delete(this);
    this.#forget();
  }

  async #closed(): Promise<void> {
    const { exitCode, signalCode, pid } = this.#child;
    if (exitCode === null && signalCode === null && pid !== undefined) await once(this.#child, 'exit');
  }

  #kill(): void {
    const { pid, exitCode, signalCode } = this.#child;
    if (pid === undefined || exitCode !== null || signalCode !== null) return;
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  }
}

/** Ends all that are still there. */
export async function endAll(): Promise<void> {
  await Promise.all([...running].map((process) => process.end()));
}
