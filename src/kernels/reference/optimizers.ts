import type { Arena, Offset } from '../arena.js';
import type { Optimizers } from '../contract/optimizers.js';
import type { Sums } from '../contract/sums.js';

/** Sums over parameters and their updates. State is stored before it is used, so that what the weights see is what is kept. */
export function referenceOptimizers(arena: Arena): Optimizers & Sums {
  const data = arena.floats;

  const total = (n: number, term: (i: number) => number): number => {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += term(i);
    return sum;
  };

  /** scale·gradient + l2·w + l1·sign(w) of one parameter. */
  const regularized = (weight: number, gradient: number, scale: number, l2: number, l1: number): number =>
    scale * gradient + l2 * weight + l1 * Math.sign(weight);

  /** decay·old + (1 − decay)·value, stored at `to` and read back. */
  const average = (from: Offset, to: Offset, decay: number, value: number): number => {
    data[to] = decay * (data[from] as number) + (1 - decay) * value;
    return data[to];
  };

  return {
    sum: (n, x) => total(n, (i) => data[x + i] as number),

    sumSquares: (n, x) => total(n, (i) => (data[x + i] as number) ** 2),

    sumAbs: (n, x) => total(n, (i) => Math.abs(data[x + i] as number)),

    gradientSumSquares: (n, weights, gradient, scale, l2, l1) =>
      total(n, (i) => regularized(data[weights + i] as number, data[gradient + i] as number, scale, l2, l1) ** 2),

    gradientDescent: (n, weights, gradient, newWeights, scale, l2, l1, rate) =>
      total(n, (i) => {
        const w = data[weights + i] as number;
        const g = regularized(w, data[gradient + i] as number, scale, l2, l1);
        data[newWeights + i] = w - rate * g;
        return g * g;
      }),

    momentum: (n, weights, gradient, velocity, newWeights, newVelocity, scale, l2, l1, rate, beta) =>
      total(n, (i) => {
        const w = data[weights + i] as number;
        const g = regularized(w, data[gradient + i] as number, scale, l2, l1);
        data[newWeights + i] = w - rate * average(velocity + i, newVelocity + i, beta, g);
        return g * g;
      }),

    rmsprop: (n, weights, gradient, square, newWeights, newSquare, scale, l2, l1, rate, beta, epsilon) =>
      total(n, (i) => {
        const w = data[weights + i] as number;
        const g = regularized(w, data[gradient + i] as number, scale, l2, l1);
        const s = average(square + i, newSquare + i, beta, g * g);
        data[newWeights + i] = w - (rate * g) / (Math.sqrt(s) + epsilon);
        return g * g;
      }),

    adam: (n, weights, gradient, velocity, square, newWeights, newVelocity, newSquare, ...settings) => {
      const [scale, l2, l1, rate, beta1, beta2, epsilon, correction1, correction2] = settings;
      return total(n, (i) => {
        const w = data[weights + i] as number;
        const g = regularized(w, data[gradient + i] as number, scale, l2, l1);
        const v = average(velocity + i, newVelocity + i, beta1, g);
        const s = average(square + i, newSquare + i, beta2, g * g);
        data[newWeights + i] = w - (rate * (v / correction1)) / (Math.sqrt(s / correction2) + epsilon);
        return g * g;
      });
    },
  };
}
