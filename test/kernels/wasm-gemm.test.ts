import { describe, expect, it } from 'vitest';
import type { Kernels } from '../../src/kernels/kernels.js';
import { bits, makeKernels, put, randomNumbers, take } from './wasm-fixture.js';

const ORIENTATIONS = [
  [false, false],
  [false, true],
  [true, false],
  [true, true],
] as const;

const SIZES = [
  [1, 1, 1],
  [4, 8, 2],
  [5, 9, 3],
  [3, 4, 17],
  [7, 12, 5],
  [13, 21, 33],
  [32, 10, 64],
  [130, 19, 31],
  [9, 1031, 7],
  [6, 5, 513],
  [17, 23, 1100],
] as const;

interface Product {
  readonly transA: boolean;
  readonly transB: boolean;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** Elements by which leading dimensions exceed the row length. */
  readonly slack: number;
}

const lda = ({ transA, m, k, slack }: Product): number => (transA ? m : k) + slack;
const ldb = ({ transB, n, k, slack }: Product): number => (transB ? k : n) + slack;
const lengthA = (p: Product): number => lda(p) * (p.transA ? p.k : p.m);
const lengthB = (p: Product): number => ldb(p) * (p.transB ? p.n : p.k);

/** op(A)·op(B) and Σ |a·b|, which bounds the error of a sum in any order, in float64. */
function multiplyExactly(p: Product, a: Float32Array, b: Float32Array): { product: Float64Array; bound: Float64Array } {
  const product = new Float64Array(p.m * p.n);
  const bound = new Float64Array(p.m * p.n);
  const [rowA, stepA] = p.transA ? [1, lda(p)] : [lda(p), 1];
  const [columnB, stepB] = p.transB ? [ldb(p), 1] : [1, ldb(p)];
  for (let i = 0; i < p.m; i++) {
    for (let j = 0; j < p.n; j++) {
      let sum = 0;
      let sumAbs = 0;
      for (let q = 0; q < p.k; q++) {
        const term = (a[i * rowA + q * stepA] as number) * (b[j * columnB + q * stepB] as number);
        sum += term;
        sumAbs += Math.abs(term);
      }
      product[i * p.n + j] = sum;
      bound[i * p.n + j] = sumAbs;
    }
  }
  return { product, bound };
}

function multiply(
  kernels: Kernels,
  p: Product,
  a: Float32Array,
  b: Float32Array,
  c: Float32Array,
  add: boolean,
): Float32Array {
  const at = put(kernels, c);
  kernels.gemm(
    p.transA,
    p.transB,
    p.m,
    p.n,
    p.k,
    put(kernels, a),
    lda(p),
    put(kernels, b),
    ldb(p),
    add,
    at,
    p.n + p.slack,
  );
  return take(kernels, at, c.length);
}

