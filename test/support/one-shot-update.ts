import type { ModelState, UpdateResult } from '../../coordinator/model-state.js';
import type { ExchangeOutcome } from '../../coordinator/step-attempt.js';
import type { Exchange } from '../../src/nn/layer.js';
import type { Model } from '../../src/nn/model.js';

export interface OneShotUpdate {
  readonly epoch?: number;
  readonly batchCount: number;
  /** Place of the gradient of all parameters. */
  readonly gradient: number;
  readonly moments?: readonly (readonly [Exchange, ExchangeOutcome])[];
}

/** A whole step of a model state, with all parameters in one range. */
export function updateAtOnce(
  state: ModelState,
  model: Model,
  { epoch = 0, batchCount, gradient, moments = [] }: OneShotUpdate,
): UpdateResult {
  state.begin({ epoch, batchCount });
  state.updateRange({ start: 0, end: model.parameterElements }, gradient);
  return state.commit(moments);
}
