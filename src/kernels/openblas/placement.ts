import type { ProductShape } from '../contract/products.js';
import type { BlasLibrary } from './cblas.js';
import { NO_TRANS, ROW_MAJOR, TRANS } from './cblas.js';
import { allocateBlocks, fillRandom, sameBits } from './workspace.js';

/** Sizes on both sides of where libraries change kernels: one row, one column, small, with remainders, blocked. */
const SIZES: readonly (readonly [m: number, n: number, k: number])[] = [
  [1, 10, 300],
  [1, 512, 70],
  [25, 1, 300],
  [1, 1, 257],
  [7, 10, 256],
  [32, 10, 64],
  [33, 65, 129],
  [64, 64, 500],
];

const ORIENTATIONS = [
  [false, false],
  [false, true],
  [true, false],
] as const;

/** Elements by which A, B, C are moved off a cache line, and by which their rows are spread. */
const PLACEMENTS: readonly (readonly [a: number, b: number, c: number, spread: number])[] = [
  [16, 32, 48, 0],
  [1, 3, 5, 0],
  [4, 8, 12, 0],
  [0, 7, 2, 1],
  [15, 0, 9, 16],
];

/**
 * Whether the bits of a product depend on where its operands lie: on their alignment or leading dimensions. A library
 * where they do cannot keep the promise, since a shard lies elsewhere on every worker.
 */
export function dependsOnPlacement(library: BlasLibrary): boolean {
  return SIZES.some(([m, n, k]) => {
    // The same numbers serve all orientations: a matrix of this many elements, read one way or the other.
    const a = randomMatrix(1, m * k);
    const b = randomMatrix(2, k * n);
    return ORIENTATIONS.some(([transA, transB]) => {
      const shape = { transA, transB, m, n, k };
      const expected = productAt(library, shape, a, b, [0, 0, 0, 0]);
      return PLACEMENTS.some((placement) => !sameBits(productAt(library, shape, a, b, placement), expected));
    });
  });
}

/** The product computed at this placement, as a dense matrix. `a` and `b` are dense. */
function productAt(
  library: BlasLibrary,
  shape: ProductShape,
  a: Float32Array,
  b: Float32Array,
  [shiftA, shiftB, shiftC, spread]: (typeof PLACEMENTS)[number],
): Float32Array {
  const { transA, transB, m, n, k } = shape;
  const [rowsA, colsA] = transA ? [k, m] : [m, k];
  const [rowsB, colsB] = transB ? [n, k] : [k, n];
  const [placedA, placedB, placedC] = allocateBlocks(library, [
    shiftA + rowsA * (colsA + spread),
    shiftB + rowsB * (colsB + spread),
    shiftC + m * (n + spread),
  ]);
  copyRows(rowsA, colsA, a, 0, 0, placedA.values, shiftA, spread);
  copyRows(rowsB, colsB, b, 0, 0, placedB.values, shiftB, spread);
  library.sgemm(
    ROW_MAJOR,
    transA ? TRANS : NO_TRANS,
    transB ? TRANS : NO_TRANS,
    m,
    n,
    k,
    1,
    placedA.address + 4 * shiftA,
    colsA + spread,
    placedB.address + 4 * shiftB,
    colsB + spread,
    0,
    placedC.address + 4 * shiftC,
    n + spread,
  );
  const result = new Float32Array(m * n);
  copyRows(m, n, placedC.values, shiftC, spread, result, 0, 0);
  return result;
}

/** Copies a matrix between places where its rows lie `spread` elements apart; all at once where there is nothing between them. */
function copyRows(
  rows: number,
  cols: number,
  from: Float32Array,
  fromStart: number,
  fromSpread: number,
  to: Float32Array,
  toStart: number,
  toSpread: number,
): void {
  const dense = fromSpread === 0 && toSpread === 0;
  const [pieces, length] = dense ? [1, rows * cols] : [rows, cols];
  for (let i = 0; i < pieces; i++) {
    const start = fromStart + i * (length + fromSpread);
    to.set(from.subarray(start, start + length), toStart + i * (length + toSpread));
  }
}

function randomMatrix(stream: number, elements: number): Float32Array {
  const values = new Float32Array(elements);
  fillRandom(values, stream, 'dense', elements);
  return values;
}
