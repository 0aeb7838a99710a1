import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bits, makeKernels, put, randomNumbers, take } from './wasm-fixture.js';

/** The order of the sums, in plain numbers: float32 down 32 rows, blocks in float64, one rounding at the end. */
function summed(rows: number, term: (row: number) => number): number {
  let total = 0;
  for (let first = 0; first < rows; first += 32) {
    let block = 0;
    for (let row = first; row < Math.min(first + 32, rows); row += 1) block = Math.fround(block + term(row));
    total += block;
  }
  return Math.fround(total);
}

const round = Math.fround;

/** What the kernels give, and what they should, for a matrix that begins `shift` elements off a cache line. */
function sumsOf(
  rows: number,
  cols: number,
  shift: number,
  seed: number,
): [actual: Float32Array, expected: Float32Array][] {
  const size = rows * cols;
  const kernels = makeKernels(2 * size + 10 * (cols + 64));
  const [xs, ys, gammas, betas] = [size, size, cols, cols].map((n, i) => randomNumbers(n, seed + i)) as [
    Float32Array,
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  const place = (values: Float32Array): number => put(kernels, [...new Float32Array(shift), ...values]) + shift;
  const [x, y, gamma, beta] = [xs, ys, gammas, betas].map(place) as [number, number, number, number];
  const blank = new Float32Array(cols).fill(NaN);
  const [sums, mean, m2, sumX, sumXY, gated, gatedY] = Array.from({ length: 7 }, () => place(blank)) as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  kernels.columnSums(rows, cols, x, sums);
  if (rows > 0) kernels.columnMoments(rows, cols, x, mean, m2);
  kernels.columnDots(rows, cols, x, y, sumX, sumXY);
  kernels.batchNormReluDots(rows, cols, x, y, gamma, beta, gated, gatedY);

  const perColumn = (value: (column: number) => number): Float32Array =>
    Float32Array.from({ length: cols }, (_, c) => value(c));
  const at = (values: Float32Array, row: number, c: number): number => values[row * cols + c] ?? NaN;
  const passed = (row: number, c: number): number =>
    round(round((gammas[c] ?? NaN) * at(ys, row, c)) + (betas[c] ?? NaN)) > 0 ? at(xs, row, c) : 0;
  const plain = perColumn((c) => summed(rows, (row) => at(xs, row, c)));
  const means = plain.map((sum) => sum / rows);
  const squares = perColumn((c) => summed(rows, (row) => round(round(at(xs, row, c) - (means[c] ?? NaN)) ** 2)));
  const products = perColumn((c) => summed(rows, (row) => round(at(xs, row, c) * at(ys, row, c))));
  const ofPassed = perColumn((c) => summed(rows, (row) => passed(row, c)));
  const productsOfPassed = perColumn((c) => summed(rows, (row) => round(passed(row, c) * at(ys, row, c))));
  const taken = (offset: number): Float32Array => take(kernels, offset, cols);
  return [
    [taken(sums), plain],
    ...(rows > 0
      ? ([
          [taken(mean), means],
          [taken(m2), squares],
        ] as [Float32Array, Float32Array][])
      : []),
    [taken(sumX), plain],
    [taken(sumXY), products],
    [taken(gated), ofPassed],
    [taken(gatedY), productsOfPassed],
  ];
}

function expectBits(rows: number, cols: number, shift: number, seed: number): void {
  for (const [index, [actual, expected]] of sumsOf(rows, cols, shift, seed).entries()) {
    expect(bits(actual), `sum ${index} of ${rows}×${cols}`).toEqual(bits(expected));
  }
}

describe('sums over columns', () => {
  it('have the bits of their order in matrices of any narrow shape, wherever they begin', () => {
    const shape = fc.tuple(
      fc.integer({ min: 0, max: 40 }),
      fc.integer({ min: 1, max: 70 }),
      fc.integer({ min: 0, max: 15 }),
    );
    fc.assert(
      fc.property(shape, fc.integer(), ([rows, cols, shift], seed) => {
        expectBits(rows, cols, shift, seed);
      }),
      {
        numRuns: 150,
        examples: [
          [[33, 32, 1], 1],
          [[32, 70, 3], 2],
          [[40, 31, 2], 3],
        ],
      },
    );
  });

  it.each([
    [1, 160],
    [8, 161],
    [31, 192],
    [33, 300],
    [100, 131],
    [97, 515],
  ])('have the bits of their order where a block is walked in several spans: %i×%i', (rows, cols) => {
    expectBits(rows, cols, 5, rows);
  });

  it('have them in a row that is longer than the totals that are kept at a time', () => {
    const [rows, cols] = [33, (1 << 18) + 70];
    const values = randomNumbers(rows * cols, 9);
    const kernels = makeKernels(rows * cols + 3 * cols);
    const x = put(kernels, values);
    const [sumX, sumXX] = [put(kernels, new Float32Array(cols)), put(kernels, new Float32Array(cols))];
    kernels.columnDots(rows, cols, x, x, sumX, sumXX);
    for (const c of [0, (1 << 18) - 1, 1 << 18, cols - 1]) {
      const value = (row: number): number => values[row * cols + c] ?? NaN;
      expect(kernels.arena.floats[sumX + c]).toBe(summed(rows, value));
      expect(kernels.arena.floats[sumXX + c]).toBe(summed(rows, (row) => round(value(row) ** 2)));
    }
  });
});

describe('the gradient that an update uses', () => {
  it('has the bits of scale·gradient + l2·w + l1·sign w, signed zeros included, with l1 and without', () => {
    const values = [0, -0, 1, -1, 0.3, -0.7, 1e-40, -1e-40, 3, -5];
    const pairs = values.flatMap((w) => values.map((g) => [w, g] as const));
    const kernels = makeKernels(4 * pairs.length + 256);
    const n = pairs.length;
    const weights = put(
      kernels,
      Float32Array.from(pairs, ([w]) => w),
    );
    const gradient = put(
      kernels,
      Float32Array.from(pairs, ([, g]) => g),
    );
    const moved = put(kernels, new Float32Array(n));
    for (const [l2, l1] of [
      [0, 0],
      [0.25, 0],
      [0, 0.5],
      [0.25, 0.5],
    ] as const) {
      kernels.gradientDescent(n, weights, gradient, moved, 1, l2, l1, 1);
      const expected = Float32Array.from(pairs, ([weight, slope]) => {
        const [w, g] = [round(weight), round(slope)];
        const lasso = w === 0 ? 0 : l1 * Math.sign(w);
        return round(w - round(round(g + round(l2 * w)) + lasso));
      });
      expect(bits(take(kernels, moved, n)), `l2 ${l2}, l1 ${l1}`).toEqual(bits(expected));
    }
  });
});
