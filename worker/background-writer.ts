/** The data thread of a worker, seen from its event loop. */
import { Worker } from 'node:worker_threads';
import { LockstepError } from '../src/common/errors.js';
import { builtModule } from '../src/common/package.js';
import type { DataThreadData, WriteReply, WriteRequest } from './data-thread.js';
import type { Batch, SlotNumber, SlotWriter } from './staging.js';

/** What is used of a thread. */
export type DataThread = Pick<Worker, 'postMessage' | 'terminate'> & {
  on(event: 'message', listener: (reply: WriteReply) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'exit', listener: (code: number) => void): unknown;
};

interface Pending {
  readonly resolve: () => void;
  readonly reject: (reason: LockstepError) => void;
}

export class BackgroundWriter implements SlotWriter {
  readonly #thread: DataThread;
  /** Batches that the thread has not answered for; it answers in order. */
  readonly #pending: Pending[] = [];
  /** Why there will be no more answers. */
  #failure: LockstepError | null = null;

  /** @param thread answers for its start first, see {@link ready}. */
  constructor(thread: DataThread) {
    this.#thread = thread;
    thread.on('message', ({ problem }) => {
      const answered = this.#pending.shift();
      if (problem === null) answered?.resolve();
      else answered?.reject(new LockstepError('internal', `data thread: ${problem}`));
    });
    thread.on('error', (error) =>
      this.#fail(new LockstepError('internal', `data thread: ${error.message}`, { cause: error })),
    );
    thread.on('exit', (code) => this.#fail(new LockstepError('internal', `the data thread ended with code ${code}`)));
  }

  /**
   * Starts a thread and waits until it is ready.
   *
   * @throws LockstepError `internal` when it cannot be started
   */
  static async start(data: DataThreadData): Promise<BackgroundWriter> {
    const thread = new Worker(builtModule('worker/data-thread.js'), { workerData: data, name: 'data' });
    const writer = new BackgroundWriter(thread);
    await writer.ready();
    return writer;
  }

  /** Resolves when the thread has started; to be called before the first batch is written. */
  ready(): Promise<void> {
    return this.#answer();
  }

  write(slot: SlotNumber, batch: Batch): Promise<void> {
    if (this.#failure === null) this.#thread.postMessage({ slot, batch } satisfies WriteRequest);
    return this.#answer();
  }

  async close(): Promise<void> {
    this.#fail(new LockstepError('internal', 'the data thread was stopped'));
    await this.#thread.terminate();
  }

  #answer(): Promise<void> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#pending.push({ resolve, reject });
    });
  }

  #fail(failure: LockstepError): void {
    this.#failure ??= failure;
    for (const { reject } of this.#pending.splice(0)) reject(this.#failure);
  }
}
