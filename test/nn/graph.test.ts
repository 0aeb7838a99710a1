import { describe, expect, it } from 'vitest';
import { buildModel, type Model } from '../../src/nn/model.js';
import { gradientErrors } from '../support/gradient-errors.js';
import { withProduct } from '../support/merging-layers.js';
import { batchNorm, dense, modelSpec, type BareLayer } from '../support/model-spec.js';
import { normalValues, wholeValues } from '../support/random-values.js';

const FEATURES = 4;
const SAMPLES = 7;
const SHARDS = 3;

/** Holds the place of a product in a model that is built as a chain or from named inputs. */
const merge: BareLayer = { type: 'linear', name: 'merge' };

const graphs: Readonly<Record<string, () => Model>> = {
  'two consumers, joined at once': () =>
    withProduct(
      buildModel(
        modelSpec(
          { ...dense(3), name: 'trunk' },
          { ...dense(4), inputs: ['trunk'] },
          { ...dense(4), inputs: ['trunk'] },
          merge,
          dense(2),
        ),
        [FEATURES],
      ),
      3,
      [1, 2],
    ),
  'a branch that skips layers': () =>
    withProduct(
      buildModel(modelSpec(dense(4), { type: 'tanh' }, dense(4), { type: 'sigmoid' }, merge, dense(2)), [FEATURES]),
      4,
      [1, 3],
    ),
  'a branch that skips layers, joined the other way round': () =>
    withProduct(
      buildModel(modelSpec(dense(4), { type: 'tanh' }, dense(4), { type: 'sigmoid' }, merge, dense(2)), [FEATURES]),
      4,
      [3, 1],
    ),
  'one output taken twice by the same layer': () =>
    withProduct(buildModel(modelSpec(dense(4), { type: 'tanh' }, merge, dense(2)), [FEATURES]), 2, [1, 1]),
  'one output taken three times, and by another layer besides': () =>
    withProduct(
      buildModel(
        modelSpec({ ...dense(3), name: 'trunk' }, { type: 'tanh' }, { ...merge, inputs: ['trunk'] }, dense(2)),
        [FEATURES],
      ),
      2,
      [0, 0, 1, 0],
    ),
  'three consumers, some behind batch norm and its exchanges': () =>
    withProduct(
      buildModel(
        modelSpec(
          { ...dense(3), name: 'trunk' },
          { ...batchNorm(), name: 'left' },
          { ...dense(3), inputs: ['trunk'], name: 'middle' },
          { ...batchNorm(), name: 'right' },
          { type: 'tanh', inputs: ['trunk'] },
          merge,
          batchNorm(),
          dense(2),
        ),
        [FEATURES],
      ),
      5,
      [1, 3, 4],
    ),
  'the data itself joins in': () =>
    withProduct(buildModel(modelSpec(dense(FEATURES), { type: 'tanh' }, merge, dense(2)), [FEATURES]), 2, [-1, 1]),
};

describe('gradients in a graph equal central differences in float64', () => {
  for (const [name, build] of Object.entries(graphs)) {
    it(name, () => {
      const model = build();
      const weights = normalValues(model.parameterElements, 4);
      const batch = { inputs: normalValues(SAMPLES * FEATURES, 5), targets: wholeValues(SAMPLES, 2, 6) };
      const found = gradientErrors({ model, loss: 'softmaxCrossEntropy', batch, shards: SHARDS, weights });
      expect(Object.keys(found)).not.toHaveLength(0);
      for (const [tensor, error] of Object.entries(found)) expect(error, tensor).toBeLessThan(1e-7);
    });
  }
});
