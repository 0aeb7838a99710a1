import type { Optimizer } from './optimizer.js';

/**
 * Gradient descent on mini-batches (Robbins & Monro 1951):
 *
 *     w ← w − α·g
 *
 * Keeps nothing between updates.
 */
export function gradientDescent(): Optimizer {
  return {
    slots: [],
    update(kernels, { weights, newWeights, gradient, count }, { learningRate, scale, l2, l1 }) {
      return kernels.gradientDescent(count, weights, gradient, newWeights, scale, l2, l1, learningRate);
    },
  };
}
