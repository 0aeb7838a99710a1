import { describe, expect, it } from 'vitest';
import { EarlyStopping } from '../../coordinator/early-stopping.js';
import { TestCluster } from '../support/cluster.js';
import { ClusterEngine } from '../support/cluster-engine.js';
import { clusterJob } from '../support/cluster-job.js';

describe('a run that stops early', () => {
  /** Ends after the given losses of the dev split, one per epoch of four steps. */
  const stoppedAfter = async (losses: readonly number[], patience: number, maxSteps?: number) => {
    const earlyStopping = new EarlyStopping({ metric: 'loss', patience, minChange: 0 });
    const cluster = new TestCluster({
      cluster: clusterJob('training.epochs=6'),
      earlyStopping,
      ...(maxSteps === undefined ? {} : { maxSteps }),
      engine: () => {
        const engine = new ClusterEngine(clusterJob('training.epochs=6'));
        const evaluate = engine.evaluate.bind(engine);
        let evaluations = 0;
        engine.evaluate = (part, weights, report) =>
          evaluate(part, weights, (shards) => {
            // 300 samples in two shards.
            const loss = part.split === 'dev' ? (losses[evaluations] ?? 9) * 150 : NaN;
            if (part.split === 'dev') evaluations += 1;
            report(shards.map((shard) => (part.split === 'dev' ? { ...shard, loss } : shard)));
          });
        return engine;
      },
    });
    await cluster.run('a');
    return { cluster, earlyStopping };
  };
  const evaluations = ({ observer }: TestCluster): string[] =>
    observer.evaluations.map(({ split, step }) => `${split} after ${step}`);

  it('ends with the weights that did best on the dev split', async () => {
    const { cluster } = await stoppedAfter([3, 1, 2, 2], 2);
    expect(cluster.state.version).toBe(16);
    expect(cluster.observer.early).toEqual({ step: 8, value: 1 });
    expect(cluster.observer.saved).toBe(1);
    expect(evaluations(cluster)).toEqual([
      'dev after 4',
      'dev after 8',
      'dev after 12',
      'dev after 16',
      'train after 8',
      'dev after 8',
      'test after 8',
    ]);
    const best = new TestCluster({ maxSteps: 8 });
    await best.run('a');
    expect(cluster.weightsSha256).toBe(best.weightsSha256);
  });

  it('goes back to them at its last epoch, too', async () => {
    const { cluster, earlyStopping } = await stoppedAfter([3, 2, 1, 2, 2, 2], 9);
    expect(cluster.state.version).toBe(24);
    expect(cluster.observer.early).toBeNull();
    expect(earlyStopping.best).toEqual({ step: 12, value: 1 });
    expect(evaluations(cluster).slice(-4)).toEqual(['dev after 24', 'train after 12', 'dev after 12', 'test after 12']);
  });

  it('keeps its last weights where they are the best', async () => {
    const { cluster } = await stoppedAfter([3, 2, 1], 9, 12);
    expect(evaluations(cluster)).toEqual([
      'dev after 4',
      'dev after 8',
      'dev after 12',
      'train after 12',
      'dev after 12',
      'test after 12',
    ]);
  });
});
