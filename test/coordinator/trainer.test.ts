import { describe, expect, it } from 'vitest';
import { TestCluster, settled } from '../support/cluster.js';
import { ClusterEngine } from '../support/cluster-engine.js';
import { clusterJob, initialState } from '../support/cluster-job.js';
import { errorOf } from '../support/error-of.js';

const IMPATIENT = 'cluster.joinTimeoutMs=50';

describe('the start of a run', () => {
  it('waits for as many workers as the job asks for', async () => {
    const cluster = new TestCluster({ cluster: clusterJob('cluster.workers=3') });
    const run = cluster.run('a', 'b');
    await settled();
    expect(cluster.observer.phases).toEqual(['waiting']);
    expect(cluster.observer.ready).toBe(2);
    cluster.start('c');
    await run;
    expect(cluster.observer.steps.map(({ workers }) => workers)).toEqual(Array.from({ length: 8 }, () => 3));
    expect(cluster.observer.phases).toEqual(['waiting', 'training', 'evaluating', 'training', 'evaluating']);
  });

  it('ends when too few have come in time', async () => {
    const cluster = new TestCluster({ cluster: clusterJob('cluster.workers=2', IMPATIENT) });
    const error = await errorOf(cluster.run('a'));
    expect(error.code).toBe('unavailable');
    expect(error.message).toBe('1 of 2 workers joined within 0.05 s');
    expect(error.hint).toContain('cluster.joinTimeoutMs');
  });

  it('does not count a worker that joins but never becomes ready', async () => {
    const cluster = new TestCluster({ cluster: clusterJob(IMPATIENT), engine: () => new Promise(() => undefined) });
    const error = await errorOf(trainOnly(cluster, 'a'));
    expect(error.message).toBe('0 of 1 workers joined within 0.05 s');
  });
});

describe('the end of a run', () => {
  it('comes after the last step of the last epoch, or after maxSteps', async () => {
    const whole = new TestCluster();
    await whole.run('a');
    expect(whole.state.version).toBe(8);
    const cut = new TestCluster({ maxSteps: 3 });
    expect(Object.keys((await cut.run('a')) ?? {})).toEqual(['train', 'dev', 'test']);
    expect(cut.state.version).toBe(3);
  });

  it('evaluates the initial weights when there is no step to do', async () => {
    const cluster = new TestCluster({ maxSteps: 0 });
    const untrained = cluster.weightsSha256;
    expect(await cluster.run('a', 'b')).not.toBeNull();
    expect(cluster.weightsSha256).toBe(untrained);
    expect(cluster.observer.steps).toEqual([]);
  });

  it('evaluates dev after the epochs that the job names, and all splits at last', async () => {
    const cluster = new TestCluster();
    await cluster.run('a', 'b');
    expect(cluster.observer.evaluations.map(({ split, step }) => `${split} after ${step}`)).toEqual([
      'dev after 4',
      'train after 8',
      'dev after 8',
      'test after 8',
    ]);
  });

  it('lets every worker go and says why', async () => {
    const cluster = new TestCluster();
    await cluster.run('a', 'b');
    expect(cluster.endings.get('a')).toEqual({ reason: 'done', message: '' });
    expect(cluster.endings.get('b')).toEqual({ reason: 'done', message: '' });
  });

  it('tells a worker that still loads its data too', async () => {
    const cluster = new TestCluster({
      engine: (id) => (id === 'slow' ? new Promise(() => undefined) : new ClusterEngine(clusterJob())),
    });
    cluster.start('a');
    cluster.start('slow');
    await cluster.trainer.run();
    cluster.trainer.shutdown('done', 'goodbye');
    await settled();
    expect(cluster.endings.get('slow')).toEqual({ reason: 'done', message: 'goodbye' });
  });
});

