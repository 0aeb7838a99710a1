/** Batch normalisation (Ioffe & Szegedy 2015). */
import type { Offset } from '../arena.js';

export interface BatchNorm {
  /** x̂ = (x − mean)·inverseDeviation, y = γ·x̂ + β; vectors of length cols. `normalized` (x̂) is kept for the backward pass. */
  batchNorm(
    rows: number,
    cols: number,
    x: Offset,
    mean: Offset,
    inverseDeviation: Offset,
    gamma: Offset,
    beta: Offset,
    normalized: Offset,
    y: Offset,
  ): void;
  /** dx = γ·inverseDeviation·(dy − sumDy/count − x̂·sumDyX̂/count); `count` is the number of samples that were normalised together. */
  batchNormBackward(
    rows: number,
    cols: number,
    dy: Offset,
    normalized: Offset,
    gamma: Offset,
    inverseDeviation: Offset,
    sumDy: Offset,
    sumDyNormalized: Offset,
    count: number,
    dx: Offset,
  ): void;

  /** batchNorm, then relu over y, in one pass and with the same bits. */
  batchNormRelu(
    rows: number,
    cols: number,
    x: Offset,
    mean: Offset,
    inverseDeviation: Offset,
    gamma: Offset,
    beta: Offset,
    normalized: Offset,
    y: Offset,
  ): void;
  /**
   * reluBackward of dy, then columnDots with x̂, in one pass and with the same bits: sumDy[cols] = Σ g and sumDyNormalized[cols] = Σ g·x̂,
   * where g = dy where γ·x̂ + β > 0, else 0. Needs no output of the forward pass.
   */
  batchNormReluDots(
    rows: number,
    cols: number,
    dy: Offset,
    normalized: Offset,
    gamma: Offset,
    beta: Offset,
    sumDy: Offset,
    sumDyNormalized: Offset,
  ): void;
  /** reluBackward of dy, then batchNormBackward, in one pass and with the same bits. */
  batchNormReluBackward(
    rows: number,
    cols: number,
    dy: Offset,
    normalized: Offset,
    gamma: Offset,
    beta: Offset,
    inverseDeviation: Offset,
    sumDy: Offset,
    sumDyNormalized: Offset,
    count: number,
    dx: Offset,
  ): void;
}
