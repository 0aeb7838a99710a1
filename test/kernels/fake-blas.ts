import type { BlasLibrary } from '../../src/kernels/openblas/cblas.js';
import { TRANS } from '../../src/kernels/openblas/cblas.js';

/** What the sum of one element may see of the call. */
export interface SumContext {
  readonly m: number;
  readonly row: number;
  /** Address of A modulo 64. */
  readonly alignment: number;
  readonly beta: number;
  readonly c: number;
}

/** `products` is used again for the next element. */
export type Sum = (products: Float32Array, context: SumContext) => number;

/** Σ in order, rounded to float32 after every addition, then added to beta·C. */
export const forwardSum: Sum = (products, { beta, c }) => {
  let sum = 0;
  for (const product of products) sum = Math.fround(sum + product);
  return Math.fround(sum + beta * c);
};

export const backwardSum: Sum = (products, context) => forwardSum(products.toReversed(), context);

/** A BLAS library in JavaScript that sums as it is told. Addresses are positions in a list of buffers, 2³² apart. */
export function fakeBlas(sum: Sum): BlasLibrary {
  const buffers: ArrayBufferLike[] = [];
  const addressOf = (view: ArrayBufferView): number => {
    if (!buffers.includes(view.buffer)) buffers.push(view.buffer);
    return (buffers.indexOf(view.buffer) + 1) * 2 ** 32 + view.byteOffset;
  };
  const at = (address: number): Float32Array =>
    new Float32Array(buffers[Math.floor(address / 2 ** 32) - 1] ?? new ArrayBuffer(0), address % 2 ** 32);
  return {
    description: 'a fake',
    smallProduct: 0,
    addressOf,
    sgemm(_layout, transA, transB, m, n, k, _alpha, a, lda, b, ldb, beta, c, ldc) {
      const [left, right, out] = [at(a), at(b), at(c)];
      const products = new Float32Array(k);
      const [a0, aStep] = transA === TRANS ? [1, lda] : [lda, 1];
      const [b0, bStep] = transB === TRANS ? [ldb, 1] : [1, ldb];
      for (let row = 0; row < m; row++) {
        for (let column = 0; column < n; column++) {
          for (let p = 0; p < k; p++) {
            products[p] = (left[row * a0 + p * aStep] as number) * (right[column * b0 + p * bStep] as number);
          }
          const to = row * ldc + column;
          out[to] = sum(products, { m, row, alignment: a % 64, beta, c: out[to] as number });
        }
      }
    },
  };
}
