/** Passes as a worker's threads see them, for tests that need no more than their shape. */
import type { Pass } from '../../src/nn/layer.js';
import { Control } from '../../worker/control.js';
import type { PassRequest } from '../../worker/pass-words.js';

export interface PassShape {
  readonly batchCount: number;
  readonly totalShards: number;
  readonly firstShard: number;
  readonly endShard: number;
}

/** All shards of the 42nd training step. */
export const passRequest: PassRequest = {
  mode: 'training',
  split: 'train',
  step: 41,
  lossScale: 2 ** 16,
  weights: 0,
  slot: 0,
  firstShard: 0,
  endShard: 8,
  totalShards: 8,
  board: null,
  batchCount: 100,
};

/** A training pass over some shards of a batch, and the words that describe it. */
export function trainingPass(
  shape: PassShape,
  board: PassRequest['board'] = null,
): { readonly control: Control; readonly pass: Pass } {
  const control = new Control();
  control.setPass({ ...passRequest, step: 0, lossScale: 1, board, ...shape });
  return { control, pass: control.pass.read({ vectors: [0, 0], gradients: 0, gradientStride: 0 }) };
}
