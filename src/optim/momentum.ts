import { slotOffset, type Optimizer } from './optimizer.js';

export interface MomentumOptions {
  /** Decay β of the average, 0 ≤ β < 1; the average looks back over about 1/(1 − β) updates. */
  readonly beta: number;
}

/**
 * Gradient descent with momentum, as an exponentially weighted average of the gradients:
 *
 *     v ← β·v + (1 − β)·g        v = 0 at the start
 *     w ← w − α·v
 *
 * Source: Polyak 1964; in this form Ng, Deep Learning Specialization, course 2, week 2.
 *
 * Where it differs: Polyak, Sutskever et al. 2013 and PyTorch's `SGD` accumulate v ← β·v + g. Their step is 1/(1 − β)
 * times as long, so a rate taken from there has to be multiplied by 1/(1 − β) (10 for β = 0.9) to train alike. The
 * average starts at zero and its first steps are short; they are not corrected for that, unlike Adam's.
 */
export function momentum({ beta }: MomentumOptions): Optimizer {
  return {
    slots: ['velocity'],
    update(kernels, range, { learningRate, scale, l2, l1 }) {
      const { weights, newWeights, gradient, slots, newSlots, count } = range;
      return kernels.momentum(
        count,
        weights,
        gradient,
        slotOffset(slots, 0),
        newWeights,
        slotOffset(newSlots, 0),
        scale,
        l2,
        l1,
        learningRate,
        beta,
      );
    },
  };
}
