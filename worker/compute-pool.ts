/** The compute threads of a worker, seen from its event loop. */
import { Worker } from 'node:worker_threads';
import { LockstepError } from '../src/common/errors.js';
import { builtModule } from '../src/common/package.js';
import { kernelInheritance } from '../src/kernels/inheritance.js';
import type { Control, SegmentRange } from './control.js';
import type { ThreadData } from './compute-thread.js';

export class ComputePool {
  readonly #threads: readonly Worker[];
  readonly #control: Control;
  #failure: LockstepError | null = null;

  private constructor(threads: readonly Worker[], control: Control) {
    this.#threads = threads;
    this.#control = control;
    threads.forEach((thread, index) => {
      thread.on('error', (error) => {
        this.#failure ??= new LockstepError('internal', `compute thread ${index}: ${error.message}`, { cause: error });
        control.abandon();
      });
    });
  }

  /** Starts the threads and waits until each has laid out its memory. */
  static async start(
    threads: number,
    control: Control,
    data: Omit<ThreadData, 'thread' | 'control' | 'kernels'>,
  ): Promise<ComputePool> {
    const kernels = kernelInheritance();
    const workers = Array.from({ length: threads }, (_, thread) => {
      const workerData: ThreadData = { ...data, thread, kernels, control: control.buffer };
      return new Worker(builtModule('worker/compute-thread.js'), { workerData, name: `compute-${thread}` });
    });
    try {
      await Promise.all(
        workers.map(
          (worker) =>
            new Promise<void>((resolve, reject) => {
              worker.once('message', () => resolve());
              worker.once('error', reject);
              worker.once('exit', (code) => reject(new Error(`compute thread ended with ${code} while starting`)));
            }),
        ),
      );
    } catch (error) {
      await Promise.all(workers.map((worker) => worker.terminate()));
      throw LockstepError.from(error);
    }
    for (const worker of workers) worker.removeAllListeners('error').removeAllListeners('exit');
    return new ComputePool(workers, control);
  }

  /** Runs segments on all threads. `progress`: see {@link Control.run}. */
  async run(segments: SegmentRange, progress?: () => void): Promise<void> {
    if (this.#failure !== null) throw this.#failure;
    await this.#control.run(segments, this.#threads.length, progress);
    if (this.#control.failed)
      throw this.#failure ?? new LockstepError('internal', 'a compute thread ended unexpectedly');
  }

  async close(): Promise<void> {
    this.#control.stop();
    await Promise.all(this.#threads.map((thread) => thread.terminate()));
  }
}
