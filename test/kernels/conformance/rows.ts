import { describe, expect, it } from 'vitest';
import type { Kernels } from '../../../src/kernels/kernels.js';
import type { Workbench } from '../workbench.js';
import { blank, expectSameBits, SIZES, uniform } from '../workbench.js';

interface RowCase {
  readonly name: string;
  readonly ulps: number;
  readonly magnitude: number;
  /** Operands of [rows, cols], [rows] or [cols]: how many elements a row takes in each; 0 for a vector shared by all rows. */
  readonly blocks: (rows: number, cols: number) => readonly (readonly [values: Float32Array, perRow: number])[];
  readonly call: (kernels: Kernels, rows: number, cols: number, at: readonly number[], firstRow: number) => void;
}

const logits = (rows: number, cols: number): Float32Array =>
  uniform(rows * cols, 21, -8, 8).map((x, i) => (i % 29 === 3 ? 1000 : i % 31 === 5 ? -1000 : x));
const labels = (rows: number, cols: number): Float32Array =>
  Float32Array.from({ length: rows }, (_, r) => (r * 7) % cols);
const positive = (length: number, seed: number): Float32Array => uniform(length, seed, 0.5, 2);

const CASES: readonly RowCase[] = [
  {
    name: 'softmax',
    ulps: 8,
    magnitude: 0,
    blocks: (rows, cols) => [
      [uniform(rows * cols, 22, -8, 8), cols],
      [blank(rows * cols), cols],
    ],
    call: (kernels, rows, cols, [x = 0, y = 0]) => kernels.softmax(rows, cols, x, y),
  },
  {
    name: 'softmaxBackward',
    ulps: 16,
    magnitude: 1,
    blocks: (rows, cols) => [
      [uniform(rows * cols, 23, 0, 2 / cols), cols],
      [uniform(rows * cols, 24), cols],
      [blank(rows * cols), cols],
    ],
    call: (kernels, rows, cols, [y = 0, dy = 0, dx = 0]) => kernels.softmaxBackward(rows, cols, y, dy, dx),
  },
  {
    name: 'softmaxCrossEntropy',
    ulps: 8,
    magnitude: 16,
    blocks: (rows, cols) => [
      [logits(rows, cols), cols],
      [labels(rows, cols), 1],
      [blank(rows), 1],
      [blank(rows * cols), cols],
    ],
    call: (kernels, rows, cols, [x = 0, label = 0, loss = 0, gradient = 0]) =>
      kernels.softmaxCrossEntropy(rows, cols, x, label, loss, gradient),
  },
  {
    name: 'sigmoidCrossEntropy',
    ulps: 8,
    magnitude: 16,
    blocks: (rows, cols) => [
      [logits(rows, cols), cols],
      [uniform(rows * cols, 25, 0, 1), cols],
      [blank(rows), 1],
      [blank(rows * cols), cols],
    ],
    call: (kernels, rows, cols, [x = 0, target = 0, loss = 0, gradient = 0]) =>
      kernels.sigmoidCrossEntropy(rows, cols, x, target, loss, gradient),
  },
  {
    name: 'squaredError',
    ulps: 8,
    magnitude: 1,
    blocks: (rows, cols) => [
      [uniform(rows * cols, 26), cols],
      [uniform(rows * cols, 27), cols],
      [blank(rows), 1],
      [blank(rows * cols), cols],
    ],
    call: (kernels, rows, cols, [x = 0, target = 0, loss = 0, gradient = 0]) =>
      kernels.squaredError(rows, cols, x, target, loss, gradient),
  },
  {
    name: 'argmax',
    ulps: 0,
    magnitude: 0,
    // Multiples of ¼, so that equal maxima are common.
    blocks: (rows, cols) => [
      [uniform(rows * cols, 28).map((x) => Math.round(4 * x) / 4), cols],
      [blank(rows), 1],
    ],
    call: (kernels, rows, cols, [x = 0, out = 0]) => kernels.argmax(rows, cols, x, out),
  },
  {
    name: 'batchNorm',
    ulps: 4,
    magnitude: 4,
    blocks: (rows, cols) => [
      [uniform(rows * cols, 29), cols],
      [uniform(cols, 30), 0],
      [positive(cols, 31), 0],
      [uniform(cols, 32), 0],
      [uniform(cols, 33), 0],
      [blank(rows * cols), cols],
      [blank(rows * cols), cols],
    ],
    call: (kernels, rows, cols, [x = 0, mean = 0, inverse = 0, gamma = 0, beta = 0, normalized = 0, y = 0]) =>
      kernels.batchNorm(rows, cols, x, mean, inverse, gamma, beta, normalized, y),
  },
  {
    name: 'batchNormBackward',
    ulps: 8,
    magnitude: 4,
    blocks: (rows, cols) => [
      [uniform(rows * cols, 34), cols],
      [uniform(rows * cols, 35), cols],
      [uniform(cols, 36), 0],
      [positive(cols, 37), 0],
      [uniform(cols, 38, -4, 4), 0],
      [uniform(cols, 39, -4, 4), 0],
      [blank(rows * cols), cols],
    ],
    call: (kernels, rows, cols, [dy = 0, normalized = 0, gamma = 0, inverse = 0, sumDy = 0, sumDyX = 0, dx = 0]) =>
      kernels.batchNormBackward(rows, cols, dy, normalized, gamma, inverse, sumDy, sumDyX, 300, dx),
  },
  {
    name: 'dropoutMask',
    ulps: 1,
    magnitude: 0,
    blocks: (rows, cols) => [[blank(rows * cols), cols]],
    call: (kernels, rows, cols, [mask = 0], firstRow) =>
      kernels.dropoutMask(rows, cols, 0.7, 0xdeadbeef, 0x9e3779b9, 4294967040 + firstRow, 0xffffffff, 3, mask),
  },
  {
    name: 'standardize',
    ulps: 2,
    magnitude: 2,
    blocks: (rows, cols) => [
      [uniform(rows * cols, 40), cols],
      [uniform(cols, 41), 0],
      [positive(cols, 42), 0],
      [blank(rows * cols), cols],
    ],
    call: (kernels, rows, cols, [x = 0, mean = 0, inverse = 0, y = 0]) =>
      kernels.standardize(rows, cols, x, mean, inverse, y),
  },
];

