/** Sums down the columns of a matrix, and standardising by what is known of them. */
import type { Offset } from '../arena.js';

export interface Columns {
  /** out[cols] = Σ over rows of X. Summed in blocks, so that thousands of rows keep their accuracy. */
  columnSums(rows: number, cols: number, x: Offset, out: Offset): void;
  /** mean[cols], and m2[cols] = Σ (x − mean)², two passes. rows ≥ 1. */
  columnMoments(rows: number, cols: number, x: Offset, mean: Offset, m2: Offset): void;
  /** sumX[cols] = Σ X, sumXY[cols] = Σ X·Y over rows: the two sums of the batch-norm backward pass. */
  columnDots(rows: number, cols: number, x: Offset, y: Offset, sumX: Offset, sumXY: Offset): void;

  /** Y[rows,cols] = (byte − mean[cols])·inverseDeviation[cols]. `bytes` is a position in BYTES from the start of the arena. */
  standardizeBytes(rows: number, cols: number, bytes: number, mean: Offset, inverseDeviation: Offset, y: Offset): void;
  /** Y[rows,cols] = (X − mean[cols])·inverseDeviation[cols] */
  standardize(rows: number, cols: number, x: Offset, mean: Offset, inverseDeviation: Offset, y: Offset): void;
}
