/** Chooses who puts samples into slots, and starts it. */
import { effectiveAugmentation } from '../src/data/augment/augmenter.js';
import type { Splits } from '../src/data/dataset.js';
import { partsOf } from '../src/data/open.js';
import type { Job } from '../src/job/job.js';
import type { Arena } from '../src/kernels/arena.js';
import { BackgroundWriter } from './background-writer.js';
import { DirectWriter, type StagingPlan } from './direct-writer.js';
import { Staging } from './staging.js';

/**
 * Copying samples takes next to nothing, and the event loop does it; changing them is work for a thread of its own, which takes a
 * moment to start.
 *
 * @param rows most samples of a batch
 */
export async function startStaging(
  job: Pick<Job, 'data' | 'seed' | 'training'>,
  splits: Splits,
  arena: Arena,
  slots: StagingPlan['slots'],
  rows: number,
): Promise<Staging> {
  const augmentation = effectiveAugmentation(job.data.augmentation);
  const plan: StagingPlan = { slots, rows, seed: job.seed, shuffle: job.training.shuffle, augmentation };
  if (augmentation === null) return new Staging(new DirectWriter(arena, splits, plan));
  return new Staging(await BackgroundWriter.start({ memory: arena.memory, splits: partsOf(splits), plan }));
}
