/** The penalties on large weights: λ₂/(2m)·‖W‖² + λ₁/(2m)·‖W‖₁ on the cost, m being the samples of the batch. */
import type { TrainingSpec } from '../job/job.js';
import type { Offset } from '../kernels/arena.js';
import type { Kernels } from '../kernels/kernels.js';

/** [λ₂/m, λ₁/(2m)]: factors on w and sign(w) in the gradient. */
export type PenaltyFactors = readonly [l2: number, l1: number];

/** @param penalized Whether penalties apply to the tensor: weights have them, biases, γ and β have none. */
export function penaltyFactors(
  { l2, l1 }: TrainingSpec['regularization'],
  penalized: boolean,
  batchCount: number,
): PenaltyFactors {
  return penalized ? [l2 / batchCount, l1 / (2 * batchCount)] : [0, 0];
}

/** What a tensor of `size` elements adds to the cost. */
export function penaltyOf(kernels: Kernels, size: number, weights: Offset, [l2, l1]: PenaltyFactors): number {
  const squares = l2 > 0 ? (l2 / 2) * kernels.sumSquares(size, weights) : 0;
  return squares + (l1 > 0 ? l1 * kernels.sumAbs(size, weights) : 0);
}
