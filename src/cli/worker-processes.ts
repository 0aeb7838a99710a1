/** The worker processes that `lockstep train` starts on this host. */
import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { packageRoot } from '../common/package.js';
import type { Logger } from '../observe/logger.js';
import { formatAddress, type Address } from '../rpc/address.js';

export interface WorkerProcessesOptions {
  readonly coordinator: Address;
  readonly token: string;
  readonly count: number;
  readonly threads: number;
  readonly backend: string;
  readonly logger: Logger;
  /** Called when one of them has ended by itself, with what it said and how many are left. */
  ended(reason: string, left: number): void;
}

/** How long a worker may take to leave after the run (ms). */
const LEAVE_MS = 3_000;

export class WorkerProcesses {
  readonly #children: readonly ChildProcess[];
  readonly #options: WorkerProcessesOptions;
  #running: number;
  #closing = false;
  #lastWords = '';

  constructor(options: WorkerProcessesOptions) {
    this.#options = options;
    this.#running = options.count;
    this.#children = Array.from({ length: options.count }, (_, index) => this.#start(index + 1));
  }

  /** Waits for the workers to leave, and ends those that do not. */
  async close(): Promise<void> {
    this.#closing = true;
    const timer = setTimeout(() => this.#kill('SIGKILL'), LEAVE_MS);
    const leaving = setTimeout(() => this.#kill('SIGTERM'), LEAVE_MS / 3);
    await Promise.all(this.#children.map(ended));
    clearTimeout(timer);
    clearTimeout(leaving);
  }

  #start(number: number): ChildProcess {
    const { coordinator, token, threads, backend, logger } = this.#options;
    const child = spawn(
      process.execPath,
      [
        join(packageRoot(), 'bin', 'lockstep.js'),
        'worker',
        '--coordinator',
        formatAddress(coordinator),
        '--threads',
        String(threads),
        '--backend',
        backend,
        '--log-level',
        'warn',
        '--reconnect-timeout',
        '5',
      ],
      // A group of its own: a Ctrl-C in the terminal reaches the coordinator alone, which then lets its workers go.
      { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, LOCKSTEP_TOKEN: token }, detached: true },
    );
    if (child.stderr !== null) {
      createInterface({ input: child.stderr }).on('line', (line) => {
        if (line.startsWith('lockstep: ')) this.#lastWords = line.slice('lockstep: '.length);
        logger.warn({ workerProcess: number }, line);
      });
    }
    child.on('error', (error) => logger.error({ workerProcess: number }, `cannot be started: ${error.message}`));
    child.on('exit', (code, signal) => {
      this.#running -= 1;
      if (this.#closing || code === 0) return;
      const how = signal === null ? `with exit code ${code}` : `by ${signal}`;
      logger.warn({ workerProcess: number, pid: child.pid }, `ended ${how}`);
      this.#options.ended(this.#lastWords === '' ? `${number} ${how}` : this.#lastWords, this.#running);
    });
    return child;
  }

  #kill(signal: NodeJS.Signals): void {
    for (const child of this.#children) if (child.exitCode === null && child.signalCode === null) child.kill(signal);
  }
}

function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return Promise.resolve();
  return new Promise((resolve) => child.once('exit', () => resolve()));
}
