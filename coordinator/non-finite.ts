/** What to make of a step whose loss or gradient is not a finite number, and where it began. */
import { LockstepError } from '../src/common/errors.js';
import type { Model } from '../src/nn/model.js';
import type { StepReport } from '../src/protocol/messages.js';
import { sumByLayer, trainedLayers } from './layer-health.js';

/** Steps in a row that may be skipped: a run that changes nothing any more should say so. */
export const MOST_SKIPPED_IN_A_ROW = 100;

/** Why a step must not be taken. */
export interface Fault {
  /** Such as `the loss is NaN`, and where it began. */
  readonly reason: string;
  /** Name of that layer, where it is known. */
  readonly layer: string | null;
}

/**
 * The fault of a step; null where all is finite.
 *
 * @param loss sum over the batch
 * @param reports of all workers
 * @param gradientSquares Σ g² of each parameter tensor, in model order
 */
export function findFault(
  model: Model,
  loss: number,
  reports: readonly StepReport[],
  gradientSquares: readonly number[],
): Fault | null {
  if (!Number.isFinite(loss)) {
    // The forward pass goes from the first layer to the last, and what is not finite spreads that way.
    const index = Math.min(...reports.map(({ nonFiniteLayer }) => nonFiniteLayer ?? Infinity));
    const layer = model.nodes[index]?.spec.name ?? null;
    const last = model.nodes.at(-1);
    const where =
      layer !== null
        ? `; the first output that is not finite is that of layer ${layer} (model.layers[${index}])`
        : `; the outputs of the last layer, ${last?.spec.name} (model.layers[${last?.index}]), are finite, but too large for it`;
    return { reason: `the loss is ${loss}${where}`, layer: layer ?? last?.spec.name ?? null };
  }
  // The backward pass goes from the last layer to the first.
  const place = sumByLayer(model, gradientSquares).findLastIndex((squares) => !Number.isFinite(squares));
  const node = trainedLayers(model)[place];
  if (node === undefined) return null;
  const { name } = node.spec;
  return { reason: `the gradient of layer ${name} (model.layers[${node.index}]) is not finite`, layer: name };
}

/** @param step 1-based, as in metrics.jsonl */
export function diverged(step: number, { reason }: Fault): LockstepError {
  return new LockstepError('job', `step ${step}: ${reason}, so training has diverged`, {
    hint:
      'Lower training.optimizer.learningRate, set training.clipNorm, or normalise the input; ' +
      'training.onNonFinite: skip leaves single steps out.',
  });
}
