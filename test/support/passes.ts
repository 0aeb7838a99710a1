/** Passes as a worker's threads see them, for tests that need no more than their shape. */
import type { Pass } from '../../src/nn/layer.js';
import { Control, type PassRequest } from '../../worker/control.js';

export interface PassShape {
  readonly batchCount: number;
  readonly totalShards: number;
  readonly firstShard: number;
  readonly endShard: number;
}

/** A training pass over some shards of a batch, and the words that describe it. */
export function trainingPass(
  shape: PassShape,
  board: PassRequest['board'] = null,
): { readonly control: Control; readonly pass: Pass } {
  const control = new Control();
  control.setPass({ mode: 'training', split: 'train', step: 0, lossScale: 1, weights: 0, slot: 0, board, ...shape });
  return { control, pass: control.pass([0, 0], 0, 0) };
}
