/**
 * What `lockstep train` tells the worker processes that it starts, over the channel of a child process: first the job, so that they
 * prepare for it while the coordinator does the same, and then whom to dial.
 */
import type { JobDraft } from '../job/job.js';
import type { KernelFindings } from '../kernels/inheritance.js';
import { parseAddress, type Address } from '../rpc/address.js';

/** The work that the coordinator will welcome the worker to. */
export interface JobOrder {
  readonly type: 'job';
  readonly job: JobDraft;
  readonly baseDir: string;
  /** What the parent has found out about this host. */
  readonly kernels: KernelFindings;
  /** The coordinator will welcome to a traced run, for which nothing can be prepared. */
  readonly traced: boolean;
}

export interface DialOrder {
  readonly type: 'dial';
  /** HOST:PORT of the coordinator. */
  readonly coordinator: string;
}

export type WorkerOrder = JobOrder | DialOrder;

/** In place of an address: the process that started this one says whom to dial. */
export const FROM_PARENT = 'parent';

/** The worker's end. What the parent does not say, because it has gone away, is null. */
export class Orders {
  readonly job: Promise<JobOrder | null>;
  readonly coordinator: Promise<Address | null>;

  constructor() {
    const received = <Type extends WorkerOrder['type']>(type: Type) =>
      new Promise<Extract<WorkerOrder, { type: Type }> | null>((resolve) => {
        process.on('message', (order: WorkerOrder) => {
          if (order.type === type) resolve(order as Extract<WorkerOrder, { type: Type }>);
        });
        process.once('disconnect', () => resolve(null));
      });
    this.job = received('job');
    this.coordinator = received('dial').then((order) => order && parseAddress(order.coordinator, 'coordinator'));
  }
}
