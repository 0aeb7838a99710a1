import { slotOffset, type Optimizer } from './optimizer.js';

export interface RmspropOptions {
  /** Decay β of the average of squares, 0 ≤ β < 1. */
  readonly beta: number;
  /** Added to the root, in units of the gradient; keeps the step finite where gradients vanish. > 0. */
  readonly epsilon: number;
}

/**
 * RMSprop: each parameter's step is divided by the root of the average of its recent squared gradients:
 *
 *     s ← β·s + (1 − β)·g²       s = 0 at the start
 *     w ← w − α·g / (√s + ε)
 *
 * Source: Hinton, Srivastava & Swersky, Neural Networks for Machine Learning, lecture 6e (2012).
 *
 * Where it differs: the lecture has no ε. Here and in PyTorch it stands outside the root; TensorFlow puts it inside,
 * √(s + ε), where the same number acts far more strongly.
 */
export function rmsprop({ beta, epsilon }: RmspropOptions): Optimizer {
  return {
    slots: ['square'],
    update(kernels, range, { learningRate, scale, l2, l1 }) {
      const { weights, newWeights, gradient, slots, newSlots, count } = range;
      return kernels.rmsprop(
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
        epsilon,
      );
    },
  };
}
