/** The contract of a loss: what a sample costs, and the gradient of the sum of these costs. */
import type { LossName } from '../../job/job.js';
import type { Offset } from '../../kernels/arena.js';
import type { Kernels } from '../../kernels/kernels.js';

export interface Loss {
  readonly name: LossName;
  /** Whether a prediction is right or wrong, so that accuracy means something. */
  readonly classifies: boolean;
  /**
   * Writes one loss per row, and unless `gradient` is null the gradient of their sum with respect to `outputs` [rows, width].
   * `targets` holds one number per row: the class index, 0 or 1, or the value to be approximated.
   */
  run(
    kernels: Kernels,
    rows: number,
    width: number,
    outputs: Offset,
    targets: Offset,
    loss: Offset,
    gradient: Offset | null,
  ): void;
  /** Writes one prediction per row, to be compared with the target: the class index, or the value. */
  predict(kernels: Kernels, rows: number, width: number, outputs: Offset, predictions: Offset): void;
}

/** What the loss kernels take for "no gradient". */
export const NO_GRADIENT = -1;
