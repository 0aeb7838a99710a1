/** How much memory the state of a job takes, and how many arriving gradients fit beside it. */
import { LockstepError } from '../src/common/errors.js';
import type { Job } from '../src/job/job.js';
import { MAX_ARENA_BYTES, RESERVED_BYTES, alignedAllocationSize, allocationSize } from '../src/kernels/arena.js';
import { KERNEL_SCRATCH_ELEMENTS } from '../src/kernels/kernels.js';
import type { Model } from '../src/nn/model.js';
import { gradientElements, vectorStride } from '../src/nn/shared-blocks.js';
import { createOptimizer } from '../src/optim/create.js';

export interface StateLayout {
  readonly elements: number;
  /** For gradient sums that arrive. */
  readonly blocks: number;
  /** For gradients of workers that share their memory. */
  readonly rooms: number;
}

/** Where rooms end, in bytes. */
const ROOMS_END = MAX_ARENA_BYTES - RESERVED_BYTES;

/** Elements of memory that the state of a job takes in the process of its only worker. */
export function stateElements(job: Job, model: Model): number {
  return layOutState(job, model, false).elements;
}

/** @param withRooms whether workers may share their memory. @throws LockstepError `job` for a model that is too large. */
export function layOutState(job: Job, model: Model, withRooms: boolean): StateLayout {
  const optimizer = createOptimizer(job.training.optimizer);
  const parameters = allocationSize(model.parameterElements);
  const { wireFormat, accumulate } = job.training;
  const unrounded = wireFormat.weights === 'float32' ? 0 : allocationSize(model.vectorElements);
  const copies = 2 * (unrounded + optimizer.slots.length * parameters) + alignedAllocationSize(2 * vectorStride(model));
  const fixed = KERNEL_SCRATCH_ELEMENTS + copies + (accumulate === 1 ? 0 : parameters);
  // One block per shard is what the most scattered arrival needs; the address space may allow fewer.
  const room = Math.floor((MAX_ARENA_BYTES / 4 - fixed) / parameters) - 1;
  const blocks = Math.min(job.training.shards, room);
  if (blocks < 1) {
    throw new LockstepError(
      'job',
      `a model of ${model.parameterCount} parameters does not fit the 4 GiB of a coordinator`,
    );
  }
  const elements = fixed + blocks * parameters;
  const gradients = alignedAllocationSize(gradientElements(model, job.training.shards));
  // More workers than shards have nothing to do. Addresses are all that a room takes while nobody is in it.
  const rooms = withRooms
    ? Math.max(0, Math.min(job.training.shards, Math.floor((ROOMS_END / 4 - elements) / gradients)))
    : 0;
  return { elements: elements + rooms * gradients, blocks, rooms };
}
