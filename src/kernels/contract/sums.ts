/** Sums over a whole block, in float64. */
import type { Offset } from '../arena.js';

export interface Sums {
  /** Σ x */
  sum(n: number, x: Offset): number;
  /** Σ x² */
  sumSquares(n: number, x: Offset): number;
  /** Σ |x| */
  sumAbs(n: number, x: Offset): number;
  /** Σ (scale·g + l2·w + l1·sign w)²: the squared norm of the gradient that an optimizer kernel will use. */
  gradientSumSquares(n: number, weights: Offset, gradient: Offset, scale: number, l2: number, l1: number): number;
}
