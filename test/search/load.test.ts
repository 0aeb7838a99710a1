import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadSearch, parseSearch } from '../../src/search/load.js';
import { trialsAtOnce } from '../../src/search/search.js';

const folder = mkdtempSync(join(tmpdir(), 'lockstep-search-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = join(folder, 'search.yaml');

const DATA = 'data: { task: classification, train: { format: csv, path: a.csv, label: y }, split: { dev: 0.2 } }';
const JOB = `${DATA}
model: { layers: [{ type: dense, units: 8 }, relu, { type: dense, units: 1 }] }
training: { epochs: 12, optimizer: adam }
`;
mkdirSync(join(folder, 'jobs'));
writeFileSync(join(folder, 'jobs', 'net.yaml'), JOB);
writeFileSync(join(folder, 'jobs', 'plain.yaml'), JOB.replace(', split: { dev: 0.2 }', ''));
writeFileSync(join(folder, 'jobs', 'two.yaml'), `${JOB}cluster: { workers: 2 }\n`);
writeFileSync(join(folder, 'jobs', 'price.yaml'), JOB.replace('classification', 'regression'));
writeFileSync(join(folder, 'jobs', 'broken.yaml'), `${JOB}nmae: x\n`);

const RATE = 'training.optimizer.learningRate: { log: { from: 0.0001, to: 1 } }';

/** A search file of the lines that are given; the first two and `parameters` have defaults. */
function text({
  job = 'job: jobs/net.yaml',
  method = 'method: { random: { trials: 4 } }',
  parameters = [RATE],
  more = '',
} = {}) {
  return [job, method, 'parameters:', ...parameters.map((line) => `  ${line}`), more].join('\n');
}

function problems(source: string): string[] {
  try {
    parseSearch(source, file);
  } catch (error) {
    expect(error).toMatchObject({ code: 'job' });
    return (error as Error).message.replaceAll(`${file}:`, '').split('\n');
  }
  return [];
}

describe('a search file with nothing but what has to be there', () => {
  const { search, base } = parseSearch(text(), join(folder, 'my search.yaml'));

  it('gets every default', () => {
    expect(search).toEqual({
      name: 'my-search',
      plan: {
        seed: 1,
        method: { type: 'random', trials: 4 },
        parameters: [
          {
            key: 'training.optimizer.learningRate',
            path: ['training', 'optimizer', 'learningRate'],
            space: { type: 'log', from: 0.0001, to: 1, points: null },
          },
        ],
        halving: null,
        goal: 'minimize',
        epochs: 12,
      },
      objective: { metric: 'error', goal: 'minimize' },
      fixed: [],
      workers: 1,
    });
  });

  it('finds its job relative to itself', () => {
    expect(base).toMatchObject({ path: join(folder, 'jobs', 'net.yaml'), baseDir: join(folder, 'jobs'), text: JOB });
    expect(base.job).toMatchObject({ name: 'net', training: { epochs: 12 } });
  });
});

describe('a search file', () => {
  const load = (source: string) => parseSearch(source, file);

  it('may hold the job itself', () => {
    const { base } = load(text({ job: `job:\n  ${JOB.trimEnd().replaceAll('\n', '\n  ')}` }));
    expect(base).toMatchObject({ path: file, baseDir: folder, job: { name: 'search', training: { epochs: 12 } } });
    expect(base.text).toContain('task: classification');
  });

  it('changes its job for all trials with `set`', () => {
    const { search, base } = load(
      text({ more: 'set: { training.epochs: 3, training.optimizer: momentum }\nhalving: { minEpochs: 1 }' }),
    );
    expect(base.job.training).toMatchObject({ epochs: 3, optimizer: { type: 'momentum' } });
    expect(search.plan).toMatchObject({ epochs: 3, halving: { eta: 3, minEpochs: 1 } });
  });

  it('knows three methods', () => {
    expect(
      load(text({ method: 'method: grid', parameters: ['training.batchSize: { choice: [1, full] }'] })).search.plan
        .method,
    ).toEqual({ type: 'grid' });
    const zoom = load(text({ method: 'method: { coarseToFine: { rounds: 2, trials: 8 } }' }));
    expect(zoom.search.plan.method).toEqual({ type: 'coarseToFine', rounds: 2, trials: 8, keep: 0.25 });
  });

  it('makes large what is better large', () => {
    expect(load(text({ more: 'objective: f1' })).search.objective).toEqual({ metric: 'f1', goal: 'maximize' });
  });

  it('runs as many trials at once as the workers of the search make up for', () => {
    const { search, base } = load(text({ job: 'job: jobs/two.yaml', more: 'cluster: { workers: 5 }' }));
    expect(trialsAtOnce(search, base.job)).toBe(2);
  });

  it('may search for a mapping, and within it', () => {
    const parameters = [
      'training.optimizer.learningRate: { log: { from: 0.001, to: 0.1 } }',
      'training.optimizer: { choice: [adam, { type: momentum, beta: 0.8 }] }',
    ];
    expect(problems(text({ parameters }))).toEqual([]);
  });

  it('is read from a file', () => {
    writeFileSync(file, text());
    expect(loadSearch(file).search.name).toBe('search');
    expect(() => loadSearch(join(folder, 'none.yaml'))).toThrow(
      /none\.yaml: the search file cannot be read: there is no such file/,
    );
  });
});

describe('what is wrong is said with its place', () => {
  it.each([
    [
      'method: gird',
      '2:9: method: expected grid or a mapping with one of random, coarseToFine, found "gird"; did you mean grid?',
    ],
    ['method: { randon: { trials: 3 } }', '2:11: method.randon: unknown key; did you mean random?'],
    [
      'method: { random: { trials: 0 } }',
      '2:29: method.random.trials: expected a whole number ≥ 1 and ≤ 10000, found 0',
    ],
    [
      'method: { random: { trials: 2 }, grid: {} }',
      '2:9: method: expected one of grid, random, coarseToFine, found grid and random',
    ],
    [
      'method: { coarseToFine: { rounds: 2, trials: 4, keep: 5 } }',
      '2:55: method.coarseToFine.keep: expected no more than method.coarseToFine.trials, 4; found 5',
    ],
    [
      'method: { coarseToFine: { rounds: 2, trials: 4, keep: 1.5 } }',
      '2:55: method.coarseToFine.keep: expected a share below 1 or a whole number, found 1.5',
    ],
    [
      'method: { coarseToFine: { rounds: 90, trials: 900 } }',
      '2:9: method: expected at most 10000 trials in all, found 81000',
    ],
    [
      'method: grid',
      '4:3: parameters.training.optimizer.learningRate.log.points: missing; expected a whole number ≥ 2, as method is grid',
    ],
  ])('%s', (method, message) => {
    const [found = '', ...others] = problems(text({ method }));
    expect(others).toEqual([]);
    expect(found.replace(/^4:\d+/, '4:3')).toBe(message);
  });

  it.each([
    [
      'training.optimizer.learningRat: { log: { from: 0.1, to: 1 } }',
      '4:3: parameters.training.optimizer.learningRat: unknown key; did you mean learningRate?',
    ],
    [
      'training.optimzer.learningRate: { log: { from: 0.1, to: 1 } }',
      '4:3: parameters.training.optimzer.learningRate: training.optimzer: unknown key; did you mean optimizer?',
    ],
    [
      'training.optimizer.beta1: { linear: { from: 0.5, to: 1 } }',
      '4:56: parameters.training.optimizer.beta1.linear.to: expected a number ≥ 0 and < 1, found 1',
    ],
    [
      'training.optimizer.beta: { linear: { from: 0.5, to: 0.9 } }',
      '4:3: parameters.training.optimizer.beta: unknown key; did you mean beta1?',
    ],
    [
      'model.layers[0].units: { integer: { from: 0, to: 9 } }',
      '4:45: parameters.model.layers[0].units.integer.from: expected a whole number ≥ 1, found 0',
    ],
    [
      'model.layers[7].units: { integer: { from: 1, to: 9 } }',
      '4:3: parameters.model.layers[7].units: model.layers[7]: there is no such place; found a list with indices 0 to 2',
    ],
    [
      'training.batchSize: { choice: [16, half] }',
      '4:38: parameters.training.batchSize.choice[1]: expected full or auto or a whole number ≥ 0, found "half"',
    ],
    [
      'training.optimizer: { choice: [adam, adem] }',
      '4:40: parameters.training.optimizer.choice[1]: expected one of gradientDescent, momentum, rmsprop, adam, found "adem"; did you mean adam?',
    ],
    [
      'data.split.test: { linear: { from: 0, to: 0.9 } }',
      '4:45: parameters.data.split.test.linear.to: data.split: expected dev + test < 1, as the rest is trained on; found 1.1',
    ],
    [
      'training.batchSize: { log: { from: 8, to: 64 } }',
      '4:30: parameters.training.batchSize.log: expected full or auto or a whole number ≥ 0, found 17.70270600599349',
    ],
    [
      'x..y: { log: { from: 8, to: 64 } }',
      '4:3: parameters.x..y: expected a key of the job, such as training.optimizer.learningRate',
    ],
    [
      'training.clipNorm: { log: { from: 0, to: 64 } }',
      '4:37: parameters.training.clipNorm.log.from: expected a number > 0, found 0',
    ],
    [
      'training.clipNorm: { log: { from: 2, to: 1 } }',
      '4:44: parameters.training.clipNorm.log.to: expected a number > from, 2; found 1',
    ],
    [
      'training.clipNorm: { log: { from: 2, to: 3, points: 2 } }',
      '4:55: parameters.training.clipNorm.log.points: expected no points, as method is random and not grid; found 2',
    ],
    [
      'training.clipNorm: { lgo: { from: 2, to: 3 } }',
      '4:24: parameters.training.clipNorm.lgo: unknown key; did you mean log?',
    ],
    [
      'training.clipNorm: 3',
      '4:22: parameters.training.clipNorm: expected a mapping with one of linear, integer, log, oneMinusLog, choice, found 3',
    ],
    [
      'training.clipNorm: {}',
      '4:22: parameters.training.clipNorm: expected one of linear, integer, log, oneMinusLog, choice, found none of them',
    ],
    [
      'training.clipNorm: { choice: [] }',
      '4:32: parameters.training.clipNorm.choice: expected a list that is not empty, found an empty list',
    ],
    [
      'training.optimizer.beta1: { oneMinusLog: { from: 0.9, to: 1 } }',
      '4:61: parameters.training.optimizer.beta1.oneMinusLog.to: expected a number ≥ 0 and < 1, found 1',
    ],
    [
      'cluster.workers: { choice: [1, 2] }',
      '4:3: parameters.cluster.workers: expected a key that changes the result; no result depends on cluster',
    ],
    [
      'training.epochs: { choice: [1, 2] }\nhalving: {}',
      '4:3: parameters.training.epochs: expected another key, as halving compares trials after equal numbers of epochs',
    ],
  ])('%s', (line, message) => {
    expect(problems(text({ parameters: [line] }).replace('  halving', 'halving'))[0]).toBe(message);
  });

  it.each([
    [
      'objective: r2',
      '5:12: objective: expected one of error, loss, accuracy, f1, auc, as data.task is classification; found r2',
    ],
    [
      'objective: acuracy',
      '5:12: objective: expected one of error, loss, accuracy, f1, auc, r2, mae, found "acuracy"; did you mean accuracy?',
    ],
    [
      'halving: { minEpochs: 5 }',
      '5:23: halving.minEpochs: expected minEpochs · eta ≤ 12, the training.epochs of the job, or there is nothing to cut; found 5 · 3',
    ],
    ['set: { training.epochs: 0 }', '5:25: set.training.epochs: expected a whole number ≥ 1, found 0'],
    [
      `set: { training.optimizer.learningRate: 1 }`,
      '5:8: set.training.optimizer.learningRate: expected a key that is not searched; found it among parameters',
    ],
    [
      'trials: 3',
      '5:1: trials: unknown key; expected one of name, seed, job, set, method, parameters, objective, halving, cluster',
    ],
  ])('%s', (more, message) => {
    expect(problems(text({ more }))).toEqual([message]);
  });

  it('a job without a dev split', () => {
    expect(problems(text({ job: 'job: jobs/plain.yaml' }))).toEqual([
      '1:6: job: expected a job with a dev split, which trials are judged by; found none. Add set: { data.split.dev: 0.2 }',
    ]);
    expect(problems(text({ job: 'job: jobs/plain.yaml', more: 'set: { data.split.dev: 0.2 }' }))).toEqual([]);
  });

  it('an objective of classification for a regression', () => {
    expect(problems(text({ job: 'job: jobs/price.yaml', more: 'objective: auc' }))).toEqual([
      '5:12: objective: expected one of error, loss, r2, mae, as data.task is regression; found auc',
    ]);
  });

  it('fewer workers than one trial takes', () => {
    expect(problems(text({ job: 'job: jobs/two.yaml', more: 'cluster: { workers: 1 }' }))).toEqual([
      '5:21: cluster.workers: expected at least 2, the cluster.workers of the job; found 1. Or add set: { cluster.workers: 1 }',
    ]);
  });

  it('a job file that is not valid, or not there', () => {
    expect(() => parseSearch(text({ job: 'job: jobs/broken.yaml' }), file)).toThrow(
      /jobs\/broken\.yaml:4:1: nmae: unknown key; did you mean name\?/,
    );
    expect(() => parseSearch(text({ job: 'job: jobs/none.yaml' }), file)).toThrow(
      /jobs\/none\.yaml: the job file cannot be read: there is no such file/,
    );
  });

  it('a job within the search file', () => {
    const job = `job:\n  ${JOB.trimEnd().replaceAll('\n', '\n  ').replace('units: 8', 'unit: 8')}`;
    expect(problems(text({ job }))).toEqual([
      '3:21: job.model.layers[0].units: missing; expected a whole number ≥ 1',
      '3:36: job.model.layers[0].unit: unknown key; did you mean units?',
    ]);
  });

  it('one key in two notations', () => {
    const parameters = ['model.layers[0].units: { choice: [1] }', 'model.layers.0.units: { choice: [2] }'];
    expect(problems(text({ parameters }))).toEqual([
      '5:3: parameters.model.layers.0.units: expected once, found model.layers[0].units above',
    ]);
  });

  it('a pair of values that do not go together, though each of them does', () => {
    const parameters = [
      'training.optimizer: { choice: [adam, momentum] }',
      'training.optimizer.beta1: { linear: { from: 0.5, to: 0.9 } }',
    ];
    expect(problems(text({ parameters }))).toEqual([
      '5:3: parameters.training.optimizer.beta1: unknown key; did you mean beta?',
    ]);
  });
});
