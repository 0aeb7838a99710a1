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
    update(kernels, { weights, gradient, count }, { learningRate, scale, l2, l1 }) {
      kernels.gradientDescent(count, weights, gradient, scale, l2, l1, learningRate);
    },
  };
}
