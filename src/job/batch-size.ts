/** How many samples a step takes where the job leaves it open: a question that only the data can answer. */
import type { Job, JobDraft } from './job.js';

/** Below so many training samples a step takes all of them: a pass costs little, and the gradient has no noise. */
export const FULL_BATCH_BELOW = 2_000;
/** What a step takes of more samples than that. */
export const USUAL_BATCH = 256;

/** The job with a batch size for a training split of so many samples. A size that the job gives stays; 0 stands for all of them. */
export function sizeJob(draft: JobDraft, trainSamples: number): Job {
  const { batchSize: given } = draft.training;
  const batchSize = given !== 'auto' ? given : trainSamples < FULL_BATCH_BELOW ? 0 : USUAL_BATCH;
  return { ...draft, training: { ...draft.training, batchSize } };
}
