import { describe, expect, it } from 'vitest';
import type { Offset } from '../../../src/kernels/arena.js';
import type { Kernels } from '../../../src/kernels/kernels.js';
import type { Workbench } from '../workbench.js';
import { blank, expectSameBits, SIZES, uniform } from '../workbench.js';

interface UpdateCase {
  readonly name: string;
  readonly call: (kernels: Kernels, n: number, at: Operands, to: Operands, l2: number, l1: number) => number;
}

/** Where weights, gradient, velocity and square lie. */
type Operands = readonly Offset[];

/** Weights (with zeros, whose sign is 0), gradient, velocity, square. */
const operands = (n: number): Float32Array[] => [
  uniform(n, 61).map((w, i) => (i % 6 === 2 ? 0 : w)),
  uniform(n, 62, -20, 20).map((g, i) => (i % 7 === 3 ? 0 : g)),
  uniform(n, 63),
  uniform(n, 64, 0, 0.01),
];

/** Rates and epsilons far above those of jobs, so that what each of them does stands out from rounding. */
const SCALE = 1 / 256;

const PENALTIES = [
  [0, 0],
  [0.01, 0],
  [0, 0.02],
  [0.01, 0.02],
] as const;

const CASES: readonly UpdateCase[] = [
  {
    name: 'gradientDescent',
    call: (kernels, n, [w = 0, g = 0], [w2 = 0], l2, l1) => kernels.gradientDescent(n, w, g, w2, SCALE, l2, l1, 0.1),
  },
  {
    name: 'momentum',
    call: (kernels, n, [w = 0, g = 0, v = 0], [w2 = 0, , v2 = 0], l2, l1) =>
      kernels.momentum(n, w, g, v, w2, v2, SCALE, l2, l1, 0.1, 0.9),
  },
  {
    name: 'rmsprop',
    call: (kernels, n, [w = 0, g = 0, , s = 0], [w2 = 0, , , s2 = 0], l2, l1) =>
      kernels.rmsprop(n, w, g, s, w2, s2, SCALE, l2, l1, 0.5, 0.9, 0.01),
  },
  {
    name: 'adam',
    call: (kernels, n, [w = 0, g = 0, v = 0, s = 0], [w2 = 0, , v2 = 0, s2 = 0], l2, l1) =>
      kernels.adam(n, w, g, v, s, w2, v2, s2, SCALE, l2, l1, 0.5, 0.9, 0.99, 0.01, 1 - 0.9 ** 3, 1 - 0.99 ** 3),
  },
];

export function describeOptimizers(bench: () => Workbench): void {
  describe('optimizers', () => {
    for (const { name, call } of CASES) {
      it(`${name} agrees with the reference, state included`, () => {
        for (const n of SIZES)
          for (const [l2, l1] of PENALTIES) {
            bench().check(operands(n), (kernels, at) => call(kernels, n, at, at, l2, l1), 4, 1);
          }
      });

      it(`${name} writes elsewhere what it would write in place, and leaves what it read`, () => {
        for (const n of SIZES) {
          const before = operands(n);
          const inPlace = bench().run(before, (kernels, at) => call(kernels, n, at, at, 0.01, 0.02));
          const blanks = before.map(() => blank(n));
          const after = bench().run([...before, ...blanks], (kernels, at) =>
            call(kernels, n, at.slice(0, 4), at.slice(4), 0.01, 0.02),
          );
          expectSameBits(after.slice(0, 4), before, 'what was read');
          after.slice(4).forEach((block, i) => {
            // A block that this optimizer does not have, or the gradient, is not written at all.
            const expected = block.every((value) => value === blank(1)[0]) ? blank(n) : inPlace[i];
            expectSameBits([block], [expected ?? []], 'written elsewhere');
          });
          expectSameBits([after[4] ?? []], [inPlace[0] ?? []], 'weights');
        }
      });

      it(`${name} returns the sum of squares of the gradient that it used`, () => {
        for (const n of [...SIZES, 10_001])
          for (const [l2, l1] of PENALTIES) {
            const sums: number[][] = [];
            bench().run(operands(n), (kernels, at) => {
              const [weights = 0, gradient = 0] = at;
              const norm = kernels.gradientSumSquares(n, weights, gradient, SCALE, l2, l1);
              sums.push([norm, call(kernels, n, at, at, l2, l1)]);
            });
            for (const [norm, returned] of sums) expect(returned).toBe(norm);
          }
      });

      it(`${name} updates a parameter with the same bits in whatever tile it lies`, () => {
        const n = 257;
        const together = bench().run(operands(n), (kernels, at) => call(kernels, n, at, at, 0.01, 0.02));
        const apart = bench().run(operands(n), (kernels, at) => {
          for (let i = 0; i < n; i++) {
            const element = at.map((offset) => offset + i);
            call(kernels, 1, element, element, 0.01, 0.02);
          }
        });
        expectSameBits(apart, together, 'one parameter at a time');
      });
    }
  });
}
