import { describe, expect, it } from 'vitest';
import type { ProductShape } from '../../../src/kernels/contract/products.js';
import type { Kernels } from '../../../src/kernels/kernels.js';
import type { Workbench } from '../workbench.js';
import { blank, expectClose, expectSameBits, SIZES, uniform } from '../workbench.js';

const ORIENTATIONS = [
  [false, false],
  [false, true],
  [true, false],
  [true, true],
] as const;

/** Products that are probed or proven in jobs: forward, input gradient, weight gradient, small and single-row ones. */
const SHARED_SHAPES: readonly (readonly [shape: ProductShape, count: number])[] = [
  [{ transA: false, transB: true, m: 32, n: 128, k: 200 }, 4],
  [{ transA: false, transB: false, m: 32, n: 130, k: 65 }, 3],
  [{ transA: false, transB: true, m: 25, n: 10, k: 256 }, 8],
  [{ transA: false, transB: true, m: 7, n: 33, k: 17 }, 5],
  [{ transA: false, transB: true, m: 1, n: 64, k: 100 }, 16],
  [{ transA: false, transB: false, m: 1, n: 1, k: 9 }, 8],
];

const ACCUMULATED_SHAPES: readonly ProductShape[] = [
  { transA: true, transB: false, m: 128, n: 96, k: 32 },
  { transA: true, transB: false, m: 10, n: 33, k: 25 },
  { transA: true, transB: false, m: 16, n: 16, k: 1 },
  { transA: true, transB: false, m: 40, n: 24, k: 320 },
  { transA: true, transB: false, m: 64, n: 48, k: 700 },
  { transA: false, transB: true, m: 5, n: 7, k: 257 },
];

export function describeProducts(bench: () => Workbench): void {
  describe('products', () => {
    for (const [transA, transB] of ORIENTATIONS) {
      it(`multiplies ${transA ? 'Aᵀ' : 'A'}·${transB ? 'Bᵀ' : 'B'} at odd sizes and leading dimensions`, () => {
        for (const m of SIZES) {
          for (const [n, k] of [
            [1, 7],
            [5, 257],
            [16, 1],
            [33, 4],
            [4, 33],
          ] as const) {
            checkProduct(bench(), { transA, transB, m, n, k }, m % 2, false);
            checkProduct(bench(), { transA, transB, m: k, n: m, k: n }, 3, true);
          }
        }
      });
    }

    it('keeps its accuracy over blocks of every dimension', () => {
      for (const [transA, transB] of ORIENTATIONS) {
        checkProduct(bench(), { transA, transB, m: 150, n: 40, k: 40 }, 0, false);
        checkProduct(bench(), { transA, transB, m: 5, n: 1040, k: 17 }, 0, true);
        checkProduct(bench(), { transA, transB, m: 17, n: 9, k: 1100 }, 1, true);
      }
    });

    it('overwrites C without reading it', () => {
      const nothing = new Float32Array(35).fill(NaN);
      const [, , c] = bench().run([uniform(15, 1), uniform(21, 2), nothing], (kernels, [a, b, out]) =>
        kernels.gemm(false, false, 5, 7, 3, a, 3, b, 7, false, out, 7),
      );
      expect(c?.every(Number.isFinite)).toBe(true);
    });

    it('gives rows of several shards the bits of separate products where it says so', () => {
      for (const [shape, count] of SHARED_SHAPES) {
        if (bench().kernels.rowsShareProduct(shape, count)) checkSharedRows(bench(), shape, count);
      }
    });

    it('adds a product to C with the bits of a separate addition where it says so', () => {
      for (const shape of ACCUMULATED_SHAPES) {
        if (bench().kernels.accumulationIsExact(shape)) checkAccumulation(bench(), shape);
      }
    });

    it('answers the same question the same way', () => {
      const kernels: Kernels = bench().kernels;
      for (const [shape, count] of SHARED_SHAPES) {
        expect(kernels.rowsShareProduct(shape, count)).toBe(kernels.rowsShareProduct({ ...shape }, count));
      }
    });
  });
}

/** @param spread elements between the rows of every matrix */
function checkProduct(bench: Workbench, shape: ProductShape, spread: number, accumulate: boolean): void {
  const { transA, transB, m, n, k } = shape;
  const [rowsA, lda] = transA ? [k, m + spread] : [m, k + spread];
  const [rowsB, ldb] = transB ? [n, k + spread] : [k, n + spread];
  const ldc = n + spread;
  const a = uniform(rowsA * lda, m);
  const b = uniform(rowsB * ldb, n + 1000);
  const c = accumulate ? uniform(m * ldc, k + 2000) : blank(m * ldc);
  const multiply = (kernels: Kernels, [x, y, z]: readonly [number, number, number]): void =>
    kernels.gemm(transA, transB, m, n, k, x, lda, y, ldb, accumulate, z, ldc);
  const actual = bench.run([a, b, c], multiply);
  const exact = bench.exact([a, b, c], multiply);
  // The error of a sum is bounded by the sum of magnitudes, in whatever order: k·2⁻²⁴·Σ|a·b|, and is about √k in practice.
  const [, , magnitude] = bench.exact([a.map(Math.abs), b.map(Math.abs), c.map(Math.abs)], multiply);
  expectClose(actual[2] ?? [], exact[2] ?? [], 1 + Math.sqrt(k), magnitude ?? 0);
}

function checkSharedRows(bench: Workbench, shape: ProductShape, count: number): void {
  const { transB, m, n, k } = shape;
  const ldb = transB ? k : n;
  const blocks = [uniform(count * m * k, 3), uniform(k * n, 4), blank(count * m * n)] as const;
  const together = bench.run(blocks, (kernels, [a, b, c]) =>
    kernels.gemm(false, transB, count * m, n, k, a, k, b, ldb, false, c, n),
  );
  const apart = bench.run(blocks, (kernels, [a, b, c]) => {
    for (let shard = 0; shard < count; shard++) {
      kernels.gemm(false, transB, m, n, k, a + shard * m * k, k, b, ldb, false, c + shard * m * n, n);
    }
  });
  expectSameBits(together, apart, `${count} × ${m}×${n}×${k} in one product`);
}

function checkAccumulation(bench: Workbench, shape: ProductShape): void {
  const { transA, transB, m, n, k } = shape;
  const lda = transA ? m : k;
  const ldb = transB ? k : n;
  const blocks = [uniform(m * k, 5), uniform(k * n, 6), uniform(m * n, 7), new Float32Array(m * n)] as const;
  const [, , accumulated] = bench.run(blocks, (kernels, [a, b, c]) =>
    kernels.gemm(transA, transB, m, n, k, a, lda, b, ldb, true, c, n),
  );
  const [, , added] = bench.run(blocks, (kernels, [a, b, c, product]) => {
    kernels.gemm(transA, transB, m, n, k, a, lda, b, ldb, false, product, n);
    kernels.addRect(m, n, product, n, c, n);
  });
  expectSameBits([accumulated ?? []], [added ?? []], `${m}×${n}×${k} accumulated`);
}
