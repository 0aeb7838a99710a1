import { describe, expect, it } from 'vitest';
import { sizeJob } from '../../src/job/batch-size.js';
import { jobHash } from '../../src/job/hash.js';
import type { Job } from '../../src/job/job.js';
import { parseJob } from '../../src/job/load.js';
import { diagnose } from '../../src/report/diagnosis.js';
import { recipe } from '../../src/report/recipe.js';
import type { RunFacts } from '../../src/report/run-facts.js';
import { nextOnLadder, type Suggestion } from '../../src/report/suggestion.js';
import { regressionJob, sampleJob } from './sample-run.js';

const FACTS: RunFacts = {
  costTrend: 'level',
  bestDev: null,
  deadLayers: [],
  diverged: false,
  trainSamples: 5_000,
  images: true,
};

interface Errors {
  readonly train: number;
  readonly dev?: number;
  readonly test?: number;
}

function advised(job: Job, { train, dev, test }: Errors, facts: Partial<RunFacts> = {}): readonly Suggestion[] {
  const of = (error: number | undefined) => (error === undefined ? null : { error, samples: 100_000 });
  const diagnosis = diagnose({
    task: job.data.task,
    baselineError: job.baselineError,
    train: of(train),
    dev: of(dev),
    test: of(test),
    hasDev: job.data.dev !== null || job.data.split.dev > 0,
  });
  return recipe({ job, diagnosis, facts: { ...FACTS, ...facts } });
}

const HIGH_BIAS = { train: 0.15, dev: 0.16 };
const HIGH_VARIANCE = { train: 0.01, dev: 0.11 };
const texts = (suggestions: readonly Suggestion[]): string => suggestions.map(({ text }) => text).join('\n');
const sets = (suggestions: readonly Suggestion[]): string[] => suggestions.flatMap(({ set }) => set);

describe('against high bias', () => {
  it('trains longer while the cost falls, and not once it has stopped', () => {
    const [first] = advised(sampleJob(), HIGH_BIAS, { costTrend: 'falling' });
    expect(first).toEqual({
      text: 'training.epochs is 5 and the cost was still falling: try 10',
      set: ['training.epochs=10'],
    });
    expect(texts(advised(sampleJob(), HIGH_BIAS))).not.toContain('training.epochs');
  });

  it('makes hidden layers larger, never the output', () => {
    const larger = advised(sampleJob(), HIGH_BIAS).find(({ text }) => text.includes('units'));
    expect(larger).toEqual({
      text: 'model.layers[0].units is 32 and model.layers[2].units is 16: try 64 and 32',
      set: ['model.layers[0].units=64', 'model.layers[2].units=32'],
    });
    const logistic = sampleJob('model.layers=[{ type: dense, units: 4 }]');
    expect(texts(advised(logistic, HIGH_BIAS))).toContain('no hidden layer');
  });

  it('takes another optimizer, or another learning rate', () => {
    expect(sets(advised(sampleJob('training.optimizer=momentum'), HIGH_BIAS))).toContain('training.optimizer=adam');
    expect(sets(advised(sampleJob(), HIGH_BIAS))).toContain('training.optimizer.learningRate=0.003');
    expect(sets(advised(sampleJob(), HIGH_BIAS, { costTrend: 'rising' }))).toContain(
      'training.optimizer.learningRate=0.0003',
    );
  });

  it('calms a run that has diverged before anything else', () => {
    const [first] = advised(sampleJob(), HIGH_BIAS, { diverged: true });
    expect(first?.set).toEqual(['training.optimizer.learningRate=0.0001', 'training.clipNorm=1']);
  });

  it('regularises less, unless the variance is high, too', () => {
    const held = sampleJob('training.regularization.l2=0.1', 'model.layers[1]={ type: dropout, keepProb: 0.5 }');
    expect(sets(advised(held, HIGH_BIAS)).slice(0, 2)).toEqual([
      'training.regularization.l2=0.01',
      'model.layers[1].keepProb=0.75',
    ]);
    const both = sets(advised(held, { train: 0.15, dev: 0.3 }));
    expect(both).not.toContain('training.regularization.l2=0.01');
    expect(both).toContain('training.regularization.l2=0.3');
  });

  it('revives dead units, by the layer behind the named one', () => {
    const suggestions = advised(sampleJob(), HIGH_BIAS, { deadLayers: [{ name: 'dense2', share: 0.75 }] });
    expect(sets(suggestions)).toContain('model.layers[3].type=leakyRelu');
    expect(texts(suggestions)).toContain('75.00% of the ReLU units behind dense2 are dead');
  });
});

