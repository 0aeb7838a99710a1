import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LockstepError } from '../../src/common/errors.js';
import type { JobDraft } from '../../src/job/job.js';
import { loadJob, parseJob } from '../../src/job/load.js';

const CSV = 'data: { task: classification, train: { format: csv, path: a.csv, label: y } }';
const parse = (text: string) => parseJob(text, { file: 'jobs/small job.yaml' }).job;
const withLayers = (...layers: string[]) => parse(`${CSV}\nmodel: { layers: [${layers.join(', ')}] }`);
const withTraining = (training: string) =>
  parse(`${CSV}\nmodel: { layers: [{ type: dense, units: 3 }] }\ntraining: ${training}`).training;

describe('a job file with nothing but what has to be there', () => {
  const loaded = parseJob(`${CSV}\nmodel:\n  layers:\n    - { type: dense, units: 3 }\n`, {
    file: 'jobs/small job.yaml',
  });

  it('gets every default', () => {
    const expected: JobDraft = {
      name: 'small-job',
      seed: 1,
      baselineError: null,
      data: {
        task: 'classification',
        train: { format: 'csv', path: 'a.csv', label: 'y', delimiter: ',', categorical: [], ignore: [] },
        dev: null,
        test: null,
        split: { dev: 0, test: 0 },
        normalize: 'feature',
      },
      model: {
        layers: [
          {
            type: 'dense',
            name: 'dense0',
            inputs: ['input'],
            units: 3,
            bias: true,
            initializer: { type: 'xavier', scale: 1 },
          },
        ],
      },
      training: {
        epochs: 10,
        batchSize: 'auto',
        shards: 8,
        shuffle: true,
        loss: 'softmaxCrossEntropy',
        optimizer: { type: 'adam', learningRate: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
        decay: { type: 'constant' },
        warmupSteps: 0,
        regularization: { l2: 0, l1: 0 },
        clipNorm: null,
        wireFormat: { gradients: 'float32', weights: 'float32' },
        accumulate: 1,
        evaluateEveryEpochs: 1,
        earlyStopping: null,
        onNonFinite: 'stop',
        healthEverySteps: 100,
        checkpoint: { everySteps: 500, keep: 2 },
      },
      cluster: {
        workers: 1,
        threads: 1,
        collective: 'auto',
        transport: 'auto',
        bucketBytes: null,
        connections: 1,
        joinTimeoutMs: 120_000,
        heartbeatTimeoutMs: 10_000,
      },
    };
    expect(loaded.job).toEqual(expected);
  });

  it('says which values were filled in, and none that was given', () => {
    const paths = loaded.defaults.map(({ path }) => path);
    expect(loaded.defaults).toContainEqual({ path: 'training.optimizer.beta1', value: 0.9 });
    expect(loaded.defaults).toContainEqual({ path: 'model.layers[0].inputs', value: ['input'] });
    expect(loaded.defaults).toContainEqual({ path: 'data.dev', value: null });
    expect(loaded.defaults).toContainEqual({ path: 'name', value: 'small-job' });
    expect(paths).not.toContain('model.layers[0].units');
    expect(paths).not.toContain('data.train.path');
    expect(paths).toHaveLength(new Set(paths).size);
  });
});

it('does not count a short form as a default, but everything it leaves open', () => {
  const { defaults } = parseJob(
    `${CSV}\nmodel: { layers: [{ type: dense, units: 3 }] }\ntraining: { optimizer: momentum, batchSize: full }`,
    { file: 'job.yaml', overrides: ['seed=3'] },
  );
  const paths = defaults.map(({ path }) => path);
  expect(paths).toEqual(expect.arrayContaining(['training.optimizer.learningRate', 'training.optimizer.beta']));
  expect(paths).not.toContain('training.optimizer.type');
  expect(paths).not.toContain('training.batchSize');
  expect(paths).not.toContain('seed');
});

describe('defaults that depend on other fields', () => {
  const denseDefaults = (...followers: string[]) => {
    const [dense] = withLayers('{ type: dense, units: 4 }', ...followers).model.layers;
    return dense?.type === 'dense' ? `${dense.initializer.type}, bias ${dense.bias}` : 'no dense layer';
  };
  const end = '{ type: dense, units: 3 }';

  it.each([
    ['he, bias true', ['relu', end]],
    ['he, bias true', ['leakyRelu', end]],
    ['he, bias false', ['batchNorm', 'relu', end]],
    ['he, bias false', ['batchNorm', '{ type: dropout, keepProb: 0.5 }', 'leakyRelu', end]],
    ['xavier, bias true', ['tanh', end]],
    ['xavier, bias true', ['{ type: dropout, keepProb: 0.5 }', end]],
    ['xavier, bias false', ['batchNorm', end]],
    ['xavier, bias true', []],
  ])('a dense layer: %s, followed by %j', (expected, followers) => {
    expect(denseDefaults(...followers)).toBe(expected);
  });

  it('leave alone what was given', () => {
    const [dense] = withLayers('{ type: dense, units: 4, bias: true, initializer: zeros }', 'batchNorm', 'relu', end)
      .model.layers;
    expect(dense).toMatchObject({ bias: true, initializer: { type: 'zeros', scale: 1 } });
  });

  it.each([
    ['softmaxCrossEntropy', 'classification', 3],
    ['binaryCrossEntropy', 'classification', 1],
    ['meanSquaredError', 'regression', 1],
  ])('the loss is %s for %s with %i output units', (loss, task, units) => {
    const text = `${CSV.replace('classification', task)}\nmodel: { layers: [{ type: dense, units: ${units} }, linear] }`;
    expect(parse(text).training.loss).toBe(loss);
  });

  it('normalises pixels by channel and columns by feature', () => {
    const model = 'model: { layers: [flatten, { type: dense, units: 3 }] }';
    const idx = `data: { task: classification, train: { format: idx, features: x, labels: y } }\n${model}`;
    expect(parse(idx).data.normalize).toBe('channel');
    expect(parse(`${CSV}\n${model}`).data.normalize).toBe('feature');
  });

  it('name layers by type and index, and chain them', () => {
    const { layers } = withLayers('flatten', '{ type: dense, units: 4, name: hidden }', 'relu', end).model;
    expect(layers.map(({ name, inputs }) => [name, ...inputs])).toEqual([
      ['flatten0', 'input'],
      ['hidden', 'flatten0'],
      ['relu2', 'hidden'],
      ['dense3', 'relu2'],
    ]);
  });
});

describe('short forms', () => {
  it.each([
    ['{ optimizer: gradientDescent }', { optimizer: { type: 'gradientDescent', learningRate: 0.01 } }],
    ['{ optimizer: momentum }', { optimizer: { type: 'momentum', learningRate: 0.01, beta: 0.9 } }],
    ['{ optimizer: rmsprop }', { optimizer: { type: 'rmsprop', learningRate: 0.001, beta: 0.9, epsilon: 1e-8 } }],
    [
      '{ optimizer: { learningRate: 1 } }',
      { optimizer: { type: 'adam', learningRate: 1, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 } },
    ],
    ['{ decay: inverseSqrt }', { decay: { type: 'inverseSqrt' } }],
    ['{ batchSize: full }', { batchSize: 0 }],
    ['{ batchSize: 0 }', { batchSize: 0 }],
    ['{ clipNorm: 5 }', { clipNorm: 5 }],
    ['{ regularization: { l2: 0.5 } }', { regularization: { l2: 0.5, l1: 0 } }],
  ])('training: %s', (text, expected) => {
    expect(withTraining(text)).toMatchObject(expected);
  });

  it.each([
    ['batchNorm', { momentum: 0.9, epsilon: 1e-5, sync: 'global' }],
    ['leakyRelu', { slope: 0.01 }],
    ['tanh', { type: 'tanh' }],
    ['{ type: relu, inputs: input }', { inputs: ['input'] }],
  ])('a layer: %s', (layer, expected) => {
    expect(withLayers(layer, '{ type: dense, units: 3 }').model.layers[0]).toMatchObject(expected);
  });
});

describe('loadJob', () => {
  it('reads a file, keeps its text, and starts relative paths at its folder', () => {
    const folder = mkdtempSync(join(tmpdir(), 'lockstep-job-'));
    try {
      const path = join(folder, 'two.words.yaml');
      const text = `${CSV}\nmodel: { layers: [{ type: dense, units: 3 }] } # small\n`;
      writeFileSync(path, text);
      const loaded = loadJob(path, { overrides: ['training.epochs=3'] });
      expect(loaded).toMatchObject({ path, baseDir: folder, source: text });
      expect(loaded.job).toMatchObject({ name: 'two.words', training: { epochs: 3 } });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('says which file cannot be read', () => {
    expect(() => loadJob('no/such/job.yaml')).toThrow(
      expect.objectContaining({
        code: 'job',
        message: expect.stringMatching(/^no\/such\/job\.yaml: .*there is no such file/) as string,
      }),
    );
    expect(() => loadJob('no/such/job.yaml')).toThrow(LockstepError);
  });

  it('resolves anchors and aliases', () => {
    const { layers } = parse(
      `${CSV}\nmodel:\n  layers:\n    - &wide { type: dense, units: 4 }\n    - relu\n    - *wide\n`,
    ).model;
    expect(layers[2]).toMatchObject({ type: 'dense', units: 4, name: 'dense2' });
  });
});