export function describeRows(bench: () => Workbench): void {
  describe('rows', () => {
    for (const { name, ulps, magnitude, blocks, call } of CASES) {
      it(`${name} agrees with the reference`, () => {
        for (const rows of [1, 3, 8])
          for (const cols of SIZES) {
            const values = blocks(rows, cols).map(([block]) => block);
            bench().check(values, (kernels, at) => call(kernels, rows, cols, at, 0), ulps, magnitude);
          }
      });

      it(`${name} gives a row the same bits whatever rows are with it`, () => {
        for (const cols of SIZES) {
          const rows = 7;
          const operands = blocks(rows, cols);
          const values = operands.map(([block]) => block);
          const together = bench().run(values, (kernels, at) => call(kernels, rows, cols, at, 0));
          const apart = bench().run(values, (kernels, at) => {
            for (let r = 0; r < rows; r++) {
              call(
                kernels,
                1,
                cols,
                at.map((offset, i) => offset + r * (operands[i]?.[1] ?? 0)),
                r,
              );
            }
          });
          expectSameBits(apart, together, 'one row at a time');
        }
      });
    }

    it('losses leave the gradient alone when it is not wanted, and are the same', () => {
      for (const { name, blocks, call } of CASES.filter(
        ({ name }) => name.includes('Entropy') || name === 'squaredError',
      )) {
        const values = blocks(5, 33).map(([block]) => block);
        const both = bench().run(values, (kernels, at) => call(kernels, 5, 33, at, 0));
        const alone = bench().run(values.slice(0, 3), (kernels, at) => call(kernels, 5, 33, [...at, -1], 0));
        expectSameBits([alone[2] ?? []], [both[2] ?? []], `${name} without gradient`);
      }
    });

    it('losses of logits of ±1000 are finite and exact', () => {
      const rows = [1000, -1000, 0, -1000, 1000, 0, 1000, 1000, 1000];
      const [, , loss, gradient] = bench().check(
        [rows, [0, 0, 2], blank(3), blank(9)],
        (kernels, [x, label, out, slope]) => kernels.softmaxCrossEntropy(3, 3, x, label, out, slope),
        2,
      );
      expect(Array.from(loss ?? []).slice(0, 2)).toEqual([0, 2000]);
      expect(loss?.[2]).toBeCloseTo(Math.log(3), 6);
      expect(gradient?.every(Number.isFinite)).toBe(true);

      const [, , binary] = bench().check(
        [[1000, -1000, 1000, -1000], [1, 0, 0, 1], blank(4), blank(4)],
        (kernels, [x, target, out, slope]) => kernels.sigmoidCrossEntropy(4, 1, x, target, out, slope),
        2,
      );
      expect(Array.from(binary ?? [])).toEqual([0, 0, 1000, 1000]);
    });

    it('softmax of ±1000 is finite and sums to 1', () => {
      const [, y] = bench().check(
        [[1000, -1000, 999, 0], blank(4)],
        (kernels, [x, out]) => kernels.softmax(1, 4, x, out),
        8,
      );
      expect(Array.from(y ?? []).reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 6);
    });

    it('standardizeBytes reads bytes at any position', () => {
      for (const cols of SIZES)
        for (const skip of [0, 1, 3]) {
          const rows = 3;
          const pixels = Uint8Array.from(uniform(rows * cols, 43, 0, 256));
          pixels.set([255], pixels.length - 1);
          const blocks = [
            new Float32Array(rows * cols + 4),
            uniform(cols, 44, 0, 255),
            positive(cols, 45),
            blank(rows * cols),
          ] as const;
          const call = (kernels: Kernels, [at, mean, inverse, y]: readonly [number, number, number, number]): void => {
            const position = at * kernels.arena.elementBytes + skip;
            kernels.arena.bytes.set(pixels, position);
            kernels.standardizeBytes(rows, cols, position, mean, inverse, y);
          };
          const actual = bench().run(blocks, call)[3] ?? [];
          const exact = bench().exact(blocks, call)[3] ?? [];
          for (let i = 0; i < rows * cols; i++)
            expect(Math.abs((actual[i] ?? NaN) - (exact[i] ?? NaN))).toBeLessThan(1e-4);
        }
    });
  });
}
