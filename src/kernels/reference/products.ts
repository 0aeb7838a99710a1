import type { Arena, Offset } from '../arena.js';
import type { Products } from '../contract/products.js';
import { shardAt, shardsWithRows, sumProducts } from '../shard-products.js';

/** Σ x[a + p·stepA] · x[b + p·stepB] for p = 0 … k − 1, in this order. */
function dot(x: Arena['floats'], k: number, a: Offset, stepA: number, b: Offset, stepB: number): number {
  let sum = 0;
  for (let p = 0, left = a, right = b; p < k; p++, left += stepA, right += stepB) {
    sum += (x[left] as number) * (x[right] as number);
  }
  return sum;
}

/** Row times column, summed in float64 in the order of k, rounded once to the precision of the arena. */
export function referenceProducts(arena: Arena): Products {
  const x = arena.floats;
  const round = arena.precision === 'float32' ? Math.fround : (value: number): number => value;

  const gemm: Products['gemm'] = (transA, transB, m, n, k, a, lda, b, ldb, accumulate, c, ldc) => {
    const [rowA, stepA] = transA ? [1, lda] : [lda, 1];
    const [columnB, stepB] = transB ? [ldb, 1] : [1, ldb];
    // Columns outside: one of B stays in the cache for all rows of A.
    for (let j = 0; j < n; j++) {
      for (let i = 0; i < m; i++) {
        const sum = dot(x, k, a + i * rowA, stepA, b + j * columnB, stepB);
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
