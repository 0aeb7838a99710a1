import { describe, expect, it } from 'vitest';
import { completeJob } from '../../src/job/load.js';
import { readSource } from '../../src/job/source.js';
import { fillJob } from '../../src/search/job-text.js';
import { place } from '../../src/search/corners.js';
import { parsePath } from '../../src/job/path.js';

const JOB = `# yaml-language-server: $schema=../schema/job.schema.json
#
# A small job.

data:
  task: classification
  train: { format: csv, path: data/a.csv, label: y } # the samples
  split: { dev: 0.2 }

model:
  layers:
    - { type: dense, units: 8 } # the only one
    - batchNorm
    - { type: dense, units: 1 }

training:
  optimizer: adam
  batchSize: 1e2 # large
`;
const at = (key: string, value: unknown) => ({ path: parsePath(key) ?? [], value });
const fill = (text: string, values: readonly ReturnType<typeof at>[], remarks: readonly string[] = []) =>
  fillJob(text, { name: 'best', values, moved: (path) => `../${path}`, remarks });

const VALUES = [
  at('model.layers[0].units', 12),
  at('model.layers[1].momentum', 0.75),
  at('training.optimizer.learningRate', 0.0012345678901234567),
  at('training.batchSize', 64),
  at('training.regularization.l2', 0.5),
];

describe('a job with other values', () => {
  it('keeps comments and notation, and has paths that hold in its new folder', () => {
    expect(fill(JOB, VALUES, ['The best.'])).toMatchInlineSnapshot(`
      "# yaml-language-server: $schema=../../schema/job.schema.json
      #
      # The best.
      #
      # A small job.

      name: best
      data:
        task: classification
        train: { format: csv, path: ../data/a.csv, label: y } # the samples
        split: { dev: 0.2 }

      model:
        layers:
          - { type: dense, units: 12 } # the only one
          - type: batchNorm
            momentum: 0.75
          - { type: dense, units: 1 }

      training:
        optimizer:
          type: adam
          learningRate: 0.0012345678901234567
        batchSize: 64 # large
        regularization:
          l2: 0.5
      "
    `);
  });

  it('is the job with the values put in', () => {
    const plain = place(
      readSource(JOB).value,
      VALUES.map((value) => ({ ...value, at: [], keyAt: [] })),
    ).written as { data: { train: { path: string } } };
    plain.data.train.path = '../data/a.csv';
    expect(readSource(fill(JOB, VALUES)).value).toEqual({ name: 'best', ...plain });
    expect(completeJob(readSource(fill(JOB, VALUES)).value, 'x').problems).toEqual([]);
  });

  it('has its own name in place of another', () => {
    expect(readSource(fill('name: old\nseed: 3\n', [])).value).toEqual({ name: 'best', seed: 3 });
  });

  it('takes whole mappings before what is within them', () => {
    const values = [at('training.optimizer.beta', 0.5), at('training.optimizer', { type: 'momentum' })];
    expect(readSource(fill(JOB, values)).value).toMatchObject({
      training: { optimizer: { type: 'momentum', beta: 0.5 } },
    });
  });

  it('writes out what aliases repeat', () => {
    const text = 'model: { layers: [&d { type: dense, units: 4 }, *d] }\ntraining: null\n';
    expect(readSource(fill(text, [at('model.layers[1].units', 9), at('training.epochs', 2)])).value).toEqual({
      name: 'best',
      model: {
        layers: [
          { type: 'dense', units: 4 },
          { type: 'dense', units: 9 },
        ],
      },
      training: { epochs: 2 },
    });
  });
});
