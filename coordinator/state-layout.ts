/** How much memory the state of a job takes, and how many arriving gradients fit beside it. */
import { LockstepError } from '../src/common/errors.js';
import type { Job } from '../src/job/job.js';
import { MAX_ARENA_BYTES, allocationSize } from '../src/kernels/arena.js';
import { KERNEL_SCRATCH_ELEMENTS } from '../src/kernels/kernels.js';
import type { Model } from '../src/nn/model.js';
import { createOptimizer } from '../src/optim/create.js';

/** Elements of memory that the state of a job takes. */
export function stateElements(job: Job, model: Model): number {
  return layOutState(job, model).elements;
}

/** @throws LockstepError `job` for a model that is too large. */
export function layOutState(job: Job, model: Model): { readonly elements: number; readonly blocks: number } {
  const optimizer = createOptimizer(job.training.optimizer);
  const parameters = allocationSize(model.parameterElements);
  const { wireFormat, accumulate } = job.training;
  const vectors = (wireFormat.weights === 'float32' ? 1 : 2) * allocationSize(model.vectorElements);
  const copy = vectors + optimizer.slots.length * parameters;
  const fixed = KERNEL_SCRATCH_ELEMENTS + 2 * copy + (accumulate === 1 ? 0 : parameters);
  // One block per shard is what the most scattered arrival needs; the address space may allow fewer.
  const room = Math.floor((MAX_ARENA_BYTES / 4 - fixed) / parameters) - 1;
  const blocks = Math.min(job.training.shards, room);
  if (blocks < 1) {
    throw new LockstepError(
      'job',
      `a model of ${model.parameterCount} parameters does not fit the 4 GiB of a coordinator`,
    );
  }
  return { elements: fixed + blocks * parameters, blocks };
}