describe('against high variance', () => {
  it('stops in time where the dev loss has risen again', () => {
    const [first] = advised(sampleJob(), HIGH_VARIANCE, { bestDev: { epoch: 2, loss: 0.2, lastLoss: 0.4 } });
    expect(first?.text).toContain('lowest after epoch 2 (0.2000, at the end 0.4000)');
    expect(first?.set).toContain('training.earlyStopping.patience=3');
  });

  it('penalises weights', () => {
    expect(advised(sampleJob(), HIGH_VARIANCE)).toContainEqual({
      text: 'training.regularization.l2 is 0: try 0.1',
      set: ['training.regularization.l2=0.1'],
    });
  });

  it('drops units: more of them where there is dropout, else with a layer to add', () => {
    const dropping = sampleJob('model.layers[1]={ type: dropout, keepProb: 0.8 }');
    expect(sets(advised(dropping, HIGH_VARIANCE))).toContain('model.layers[1].keepProb=0.7');
    expect(texts(advised(sampleJob(), HIGH_VARIANCE))).toContain('no dropout layer');
  });

  it('makes more of images, where the version can', () => {
    const job = sampleJob();
    const older = {
      ...job,
      data: Object.fromEntries(Object.entries(job.data).filter(([key]) => key !== 'augmentation')),
    };
    const newer = { ...job, data: { ...job.data, augmentation: null } };
    expect(texts(advised(older as unknown as Job, HIGH_VARIANCE))).not.toContain('augmentation');
    expect(texts(advised(newer, HIGH_VARIANCE))).toContain('data.augmentation is null');
    expect(texts(advised(newer, HIGH_VARIANCE, { images: false }))).not.toContain('augmentation');
  });
});

describe('where there is nothing to tell, or nothing to cure', () => {
  it('asks for a dev split first', () => {
    const [first] = advised(sampleJob('data.split.dev=0'), { train: 0.15 });
    expect(first?.set).toEqual(['data.split.dev=0.1']);
  });

  it('asks for a larger one where it was fitted', () => {
    const suggestions = advised(sampleJob(), { train: 0.001, dev: 0.005, test: 0.05 });
    expect(sets(suggestions)).toContain('data.split.dev=0.2');
  });

  it('says what is left to do with a good model', () => {
    const said = texts(advised(sampleJob(), { train: 0.005, dev: 0.01, test: 0.01 }));
    expect(said).toContain('baselineError');
    expect(said).toContain('worst mistakes');
  });
});

it('suggests only what a job can be set to, and what changes it', () => {
  const facts: Partial<RunFacts>[] = [
    {},
    { costTrend: 'falling', bestDev: { epoch: 2, loss: 0.2, lastLoss: 0.4 } },
    { diverged: true, costTrend: 'rising', deadLayers: [{ name: 'dense0', share: 0.9 }] },
  ];
  const jobs = [
    sampleJob(),
    sampleJob('data.split.dev=0', 'data.normalize=none', 'training.batchSize=full'),
    sampleJob('training.optimizer=rmsprop', 'training.regularization.l1=0.01', 'training.regularization.l2=0.7'),
    sampleJob('model.layers[1]={ type: dropout, keepProb: 0.35 }', 'training.clipNorm=3'),
    regressionJob('model.layers[1]={ type: dropout, keepProb: 0.9 }'),
  ];
  for (const job of jobs) {
    const seen = new Set<string>();
    for (const fact of facts) {
      for (const errors of [HIGH_BIAS, HIGH_VARIANCE, { train: 0.15, dev: 0.3 }, { train: 0, dev: 0, test: 0.2 }]) {
        for (const { set } of advised(job, errors, fact)) {
          if (set.length === 0 || seen.has(set.join(' '))) continue;
          seen.add(set.join(' '));
          const changed = parseJob(JSON.stringify(job), { file: 'job.json', overrides: set }).job;
          expect(jobHash(sizeJob(changed, 5_000)), set.join(' ')).not.toBe(jobHash(job));
        }
      }
    }
    expect(seen.size).toBeGreaterThan(5);
  }
});

describe('nextOnLadder', () => {
  it.each([
    [0.001, 'up', 0.003],
    [0.002, 'up', 0.01],
    [0.003, 'down', 0.001],
    [0.01, 'down', 0.003],
    [0.1, 'up', 0.3],
    [1, 'up', 3],
  ] as const)('%d %s: %d', (value, direction, next) => expect(nextOnLadder(value, direction)).toBe(next));
});
