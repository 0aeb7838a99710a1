/** Losses: that of each row, and the gradient of their sum with respect to the inputs. */
import type { Offset } from '../arena.js';

export interface Losses {
  /**
   * loss[r] = log Σ e^x − x[label], stable for any x; gradient = softmax(x) − onehot(label). `labels` holds one class index per row,
   * stored as a number of the arena. Pass gradient = −1 to compute the loss alone.
   */
  softmaxCrossEntropy(
    rows: number,
    classes: number,
    logits: Offset,
    labels: Offset,
    loss: Offset,
    gradient: Offset,
  ): void;
  /**
   * loss[r] = Σ over cols of max(x,0) − x·t + log(1 + e^−|x|); gradient = σ(x) − t. Targets t in [0, 1]. gradient = −1: loss alone.
   */
  sigmoidCrossEntropy(
    rows: number,
    cols: number,
    logits: Offset,
    targets: Offset,
    loss: Offset,
    gradient: Offset,
  ): void;
  /** loss[r] = (1/cols)·Σ (x − t)²; gradient = 2(x − t)/cols. gradient = −1: loss alone. */
  squaredError(rows: number, cols: number, x: Offset, targets: Offset, loss: Offset, gradient: Offset): void;
  /** out[r] = index of the largest x in the row (the first of equals). */
  argmax(rows: number, cols: number, x: Offset, out: Offset): void;
}
