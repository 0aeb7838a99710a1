import fc from 'fast-check';
import { expect, it } from 'vitest';
import { stringify } from 'yaml';
import { sizeJob } from '../../src/job/batch-size.js';
import { jobHash } from '../../src/job/hash.js';
import { parseJob } from '../../src/job/load.js';

/** A record of which any key may be missing. */
const partial = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }) => fc.record(model, { requiredKeys: [] });
const open = (max = 10) => fc.double({ min: 1e-6, max, noNaN: true });
const share = fc.double({ min: 0, max: 0.999, noNaN: true }).map((value) => value + 0);
const word = fc.stringMatching(/^[a-z][a-z0-9 ]{0,8}$/);
const name = fc.stringMatching(/^[A-Za-z0-9][\w.-]{0,20}$/);

const source = fc.oneof(
  fc.record({ format: fc.constant('idx'), features: word, labels: word }),
  fc.record(
    {
      format: fc.constant('csv'),
      path: word,
      label: fc.constant('LABEL'),
      delimiter: fc.constantFrom(',', ';', '\t', ' '),
      categorical: fc.array(word, { maxLength: 3 }),
      ignore: fc.array(word, { maxLength: 3 }),
    },
    { requiredKeys: ['format', 'path', 'label'] },
  ),
);

const initializer = fc.oneof(
  fc.constantFrom('he', 'xavier', 'zeros'),
  fc.record({ type: fc.constantFrom('he', 'xavier', 'zeros'), scale: open() }, { requiredKeys: ['type'] }),
);

const dense = (units: fc.Arbitrary<number>) =>
  fc.record(
    { type: fc.constant('dense'), units, bias: fc.boolean(), initializer },
    { requiredKeys: ['type', 'units'] },
  );

const hidden = fc.oneof(
  fc.constantFrom('relu', 'tanh', 'sigmoid', 'linear', 'softmax', 'flatten', 'batchNorm', 'leakyRelu'),
  dense(fc.integer({ min: 1, max: 4096 })),
  fc.record(
    { type: fc.constant('batchNorm'), momentum: share, epsilon: open(), sync: fc.constantFrom('global', 'shard') },
    { requiredKeys: ['type'] },
  ),
  fc.record({ type: fc.constant('dropout'), keepProb: open(1) }),
  fc.record({ type: fc.constant('leakyRelu'), slope: share }, { requiredKeys: ['type'] }),
);

const optimizer = fc.oneof(
  fc.constantFrom('gradientDescent', 'momentum', 'rmsprop', 'adam'),
  fc.record({ type: fc.constant('momentum'), learningRate: open(), beta: share }, { requiredKeys: ['type'] }),
  partial({ learningRate: open(), beta1: share, beta2: share, epsilon: open() }),
);

const decay = fc.oneof(
  fc.constantFrom('constant', 'inverseSqrt'),
  fc.record({ type: fc.constant('inverse'), rate: open() }),
  fc.record({ type: fc.constant('exponential'), base: open(1) }),
  fc.record({ type: fc.constant('staircase'), factor: open(1), every: fc.integer({ min: 1, max: 99 }) }),
  fc.record({
    type: fc.constant('table'),
    entries: fc
      .uniqueArray(fc.record({ epoch: fc.nat(99), learningRate: open() }), {
        minLength: 1,
        selector: ({ epoch }) => epoch,
      })
      .map((entries) => entries.toSorted((a, b) => a.epoch - b.epoch)),
  }),
);

const training = partial({
  epochs: fc.integer({ min: 1, max: 99 }),
  batchSize: fc.oneof(fc.constant('full'), fc.nat(9999)),
  shards: fc.integer({ min: 1, max: 64 }),
  shuffle: fc.boolean(),
  optimizer,
  decay,
  warmupSteps: fc.nat(99),
  regularization: partial({ l2: open(), l1: open() }),
  clipNorm: fc.option(open()),
  wireFormat: partial({
    gradients: fc.constantFrom('float32', 'bfloat16', 'float16'),
    weights: fc.constantFrom('float32', 'bfloat16'),
  }),
  accumulate: fc.integer({ min: 1, max: 9 }),
  evaluateEveryEpochs: fc.nat(9),
  checkpoint: partial({ everySteps: fc.nat(999), keep: fc.integer({ min: 1, max: 9 }) }),
});

const job = fc
  .record({
    task: fc.constantFrom('classification', 'regression'),
    units: fc.integer({ min: 1, max: 9 }),
    sources: fc.record({ train: source, dev: fc.option(source), test: source }, { requiredKeys: ['train'] }),
    split: share,
    hidden: fc.array(hidden, { maxLength: 5 }),
    rest: partial({
      name,
      seed: fc.nat(4_294_967_295),
      baselineError: fc.option(fc.double({ min: 0, max: 1, noNaN: true }).map((value) => value + 0)),
      training,
      cluster: partial({
        workers: fc.integer({ min: 1, max: 99 }),
        threads: fc.integer({ min: 1, max: 99 }),
        collective: fc.constantFrom('auto', 'star', 'mesh'),
        transport: fc.constantFrom('auto', 'grpc', 'shm'),
        bucketBytes: fc.option(fc.integer({ min: 4096, max: 99_999 })),
        joinTimeoutMs: fc.integer({ min: 1, max: 99_999 }),
      }),
    }),
  })
  .map(({ task, units, sources, split, hidden: layers, rest }) => ({
    ...rest,
    data: { task, ...sources, ...((sources.dev ?? null) === null ? { split: { dev: split } } : {}) },
    model: { layers: [...layers, { type: 'dense', units: task === 'regression' ? 1 : units }] },
  }));

it('a valid job, written as JSON, is read back as the same job with nothing left to fill in', () => {
  fc.assert(
    fc.property(job, (written) => {
      const first = parseJob(stringify(written), { file: 'job.yaml' });
      const second = parseJob(JSON.stringify(first.job), { file: 'run.json' });
      expect(second.job).toEqual(first.job);
      expect(second.defaults).toEqual([]);
      expect(jobHash(sizeJob(second.job, 500))).toBe(jobHash(sizeJob(first.job, 500)));
    }),
    { numRuns: 60 },
  );
});
