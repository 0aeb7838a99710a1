import type { LossName } from '../../job/job.js';
import { binaryCrossEntropy } from './binary-cross-entropy.js';
import type { Loss } from './loss.js';
import { meanSquaredError } from './mean-squared-error.js';
import { softmaxCrossEntropy } from './softmax-cross-entropy.js';

/** Every loss, by its name in a job. */
export const losses: Readonly<Record<LossName, Loss>> = { softmaxCrossEntropy, binaryCrossEntropy, meanSquaredError };
