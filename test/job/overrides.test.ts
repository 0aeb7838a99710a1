import { describe, expect, it } from 'vitest';
import { parseJob } from '../../src/job/load.js';

const JOB = `data: { task: classification, train: { format: csv, path: a.csv, label: y } }
model:
  layers:
    - { type: dense, units: 4 }
    - leakyRelu
    - { type: dense, units: 3 }
training:
  epochs: 2
  optimizer: momentum
cluster: { workers: 1, collective: local }
`;
const jobWith = (...overrides: string[]) => parseJob(JOB, { file: 'job.yaml', overrides }).job;

describe('--set', () => {
  it.each([
    ['training.epochs=7', { training: { epochs: 7 } }],
    [' training.epochs = 7 ', { training: { epochs: 7 } }],
    ['training.batchSize=full', { training: { batchSize: 0 } }],
    ['training.clipNorm=null', { training: { clipNorm: null } }],
    ['training.optimizer=rmsprop', { training: { optimizer: { type: 'rmsprop', learningRate: 0.001 } } }],
    ['training.optimizer.learningRate=0.5', { training: { optimizer: { type: 'momentum', learningRate: 0.5 } } }],
    ['training.optimizer={type: adam, beta1: 0.5}', { training: { optimizer: { type: 'adam', beta1: 0.5 } } }],
    ['training.checkpoint.keep=5', { training: { checkpoint: { keep: 5 } } }],
    ['data.train.path=b=c.csv', { data: { train: { path: 'b=c.csv' } } }],
    ['name=other', { name: 'other' }],
  ])('%s', (override, expected) => {
    expect(jobWith(override)).toMatchObject(expected);
  });

  it('reaches into lists, in both notations', () => {
    expect(jobWith('model.layers[0].units=9').model.layers[0]).toMatchObject({ units: 9 });
    expect(jobWith('model.layers.1.slope=0.5').model.layers[1]).toMatchObject({ type: 'leakyRelu', slope: 0.5 });
  });

  it('lets the later one win', () => {
    expect(jobWith('training.epochs=3', 'training.epochs=4').training.epochs).toBe(4);
    expect(jobWith('training={epochs: 3}', 'training.shards=2').training).toMatchObject({ epochs: 3, shards: 2 });
  });

  it('changes one of two places that share an anchor', () => {
    const text = JOB.replace('- { type: dense, units: 4 }', '- &d { type: dense, units: 3 }').replace(
      '- { type: dense, units: 3 }',
      '- *d',
    );
    const { layers } = parseJob(text, { file: 'job.yaml', overrides: ['model.layers[0].units=5'] }).job.model;
    expect(layers.map((layer) => (layer.type === 'dense' ? layer.units : null))).toEqual([5, null, 3]);
  });

  it.each([
    ['training.bachSize=3', '--set training.bachSize=3: unknown key; did you mean batchSize?'],
    ['trainin.epochs=3', '--set trainin.epochs=3: trainin: unknown key; did you mean training?'],
    ['training.epochs=0', '--set training.epochs=0: expected a whole number ≥ 1, found 0'],
    ['training={epochs: 0}', '--set training={epochs: 0}: training.epochs: expected a whole number ≥ 1, found 0'],
    [
      'training.optimizer=adm',
      '--set training.optimizer=adm: expected one of gradientDescent, momentum, rmsprop, adam, found "adm"; did you mean adam?',
    ],
    ['training.optimizer.beta1=0.5', '--set training.optimizer.beta1=0.5: unknown key; did you mean beta?'],
    ['model=', '--set model=: expected a mapping, found nothing'],
    [
      'cluster.workers=2',
      '--set cluster.workers=2: cluster.collective: expected auto or star, as local is for one worker and cluster.workers is 2; found local',
    ],
    ['training.epochs.max=3', '--set training.epochs.max=3: training.epochs.max: there is no such place; found 2'],
    [
      'model.layers[3].units=3',
      '--set model.layers[3].units=3: model.layers[3]: there is no such place; found a list with indices 0 to 2',
    ],
    [
      '__proto__.seed=3',
      '--set __proto__.seed=3: __proto__: unknown key; expected one of name, seed, baselineError, data, model, training, cluster',
    ],
  ])('refuses %s', (override, message) => {
    expect(() => jobWith(override)).toThrow(expect.objectContaining({ code: 'job', message }));
  });

  it.each([
    ['training.epochs', '--set training.epochs: expected KEY=VALUE'],
    ['=3', '--set =3: expected KEY=VALUE'],
    ['training..epochs=3', '--set training..epochs=3: expected KEY=VALUE'],
  ])('is used in the wrong way: %s', (override, message) => {
    expect(() => jobWith(override)).toThrow(expect.objectContaining({ code: 'usage', message }));
  });

  it('takes only values that are YAML', () => {
    expect(() => jobWith('training.epochs=[1')).toThrow(
      expect.objectContaining({
        code: 'usage',
        message: expect.stringMatching(/^--set training\.epochs=\[1: the value is not valid YAML: /) as string,
      }),
    );
  });
});
