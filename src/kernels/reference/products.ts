import type { Arena, Offset } from '../arena.js';
import type { Kernels } from '../kernels.js';
import { shardAt, shardsWithRows, sumProducts } from '../shard-products.js';

export type Products = Pick<Kernels, 'gemm' | 'gemmTree' | 'rowsShareProduct' | 'accumulationIsExact'>;

/** Row times column, summed in float64 in the order of k, rounded once to the precision of the arena. */
export function referenceProducts(arena: Arena): Products {
  const x = arena.floats;
  const round = arena.precision === 'float32' ? Math.fround : (value: number): number => value;

  const gemm: Kernels['gemm'] = (transA, transB, m, n, k, a, lda, b, ldb, accumulate, c, ldc) => {
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let sum = 0;
        for (let p = 0; p < k; p++) {
          const left = x[transA ? a + p * lda + i : a + i * lda + p] as number;
          const right = x[transB ? b + j * ldb + p : b + p * ldb + j] as number;
          sum += left * right;
        }
        const at = c + i * ldc + j;
        // The product is rounded on its own before it is added, which is what makes accumulation exact.
        x[at] = accumulate ? (x[at] as number) + round(sum) : sum;
      }
    }
  };

  return {
    gemm,

    gemmTree(m, n, rows, shards, a, lda, b, ldb, c, ldc, scratch) {
      const write = (index: number, accumulate: boolean, to: Offset, ld: number): void => {
        const shard = shardAt(rows, shards, index);
        const [left, right] = [a + shard.start * lda, b + shard.start * ldb];
        gemm(true, false, m, n, shard.rows, left, lda, right, ldb, accumulate, to, ld);
      };
      const add = (from: Offset, to: Offset, ld: number): void => {
        for (let i = 0; i < m; i++) {
          for (let j = 0; j < n; j++)
            x[to + i * ld + j] = (x[to + i * ld + j] as number) + (x[from + i * n + j] as number);
        }
      };
      const products = { write, add, accumulationIsExact: () => true };
      sumProducts(products, shardsWithRows(rows, shards), m * n, n, c, ldc, scratch);
    },

    // Every element is a sum of its own, whatever rows are computed next to it.
    rowsShareProduct: () => true,

    accumulationIsExact: () => true,
  };
}
