import type { ProductShape } from '../contract/products.js';
import type { BlasLibrary } from './cblas.js';
import { NO_TRANS, ROW_MAJOR, TRANS } from './cblas.js';
import type { Filling } from './workspace.js';
import { allocateBlocks, fillRandom, sameBits } from './workspace.js';

/** Larger products are not probed: they would take seconds and hundreds of megabytes, and gain least from sharing. */
const MAX_PROBE_ELEMENTS = 64 * 2 ** 20;

/** Up to here a product is one block in k, whose sum is complete before it is added to C. */
const MAX_ACCUMULATED_K = 320;

/** Two sums in different orders agree by chance in many single elements, never in so many. */
const MIN_COMPARED_SUMS = 4096;

type Comparison = (stream: number, filling: Filling) => boolean;

/**
 * What a BLAS library promises nothing about, tried out on random data at the exact sizes. Whichever kernels the
 * library picks for these sizes on this CPU, the order of their sums does not depend on the values, so equal bits in
 * thousands of sums mean the same order. Any difference at all makes the answer no. Answers are kept.
 */
export class ProductProbe {
  readonly #library: BlasLibrary;
  readonly #answers = new Map<string, boolean>();

  constructor(library: BlasLibrary) {
    this.#library = library;
  }

  /** See `Kernels.rowsShareProduct`. */
  rowsShareProduct(shape: ProductShape, count: number): boolean {
    if (shape.transA) return false;
    if (count <= 1) return true;
    const { m, n, k } = shape;
    return this.#answer(
      `${keyOf(shape)} rows of ${count}`,
      count * m * n,
      count * m * k + k * n + 2 * count * m * n,
      () => {
        const [a, b, shared, separate] = allocateBlocks(this.#library, [
          count * m * k,
          k * n,
          count * m * n,
          count * m * n,
        ]);
        fillRandom(b.values, 0, 'dense', n);
        return (stream, filling) => {
          fillRandom(a.values, stream + 1, filling, k);
          this.#multiply({ ...shape, m: count * m }, a.address, b.address, 0, shared.address);
          for (let shard = 0; shard < count; shard++) {
            this.#multiply(shape, a.address + 4 * shard * m * k, b.address, 0, separate.address + 4 * shard * m * n);
          }
          return sameBits(shared.values, separate.values);
        };
      },
    );
  }

  /** See `Kernels.accumulationIsExact`. */
  accumulationIsExact(shape: ProductShape): boolean {
    const { transA, m, n, k } = shape;
    if (k > MAX_ACCUMULATED_K) return false;
    return this.#answer(`${keyOf(shape)} accumulated`, m * n, 2 * m * k + k * n + 3 * m * n, () => {
      const [a, first, b, accumulated, added, product] = allocateBlocks(this.#library, [
        m * k,
        m * k,
        k * n,
        m * n,
        m * n,
        m * n,
      ]);
      return (stream, filling) => {
        fillRandom(a.values, 3 * stream, filling, transA ? m : k);
        fillRandom(first.values, 3 * stream + 1, filling, transA ? m : k);
        fillRandom(b.values, 3 * stream + 2, 'dense', n);
        // What is added to is itself a product, so that its zeros have the signs that products give them.
        this.#multiply(shape, first.address, b.address, 0, accumulated.address);
        added.values.set(accumulated.values);
        this.#multiply(shape, a.address, b.address, 1, accumulated.address);
        this.#multiply(shape, a.address, b.address, 0, product.address);
        // The float64 sum of two float32 rounds to the float32 that adding them in float32 gives.
        for (let i = 0; i < m * n; i++) added.values[i] = (added.values[i] as number) + (product.values[i] as number);
        return sameBits(accumulated.values, added.values);
      };
    });
  }

  /** @param prepare allocates `elements` and returns the comparison of `compared` sums on one data set. */
  #answer(key: string, compared: number, elements: number, prepare: () => Comparison): boolean {
    if (compared === 0) return true;
    if (elements > MAX_PROBE_ELEMENTS) return false;
    const known = this.#answers.get(key);
    if (known !== undefined) return known;
    const agrees = prepare();
    const rounds = Math.ceil(MIN_COMPARED_SUMS / compared);
    let answer = true;
    for (let round = 0; answer && round < rounds; round++) {
      answer = agrees(2 * round, 'dense') && agrees(2 * round + 1, 'sparse');
    }
    this.#answers.set(key, answer);
    return answer;
  }

  /** C = op(A)·op(B) + beta·C with dense matrices. */
  #multiply(shape: ProductShape, a: number, b: number, beta: number, c: number): void {
    const { transA, transB, m, n, k } = shape;
    this.#library.sgemm(
      ROW_MAJOR,
      transA ? TRANS : NO_TRANS,
      transB ? TRANS : NO_TRANS,
      m,
      n,
      k,
      1,
      a,
      transA ? m : k,
      b,
      transB ? k : n,
      beta,
      c,
      n,
    );
  }
}

function keyOf({ transA, transB, m, n, k }: ProductShape): string {
  return `${transA ? 'T' : 'N'}${transB ? 'T' : 'N'} ${m} ${n} ${k}`;
}