describe('a run without workers', () => {
  it('ends when none comes back in time', async () => {
    const cluster = new TestCluster({ cluster: clusterJob(IMPATIENT) });
    cluster.failAt('a', 3, 'before its report').failAt('b', 3, 'during an exchange');
    const error = await errorOf(cluster.run('a', 'b'));
    expect(error.code).toBe('unavailable');
    expect(error.message).toBe('no worker is left, and none came back within 0.05 s');
    expect(error.hint).toContain('--resume auto');
    expect(cluster.state.version).toBe(3);
    expect(cluster.observer.phases.at(-1)).toBe('recovering');
  });

  it('ends the same way in the middle of an evaluation', async () => {
    const cluster = new TestCluster({ cluster: clusterJob(IMPATIENT), maxSteps: 1 });
    cluster.failAt('a', 1, 'during an evaluation');
    expect((await errorOf(cluster.run('a'))).code).toBe('unavailable');
  });
});

describe('a run that is asked to stop', () => {
  it('in the middle of a step keeps what is committed, and goes on from there to the same weights', async () => {
    const through = new TestCluster();
    await through.run('a', 'b');

    const stopped = new TestCluster();
    stopped.once(
      ({ step, kind }) => step === 5 && kind === 'exchangeNodes',
      (arrival) => {
        stopped.trainer.stop();
        arrival.deliver();
      },
    );
    expect(await stopped.run('a', 'b')).toBeNull();
    expect(stopped.state.version).toBe(5);
    expect(stopped.endings.get('a')?.reason).toBe('stopped');

    const { model, slots } = stopped.state.tensors();
    const state = initialState(stopped.cluster);
    state.restore(
      5,
      new Map(model.map(({ name, values }) => [name, values])),
      new Map(slots.map(({ name, values }) => [name, values])),
    );
    const resumed = new TestCluster({ state });
    await resumed.run('a', 'b', 'c');
    expect(resumed.weightsSha256).toBe(through.weightsSha256);
    expect(resumed.observer.steps.map(({ step }) => step)).toEqual([6, 7, 8]);
  });

  it('while it waits for workers', async () => {
    const cluster = new TestCluster({ cluster: clusterJob('cluster.workers=2') });
    const run = cluster.run('a');
    await settled();
    cluster.trainer.stop();
    expect(await run).toBeNull();
    expect(cluster.state.version).toBe(0);
  });

  it('in the middle of an evaluation', async () => {
    const cluster = new TestCluster();
    cluster.once(
      ({ step, kind }) => step === 4 && kind === 'evaluated',
      () => cluster.trainer.stop(),
    );
    expect(await cluster.run('a', 'b')).toBeNull();
    expect(cluster.state.version).toBe(4);
  });

  it('does not report the workers that leave as lost', async () => {
    const cluster = new TestCluster();
    await cluster.run('a');
    const changes = cluster.observer.changes.length;
    cluster.kill('a');
    expect(cluster.observer.changes).toHaveLength(changes);
  });
});

describe('the record of a step', () => {
  it('holds means over the batch and the cost with its penalty', async () => {
    const cluster = new TestCluster();
    await cluster.run('a', 'b');
    expect(cluster.observer.steps.map(({ samples }) => samples)).toEqual([16, 16, 16, 2, 16, 16, 16, 2]);
    expect(cluster.observer.steps.map(({ dataEpoch }) => dataEpoch)).toEqual([0, 0, 0, 0, 1, 1, 1, 1]);
    for (const { loss, cost, accuracy, learningRate, computeMs } of cluster.observer.steps) {
      expect(cost).toBeGreaterThan(loss);
      expect(accuracy).toBeGreaterThanOrEqual(0);
      expect(accuracy).toBeLessThanOrEqual(1);
      expect(learningRate).toBe(0.05);
      expect(computeMs.every((ms) => ms === 1)).toBe(true);
    }
    // Without a shard that holds samples, a worker reports nothing.
    expect(cluster.observer.steps.map(({ computeMs }) => computeMs.length)).toEqual([2, 2, 2, 1, 2, 2, 2, 1]);
  });

  it('has no accuracy where the loss does not classify', async () => {
    const cluster = new TestCluster({
      cluster: clusterJob('data.task=regression', 'training.loss=meanSquaredError', 'model.layers.6.units=1'),
      maxSteps: 1,
    });
    await cluster.run('a');
    expect(cluster.observer.steps[0]?.accuracy).toBeNull();
  });
});

/** Trains without waiting for the workers' agents at the end. */
function trainOnly(cluster: TestCluster, ...workers: readonly string[]): Promise<unknown> {
  for (const worker of workers) cluster.start(worker);
  return cluster.trainer.run();
}
