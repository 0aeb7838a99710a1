/** Copies, sums and products, element by element. */
import type { Offset } from '../arena.js';

export interface Elementwise {
  /** y = x */
  copy(n: number, x: Offset, y: Offset): void;
  /** y = value */
  fill(n: number, value: number, y: Offset): void;
  /** y = factor · y */
  scale(n: number, factor: number, y: Offset): void;
  /** y = y + x */
  add(n: number, x: Offset, y: Offset): void;
  /** Y[rows,cols] = Y + X, each with its own leading dimension. */
  addRect(rows: number, cols: number, x: Offset, ldx: number, y: Offset, ldy: number): void;
  /** z = x · y, element by element. */
  multiply(n: number, x: Offset, y: Offset, z: Offset): void;
  /** Y[rows,cols] = Y + bias[cols] in every row. */
  addBias(rows: number, cols: number, bias: Offset, y: Offset): void;
  /** addBias, then relu over Y, in one pass and with the same bits. */
  addBiasRelu(rows: number, cols: number, bias: Offset, y: Offset): void;
}
