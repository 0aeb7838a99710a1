import { describe, it } from 'vitest';
import type { Kernels } from '../../../src/kernels/kernels.js';
import type { Workbench } from '../workbench.js';
import { expectSameBits, SIZES, uniform } from '../workbench.js';

interface UpdateCase {
  readonly name: string;
  readonly call: (kernels: Kernels, n: number, at: readonly number[], l2: number, l1: number) => void;
}

/** Operands: weights (with zeros, whose sign is 0), gradient, velocity, square. */
const operands = (n: number): Float32Array[] => [
  uniform(n, 61).map((w, i) => (i % 6 === 2 ? 0 : w)),
  uniform(n, 62, -20, 20).map((g, i) => (i % 7 === 3 ? 0 : g)),
  uniform(n, 63),
  uniform(n, 64, 0, 0.01),
];

/** Rates and epsilons far above those of jobs, so that what each of them does stands out from rounding. */
const SCALE = 1 / 256;

const CASES: readonly UpdateCase[] = [
  {
    name: 'gradientDescent',
    call: (kernels, n, [w = 0, g = 0], l2, l1) => kernels.gradientDescent(n, w, g, SCALE, l2, l1, 0.1),
  },
  {
    name: 'momentum',
    call: (kernels, n, [w = 0, g = 0, v = 0], l2, l1) => kernels.momentum(n, w, g, v, SCALE, l2, l1, 0.1, 0.9),
  },
  {
    name: 'rmsprop',
    call: (kernels, n, [w = 0, g = 0, , s = 0], l2, l1) => kernels.rmsprop(n, w, g, s, SCALE, l2, l1, 0.5, 0.9, 0.01),
  },
  {
    name: 'adam',
    call: (kernels, n, [w = 0, g = 0, v = 0, s = 0], l2, l1) =>
      kernels.adam(n, w, g, v, s, SCALE, l2, l1, 0.5, 0.9, 0.99, 0.01, 1 - 0.9 ** 3, 1 - 0.99 ** 3),
  },
];

export function describeOptimizers(bench: () => Workbench): void {
  describe('optimizers', () => {
    for (const { name, call } of CASES) {
      it(`${name} agrees with the reference, state included`, () => {
        for (const n of SIZES)
          for (const [l2, l1] of [
            [0, 0],
            [0.01, 0],
            [0, 0.02],
            [0.01, 0.02],
          ] as const) {
            bench().check(operands(n), (kernels, at) => call(kernels, n, at, l2, l1), 4, 1);
          }
      });

      it(`${name} updates a parameter with the same bits in whatever tile it lies`, () => {
        const n = 257;
        const together = bench().run(operands(n), (kernels, at) => call(kernels, n, at, 0.01, 0.02));
        const apart = bench().run(operands(n), (kernels, at) => {
          for (let i = 0; i < n; i++)
            call(
              kernels,
              1,
              at.map((offset) => offset + i),
              0.01,
              0.02,
            );
        });
        expectSameBits(apart, together, 'one parameter at a time');
      });
    }
  });
}
