import { describe, expect, it } from 'vitest';
import { sizeOf, type Shape } from '../../src/common/shape.js';
import type { LossName } from '../../src/job/job.js';
import { buildModel } from '../../src/nn/model.js';
import { gradientErrors } from '../support/gradient-errors.js';
import { batchNorm, dense, modelSpec, type BareLayer } from '../support/model-spec.js';
import { normalValues, wholeValues } from '../support/random-values.js';

const TOLERANCE = 1e-7;
const SAMPLES = 11;

/** Shards for 11 samples: all in one; 4, 4, 3; 3, 2, 2, 2, 2; and two empty ones behind eleven of one sample. */
const SHARDS = [1, 3, 5, 13];

interface Case {
  readonly layers: readonly BareLayer[];
  readonly inputShape?: Shape;
  readonly loss?: LossName;
}

function errors({ layers, inputShape = [4], loss = 'softmaxCrossEntropy' }: Case, totalShards: number) {
  const model = buildModel(modelSpec(...layers), inputShape);
  // Nowhere near the ones and zeros of a fresh model, at which a wrong gradient may look right.
  const weights = normalValues(model.parameterElements, 1).map((value) => 0.4 + 0.6 * value);
  const targets = {
    softmaxCrossEntropy: wholeValues(SAMPLES, sizeOf(model.outputShape), 3),
    binaryCrossEntropy: wholeValues(SAMPLES, 2, 3),
    meanSquaredError: normalValues(SAMPLES, 3),
  };
  const batch = { inputs: normalValues(SAMPLES * sizeOf(inputShape), 2), targets: targets[loss] };
  return gradientErrors({ model, loss, batch, shards: totalShards, weights });
}

/** A layer between two dense ones, so that its gradient has to come in from the one and go on to the other. */
const between = (...layers: readonly BareLayer[]): Case => ({ layers: [dense(3), ...layers, dense(3)] });

const cases: Readonly<Record<string, Case>> = {
  'one dense layer': { layers: [dense(3)] },
  'one dense layer without bias': { layers: [dense(3, false)] },
  'three dense layers, with bias and without': { layers: [dense(5), dense(4, false), dense(3)] },
  'dense on samples of more than one dimension': { layers: [dense(3)], inputShape: [2, 3, 2] },
  'batch norm over the whole batch': between(batchNorm('global')),
  'batch norm over each shard': between(batchNorm('shard', 0.9, 0.1)),
  'batch norm of the data itself': { layers: [batchNorm(), dense(3)] },
  'batch norm of each channel, then flatten': {
    layers: [batchNorm(), { type: 'flatten' }, dense(3)],
    inputShape: [3, 2],
  },
  'two batch norms over channels, flatten between dense layers': {
    layers: [batchNorm(), { type: 'tanh' }, batchNorm(), { type: 'flatten' }, dense(3), { type: 'flatten' }, dense(2)],
    inputShape: [2, 2],
  },
  'the same over each shard': {
    layers: [
      batchNorm('shard', 0.9, 0.1),
      { type: 'tanh' },
      batchNorm('shard', 0.9, 0.1),
      { type: 'flatten' },
      dense(3),
    ],
    inputShape: [2, 2],
  },
  dropout: between({ type: 'dropout', keepProb: 0.6 }),
  linear: between({ type: 'linear' }),
  sigmoid: between({ type: 'sigmoid' }),
  tanh: between({ type: 'tanh' }),
  relu: between({ type: 'relu' }),
  'leaky relu': between({ type: 'leakyRelu', slope: 0.1 }),
  softmax: between({ type: 'softmax' }),
  flatten: between({ type: 'flatten' }),
  'dense, batch norm, relu and dropout twice': {
    layers: [
      dense(5, false),
      batchNorm(),
      { type: 'relu' },
      { type: 'dropout', keepProb: 0.7 },
      dense(4, false),
      batchNorm(),
      { type: 'relu' },
      { type: 'dropout', keepProb: 0.7 },
      dense(3),
    ],
  },
  'an activation last': { layers: [dense(4), { type: 'tanh' }, dense(3), { type: 'tanh' }] },
  'softmax cross-entropy of two classes': { layers: [dense(2)], loss: 'softmaxCrossEntropy' },
  'binary cross-entropy': { layers: [dense(3), { type: 'tanh' }, dense(1)], loss: 'binaryCrossEntropy' },
  'mean squared error': { layers: [dense(3), { type: 'tanh' }, dense(1)], loss: 'meanSquaredError' },
};

describe('gradients of all parameters equal central differences in float64', () => {
  for (const [name, example] of Object.entries(cases)) {
    it(name, () => {
      for (const totalShards of SHARDS) {
        for (const [tensor, error] of Object.entries(errors(example, totalShards))) {
          expect(error, `${tensor}, ${totalShards} shards`).toBeLessThan(TOLERANCE);
        }
      }
    });
  }
});
