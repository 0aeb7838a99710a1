import type { Arena } from '../arena.js';
import type { Kernels } from '../kernels.js';

export type Optimizers = Pick<
  Kernels,
  'sum' | 'sumSquares' | 'sumAbs' | 'gradientSumSquares' | 'gradientDescent' | 'momentum' | 'rmsprop' | 'adam'
>;

/** Sums over parameters and their updates. State is stored before it is used, so that what the weights see is what is kept. */
export function referenceOptimizers(arena: Arena): Optimizers {
  const data = arena.floats;

  const total = (n: number, term: (i: number) => number): number => {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += term(i);
    return sum;
  };

  /** scale·gradient + l2·w + l1·sign(w) of one parameter. */
  const regularized = (weight: number, gradient: number, scale: number, l2: number, l1: number): number =>
    scale * gradient + l2 * weight + l1 * Math.sign(weight);

  /** decay·state + (1 − decay)·value, stored and read back. */
  const average = (at: number, decay: number, value: number): number => {
    data[at] = decay * (data[at] as number) + (1 - decay) * value;
    return data[at];
  };

  return {
    sum: (n, x) => total(n, (i) => data[x + i] as number),

    sumSquares: (n, x) => total(n, (i) => (data[x + i] as number) ** 2),

    sumAbs: (n, x) => total(n, (i) => Math.abs(data[x + i] as number)),

    gradientSumSquares: (n, weights, gradient, scale, l2, l1) =>
      total(n, (i) => regularized(data[weights + i] as number, data[gradient + i] as number, scale, l2, l1) ** 2),

    gradientDescent(n, weights, gradient, scale, l2, l1, rate) {
      for (let i = 0; i < n; i++) {
        const w = data[weights + i] as number;
        data[weights + i] = w - rate * regularized(w, data[gradient + i] as number, scale, l2, l1);
      }
    },

    momentum(n, weights, gradient, velocity, scale, l2, l1, rate, beta) {
      for (let i = 0; i < n; i++) {
        const w = data[weights + i] as number;
        const g = regularized(w, data[gradient + i] as number, scale, l2, l1);
        data[weights + i] = w - rate * average(velocity + i, beta, g);
      }
    },

    rmsprop(n, weights, gradient, square, scale, l2, l1, rate, beta, epsilon) {
      for (let i = 0; i < n; i++) {
        const w = data[weights + i] as number;
        const g = regularized(w, data[gradient + i] as number, scale, l2, l1);
        const s = average(square + i, beta, g * g);
        data[weights + i] = w - (rate * g) / (Math.sqrt(s) + epsilon);
      }
    },

    adam(n, weights, gradient, velocity, square, scale, l2, l1, rate, beta1, beta2, epsilon, correction1, correction2) {
      for (let i = 0; i < n; i++) {
        const w = data[weights + i] as number;
        const g = regularized(w, data[gradient + i] as number, scale, l2, l1);
        const v = average(velocity + i, beta1, g);
        const s = average(square + i, beta2, g * g);
        data[weights + i] = w - (rate * (v / correction1)) / (Math.sqrt(s / correction2) + epsilon);
      }
    },
  };
}
