import { slotOffset, type Optimizer } from './optimizer.js';
import { power } from './power.js';

export interface AdamOptions {
  /** Decay β₁ of the average of gradients, 0 ≤ β₁ < 1. */
  readonly beta1: number;
  /** Decay β₂ of the average of squared gradients, 0 ≤ β₂ < 1. */
  readonly beta2: number;
  /** Added to the root, in units of the gradient. > 0. */
  readonly epsilon: number;
}

/**
 * Adam, with both averages corrected for having started at zero:
 *
 *     v ← β₁·v + (1 − β₁)·g      v = 0 at the start
 *     s ← β₂·s + (1 − β₂)·g²     s = 0 at the start
 *     w ← w − α·(v / (1 − β₁ᵗ)) / (√(s / (1 − β₂ᵗ)) + ε)
 *
 * where t = 1, 2, … is the number of the update.
 *
 * Source: Kingma & Ba, Adam: A Method for Stochastic Optimization (ICLR 2015), algorithm 1; their m and v are
 * `velocity` and `square` here. As in the algorithm, and unlike the faster form at the end of its section 2 that
 * TensorFlow uses, ε is added after the correction.
 *
 * Where it differs: a penalty on the weights is part of g, as in the paper's cost, and not a decay of its own as in
 * AdamW.
 */
export function adam({ beta1, beta2, epsilon }: AdamOptions): Optimizer {
  return {
    slots: ['velocity', 'square'],
    update(kernels, range, { learningRate, scale, l2, l1, step }) {
      if (step < 1) throw new RangeError(`update ${step}: Adam counts its updates from 1`);
      const { weights, newWeights, gradient, slots, newSlots, count } = range;
      return kernels.adam(
        count,
        weights,
        gradient,
        slotOffset(slots, 0),
        slotOffset(slots, 1),
        newWeights,
        slotOffset(newSlots, 0),
        slotOffset(newSlots, 1),
        scale,
        l2,
        l1,
        learningRate,
        beta1,
        beta2,
        epsilon,
        1 - power(beta1, step),
        1 - power(beta2, step),
      );
    },
  };
}
