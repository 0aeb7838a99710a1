import { describe, expect, it } from 'vitest';
import { LockstepError } from '../../src/common/errors.js';
import { TestCluster } from '../support/cluster.js';
import { ClusterEngine } from '../support/cluster-engine.js';
import { clusterJob } from '../support/cluster-job.js';
import { errorOf } from '../support/error-of.js';

describe('a failure', () => {
  it.each([
    ['data', 'data'],
    ['job', 'job'],
    ['unavailable', 'unavailable'],
    ['internal', 'internal'],
    ['something newer', 'internal'],
  ] as const)('%s of one worker ends the run as %s', async (code, expected) => {
    const cluster = new TestCluster();
    cluster.once(
      ({ worker, step, kind }) => worker === 'b' && step === 2 && kind === 'stepReport',
      () => cluster.trainer.message('b', { type: 'failed', code, message: 'what happened' }),
    );
    const error = await errorOf(cluster.run('a', 'b'));
    expect(error.code).toBe(expected);
    expect(error.message).toBe('worker b: what happened');
    expect(cluster.state.version).toBe(2);
  });

  it('of an engine reaches the coordinator', async () => {
    const engine = new ClusterEngine(clusterJob());
    engine.train = () => Promise.reject(new LockstepError('data', 'row 7 is gone'));
    const cluster = new TestCluster({ engine: () => engine });
    const error = await errorOf(cluster.run('a'));
    expect([error.code, error.message]).toEqual(['data', 'worker a: row 7 is gone']);
    expect(cluster.endings.get('a')).toMatchObject({ reason: 'broken', message: 'row 7 is gone' });
  });

  it('is a loss that is no number', async () => {
    const engine = new ClusterEngine(clusterJob());
    const train = engine.train.bind(engine);
    engine.train = async (plan, weights, port) => {
      const { shards, ...times } = await train(plan, weights, port);
      return { ...times, shards: shards.map((shard) => ({ ...shard, loss: NaN })) };
    };
    const error = await errorOf(new TestCluster({ engine: () => engine }).run('a'));
    expect(error.code).toBe('job');
    expect(error.message).toContain('step 1: the loss is NaN');
    expect(error.message).toContain('diverged');
  });

  it('leaves out a step whose loss is no number, where the job says so', async () => {
    const engine = new ClusterEngine(clusterJob());
    const train = engine.train.bind(engine);
    engine.train = async (plan, weights, port) => {
      const { shards, ...times } = await train(plan, weights, port);
      const isBad = plan.weightsVersion === 2;
      return {
        ...times,
        nonFiniteLayer: isBad ? 3 : null,
        shards: isBad ? shards.map((shard) => ({ ...shard, loss: NaN })) : shards,
      };
    };
    const cluster = new TestCluster({ cluster: clusterJob('training.onNonFinite=skip'), engine: () => engine });
    await cluster.run('a');
    expect(cluster.state.version).toBe(8);
    expect(cluster.observer.skipped).toEqual([
      {
        step: 3,
        reason: expect.stringContaining(
          'the loss is NaN; the first output that is not finite is that of layer dense3',
        ) as string,
      },
    ]);
    expect(cluster.observer.steps.map(({ skipped }) => skipped)).toEqual([
      false,
      false,
      true,
      false,
      false,
      false,
      false,
      false,
    ]);
  });

  it('is a piece that reaches into another bucket', async () => {
    const engine = new ClusterEngine(clusterJob());
    const hand = engine.hand.bind(engine);
    engine.hand = (bucket, nodes, port) =>
      hand(bucket.index === 1 ? { ...bucket, end: bucket.end + 1 } : bucket, nodes, port);
    const error = await errorOf(new TestCluster({ engine: () => engine }).run('a'));
    expect(error.code).toBe('internal');
    expect(error.message).toMatch(/^elements \d+ to \d+ are no part of a bucket summed here$/);
  });
});