describe('gemm', () => {
  it.each(ORIENTATIONS)(
    'multiplies whatever the sizes and leading dimensions (transA %s, transB %s)',
    (transA, transB) => {
      const kernels = makeKernels(1 << 19);
      for (const [m, n, k] of SIZES) {
        for (const slack of [0, 3]) {
          const p = { transA, transB, m, n, k, slack };
          const a = randomNumbers(lengthA(p), 1);
          const b = randomNumbers(lengthB(p), 2);
          const ldc = n + slack;
          const before = new Float32Array(m * ldc).fill(7);
          const c = multiply(kernels, p, a, b, before, false);
          const { product, bound } = multiplyExactly(p, a, b);
          let worst = 0;
          c.forEach((value, index) => {
            const column = index % ldc;
            const at = Math.floor(index / ldc) * n + column;
            // Behind the end of a row C keeps what it had.
            const error =
              column < n ? Math.abs(value - (product[at] ?? NaN)) / (bound[at] ?? NaN) : Math.abs(value - 7);
            if (!(error <= worst)) worst = error;
          });
          expect(worst, `${m}×${n}×${k}, slack ${slack}`).toBeLessThanOrEqual(k * 2 ** -24);
        }
      }
    },
  );

  it('gives a row the same bits alone, in any batch and at any position', () => {
    const kernels = makeKernels(1 << 20);
    for (const [m, n, k] of [
      [37, 10, 256],
      [37, 29, 784],
      [150, 13, 31],
    ] as const) {
      const whole = { transA: false, transB: true, m, n, k, slack: 0 };
      const a = randomNumbers(m * k, 3);
      const b = randomNumbers(n * k, 4);
      const c = multiply(kernels, whole, a, b, new Float32Array(m * n), false);
      for (const [first, rows] of [
        [0, 1],
        [1, 1],
        [5, 3],
        [2, 6],
        [m - 1, 1],
        [3, m - 3],
      ] as const) {
        const some = a.slice(first * k, (first + rows) * k);
        const part = multiply(kernels, { ...whole, m: rows }, some, b, new Float32Array(rows * n), false);
        expect(bits(part)).toEqual(bits(c.slice(first * n, (first + rows) * n)));
      }
      expect(kernels.rowsShareProduct({ ...whole }, 4)).toBe(true);
    }
  });

  it('gives a tile of C the same bits as the whole', () => {
    const kernels = makeKernels(1 << 18);
    const p = { transA: true, transB: false, m: 45, n: 50, k: 32, slack: 0 };
    const a = put(kernels, randomNumbers(p.m * p.k, 5));
    const b = put(kernels, randomNumbers(p.n * p.k, 6));
    const whole = kernels.arena.allocate(p.m * p.n);
    const tiled = kernels.arena.allocate(p.m * p.n);
    kernels.gemm(true, false, p.m, p.n, p.k, a, p.m, b, p.n, false, whole, p.n);
    for (let i = 0; i < p.m; i += 17) {
      for (let j = 0; j < p.n; j += 19) {
        const rows = Math.min(17, p.m - i);
        const columns = Math.min(19, p.n - j);
        kernels.gemm(true, false, rows, columns, p.k, a + i, p.m, b + j, p.n, false, tiled + i * p.n + j, p.n);
      }
    }
    expect(bits(take(kernels, tiled, p.m * p.n))).toEqual(bits(take(kernels, whole, p.m * p.n)));
  });

  it('accumulates exactly as a product and an addition, up to the depth it declares', () => {
    const kernels = makeKernels(1 << 19);
    for (const [m, n, k] of [
      [9, 13, 1],
      [20, 10, 32],
      [5, 21, 256],
      [7, 9, 512],
    ] as const) {
      const p = { transA: true, transB: false, m, n, k, slack: 2 };
      expect(kernels.accumulationIsExact(p)).toBe(true);
      const a = randomNumbers(lengthA(p), 7);
      const b = randomNumbers(lengthB(p), 8);
      const before = randomNumbers(m * (n + 2), 9);
      const accumulated = multiply(kernels, p, a, b, before, true);
      const product = put(kernels, multiply(kernels, p, a, b, new Float32Array(m * (n + 2)), false));
      const sum = put(kernels, before);
      kernels.addRect(m, n, product, n + 2, sum, n + 2);
      expect(bits(accumulated)).toEqual(bits(take(kernels, sum, before.length)));
    }
    expect(kernels.accumulationIsExact({ transA: true, transB: false, m: 9, n: 9, k: 513 })).toBe(false);
  });

  it('gives one shard the bits of a single product, however many rows it has', () => {
    const kernels = makeKernels(1 << 19);
    for (const rows of [1, 32, 512, 513, 2100]) {
      const [m, n] = [21, 45];
      const a = put(kernels, randomNumbers(m * rows, 10));
      const b = put(kernels, randomNumbers(n * rows, 11));
      const [single, tree] = [kernels.arena.allocate(m * n), kernels.arena.allocate(m * n)];
      kernels.gemm(true, false, m, n, rows, a, m, b, n, false, single, n);
      kernels.gemmTree(m, n, rows, 1, a, m, b, n, tree, n, kernels.arena.next);
      expect(bits(take(kernels, tree, m * n)), `${rows} rows`).toEqual(bits(take(kernels, single, m * n)));
    }
  });

  it('reads nothing of C without accumulate, and sees an empty inner dimension as zero', () => {
    const kernels = makeKernels(1 << 12);
    const c = put(kernels, new Float32Array(12).fill(NaN));
    kernels.gemm(false, false, 2, 5, 0, c, 1, c, 5, false, c, 6);
    expect([...take(kernels, c, 12)]).toEqual([0, 0, 0, 0, 0, NaN, 0, 0, 0, 0, 0, NaN]);
    kernels.gemm(false, false, 2, 5, 0, c, 1, c, 5, true, c, 6);
    expect(take(kernels, c, 5)).toEqual(new Float32Array(5));
  });

  it('carries NaN and infinity', () => {
    const kernels = makeKernels(1 << 12);
    const a = put(kernels, [1, NaN, 0, Infinity]);
    const b = put(kernels, [1, 2, 3, 4]);
    const c = kernels.arena.allocate(4);
    kernels.gemm(false, false, 2, 2, 2, a, 2, b, 2, false, c, 2);
    expect([...take(kernels, c, 4)]).toEqual([NaN, NaN, Infinity, Infinity]);
  });
});
