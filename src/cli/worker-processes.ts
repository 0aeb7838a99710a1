/** The worker processes that `lockstep train` starts on this host. */
import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { packageRoot } from '../common/package.js';
import type { Logger } from '../observe/logger.js';
import { formatAddress, type Address } from '../rpc/address.js';
import { FROM_PARENT, type JobOrder, type WorkerOrder } from './worker-orders.js';

export interface WorkerProcessesOptions {
  /** Join token. */
  readonly token: string;
  readonly count: number;
  readonly threads: number;
  readonly backend: string;
}

/** Whoever wants to know how the processes fare. */
export interface WorkerSupervisor {
  readonly logger: Logger;
  /** One of them has ended by itself: what it said, and how many are left. */
  ended(reason: string, left: number): void;
}

/** How long a worker may take to leave after the run (ms). */
const LEAVE_MS = 3_000;

/**
 * Starts the processes at once. They load their code, wait to be told the job (`prepare`), prepare for it, and wait to be told whom
 * to dial (`dial`).
 */
export class WorkerProcesses {
  readonly #children: readonly ChildProcess[];
  readonly #options: WorkerProcessesOptions;
  #supervisor: WorkerSupervisor | null = null;
  /** What happened before there was a supervisor. */
  #unreported: ((supervisor: WorkerSupervisor) => void)[] = [];
  #running: number;
  #closing = false;
  #lastWords = '';

  constructor(options: WorkerProcessesOptions) {
    this.#options = options;
    this.#running = options.count;
    this.#children = Array.from({ length: options.count }, (_, index) => this.#start(index + 1));
  }

  prepare(order: Omit<JobOrder, 'type'>): void {
    this.#send({ type: 'job', ...order });
  }

  dial(coordinator: Address): void {
    this.#send({ type: 'dial', coordinator: formatAddress(coordinator) });
  }

  /** Tells of what happens, and of what has happened since the start. */
  supervise(supervisor: WorkerSupervisor): void {
    this.#supervisor = supervisor;
    for (const report of this.#unreported) report(supervisor);
    this.#unreported = [];
  }

  /** Waits for the workers to leave, and ends those that do not. Safe to call twice. */
  async close(): Promise<void> {
    this.#closing = true;
    // There is no run to take leave of.
    if (this.#supervisor === null) this.#kill('SIGKILL');
    const timer = setTimeout(() => this.#kill('SIGKILL'), LEAVE_MS);
    const leaving = setTimeout(() => this.#kill('SIGTERM'), LEAVE_MS / 3);
    await Promise.all(this.#children.map(ended));
    clearTimeout(timer);
    clearTimeout(leaving);
  }

  #send(order: WorkerOrder): void {
    // A process that cannot be told any more is one whose end is reported.
    for (const child of this.#children) if (child.connected) child.send(order, () => undefined);
  }

  #report(report: (supervisor: WorkerSupervisor) => void): void {
    if (this.#supervisor === null) this.#unreported.push(report);
    else report(this.#supervisor);
  }

  #start(number: number): ChildProcess {
    const { token, threads, backend } = this.#options;
    const child = spawn(
      process.execPath,
      [
        join(packageRoot(), 'bin', 'lockstep.js'),
        'worker',
        '--coordinator',
        FROM_PARENT,
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
      { stdio: ['ignore', 'ignore', 'pipe', 'ipc'], env: { ...process.env, LOCKSTEP_TOKEN: token }, detached: true },
    );
    if (child.stderr !== null) {
      createInterface({ input: child.stderr }).on('line', (line) => {
        if (line.startsWith('lockstep: ')) this.#lastWords = line.slice('lockstep: '.length);
        this.#report(({ logger }) => logger.warn({ workerProcess: number }, line));
      });
    }
    child.on('error', (error) => {
      this.#report(({ logger }) => logger.error({ workerProcess: number }, `cannot be started: ${error.message}`));
    });
    child.on('exit', (code, signal) => {
      this.#running -= 1;
      if (this.#closing || code === 0) return;
      const how = signal === null ? `with exit code ${code}` : `by ${signal}`;
      const [reason, left] = [this.#lastWords === '' ? `${number} ${how}` : this.#lastWords, this.#running];
      this.#report((supervisor) => {
        supervisor.logger.warn({ workerProcess: number, pid: child.pid }, `ended ${how}`);
        supervisor.ended(reason, left);
      });
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
