/** Products of matrices. */
import type { Offset } from '../arena.js';

/** The sizes and orientation of one product C[m,n] = op(A)·op(B). */
export interface ProductShape {
  /** A is stored as [k,m]. */
  readonly transA: boolean;
  /** B is stored as [n,k]. */
  readonly transB: boolean;
  readonly m: number;
  readonly n: number;
  readonly k: number;
}

/** Elements of scratch that {@link Products.gemmTree} needs for a C of `elements` elements. */
export function gemmTreeScratch(elements: number, shards: number): number {
  return 2 * Math.ceil(Math.log2(shards)) * (elements + NODE_GAP);
}

/** Lies between the nodes of a tree in scratch, so that equal elements of several don't compete for the same lines of a cache. */
export const NODE_GAP = 272;

export interface Products {
  /**
   * C = op(A)·op(B), or C += op(A)·op(B) when `accumulate`. With `accumulate` the product is formed on its own first
   * and then added to C for k up to a limit of the backend: see {@link Products.accumulationIsExact}.
   */
  gemm(
    transA: boolean,
    transB: boolean,
    m: number,
    n: number,
    k: number,
    a: Offset,
    lda: number,
    b: Offset,
    ldb: number,
    accumulate: boolean,
    c: Offset,
    ldc: number,
  ): void;

  /**
   * Whether one product over `count × shape.m` rows of A (transA = false) has the same bits as `count` separate products over
   * `shape.m` rows each. True only where it is known by construction or was probed on random data at these exact sizes.
   */
  rowsShareProduct(shape: ProductShape, count: number): boolean;

  /** Whether gemm with `accumulate` has the same bits as a separate product followed by {@link Products.addRect}. */
  accumulationIsExact(shape: ProductShape): boolean;

  /**
   * C[m,n] = Aᵀ·B summed over logical shards: A[rows,m] and B[rows,n] are cut into `shards` shards of nearly equal size, the larger
   * ones first; the products of the shards are rounded one by one and added in the order of the canonical reduction tree
   * (src/reduce/tree.ts). Shards without rows are absent. rows ≥ 1.
   *
   * The product of one shard, which is what `shards` = 1 gives, rounds as m, n and its own rows say; whether `gemm` rounds it the
   * same way is up to the backend.
   *
   * @param scratch room for {@link gemmTreeScratch}(m·n, shards) elements
   */
  gemmTree(
    m: number,
    n: number,
    rows: number,
    shards: number,
    a: Offset,
    lda: number,
    b: Offset,
    ldb: number,
    c: Offset,
    ldc: number,
    scratch: Offset,
  ): void;
}
