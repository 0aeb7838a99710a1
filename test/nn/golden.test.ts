import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { trainToEnd } from '../support/finished-run.js';

const DATA = join(import.meta.dirname, '..', '..', 'examples', 'data');

/**
 * The WASM kernels give the same bits on every processor, so what a job ends with can be written down. These values
 * change when anything does that decides a bit: the order of a sum, a counter of a random number, the split of the data.
 * A change that is meant belongs in the changelog, since it makes runs of different versions differ.
 */
const goldens = {
  'classification with everything that is random': {
    job: {
      seed: 3,
      data: {
        task: 'classification',
        train: { format: 'csv', path: join(DATA, 'breast-cancer.csv'), label: 'benign' },
        split: { dev: 0.1, test: 0.2 },
      },
      model: {
        layers: [
          { type: 'dense', units: 24 },
          'batchNorm',
          'relu',
          { type: 'dropout', keepProb: 0.8 },
          { type: 'dense', units: 12 },
          { type: 'batchNorm', sync: 'shard' },
          'tanh',
          { type: 'dense', units: 2 },
        ],
      },
      training: {
        epochs: 3,
        batchSize: 60,
        shards: 7,
        loss: 'softmaxCrossEntropy',
        optimizer: { type: 'adam', learningRate: 0.01 },
        decay: { type: 'exponential', base: 0.5 },
        warmupSteps: 3,
        regularization: { l2: 0.1, l1: 0.01 },
        clipNorm: 1,
      },
    },
    sha256: '418b2f64af30b9d852e667ce04304ffaa546d0b5c725decddd48d8f378de1923',
  },
  'regression with momentum': {
    job: {
      data: {
        task: 'regression',
        train: { format: 'csv', path: join(DATA, 'boston-housing.csv'), label: 'cmedv', ignore: ['medv', 'b'] },
        split: { test: 0.2 },
      },
      model: {
        layers: [
          { type: 'dense', units: 20 },
          { type: 'leakyRelu', slope: 0.1 },
          { type: 'dense', units: 8 },
          'sigmoid',
          { type: 'dense', units: 1 },
        ],
      },
      training: {
        epochs: 2,
        batchSize: 32,
        shards: 4,
        optimizer: { type: 'momentum', learningRate: 0.01 },
        decay: 'inverseSqrt',
      },
    },
    sha256: '5ae8835b316add9dc973f96224cc5a668e4ebe73af334c3918c97eca8ac9a24d',
  },
};

describe('the weights after a short run', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-golden-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  Object.entries(goldens).forEach(([name, { job, sha256 }], number) => {
    it.concurrent(name, async () => {
      const path = join(folder, `${number}.yaml`);
      writeFileSync(path, JSON.stringify(job)); // JSON is YAML, too
      const run = await trainToEnd(path, join(folder, `${number}`));
      const [first = NaN] = run.stepLosses;
      expect(run.stepLosses.at(-1)).toBeLessThan(first);
      expect(run.weightsSha256).toBe(sha256);
    });
  });
});
