/** Activations and their derivatives, with respect to what they were applied to. */
import type { Offset } from '../arena.js';

export interface Activations {
  /** y = max(x, 0) */
  relu(n: number, x: Offset, y: Offset): void;
  /** dx = dy where y > 0, else 0. `y` is the output of the forward pass. */
  reluBackward(n: number, y: Offset, dy: Offset, dx: Offset): void;
  /** y = x where x > 0, else slope · x; slope > 0. */
  leakyRelu(n: number, slope: number, x: Offset, y: Offset): void;
  /** dx = dy where y > 0, else slope · dy. */
  leakyReluBackward(n: number, slope: number, y: Offset, dy: Offset, dx: Offset): void;
  /** y = 1 / (1 + e^−x), without overflow for any x. */
  sigmoid(n: number, x: Offset, y: Offset): void;
  /** dx = dy · y · (1 − y) */
  sigmoidBackward(n: number, y: Offset, dy: Offset, dx: Offset): void;
  /** y = tanh x */
  tanh(n: number, x: Offset, y: Offset): void;
  /** dx = dy · (1 − y²) */
  tanhBackward(n: number, y: Offset, dy: Offset, dx: Offset): void;
  /** Y[rows,cols]: e^(x − max) / Σ e^(x − max) in every row. */
  softmax(rows: number, cols: number, x: Offset, y: Offset): void;
  /** dx = y · (dy − Σ dy·y) in every row. */
  softmaxBackward(rows: number, cols: number, y: Offset, dy: Offset, dx: Offset): void;
}
