import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Scores } from '../../coordinator/judge.js';
import { MESH_MOMENTS, TestCluster, settled, type Arrival } from '../support/cluster.js';
import { PLANNED_LATE, likeAnUndisturbedRun } from '../support/undisturbed-run.js';

const moments = Object.keys(MESH_MOMENTS) as (keyof typeof MESH_MOMENTS)[];
const expectSameResult = likeAnUndisturbedRun();

describe('a member of a mesh is lost', () => {
  it.each(moments.filter((moment) => moment !== 'during an evaluation'))('%s', async (moment) => {
    const cluster = new TestCluster({ collective: 'mesh' }).failAt('b', PLANNED_LATE, moment);
    expectSameResult(cluster, await cluster.run('a', 'b', 'c'));
    expect(cluster.observer.recoveries).toEqual([{ epoch: 3, step: PLANNED_LATE, attempt: 1 }]);
    expect(cluster.observer.steps.map(({ workers }) => workers)).toEqual([3, 3, 3, 3, 2, 2, 2, 2]);
  });

  it('and with it the new weights that it was about to pass on, just when they are to be evaluated', async () => {
    // Step 3 is the fourth, after which the dev split is evaluated. Nothing that b is to pass on of it arrives.
    const cluster = new TestCluster({ collective: 'mesh' });
    const isLast = ({ worker, kind, step }: Arrival): boolean =>
      worker === 'b' && kind === 'weights at a peer' && step === 3;
    for (let piece = 0; piece < 100; piece += 1) cluster.once(isLast, () => undefined);
    cluster.once(
      ({ worker, kind, step }) => worker === 'b' && kind === 'evaluated' && step === 4,
      () => cluster.kill('b'),
    );
    expectSameResult(cluster, await cluster.run('a', 'b', 'c'));
    expect(cluster.observer.steps.map(({ workers }) => workers)).toEqual([3, 3, 3, 3, 2, 2, 2, 2]);
  });

  it('of two: the other goes on alone', async () => {
    const cluster = new TestCluster({ collective: 'mesh' }).failAt('a', 5, 'before a sum of its own');
    expectSameResult(cluster, await cluster.run('a', 'b'));
  });
});

describe('workers that cannot reach each other', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  /** Goes on until the run is over; time passes when nothing else happens. */
  async function untilOver(run: Promise<Scores | null>): Promise<Scores | null> {
    let isOver = false;
    const over = run.finally(() => (isOver = true));
    while (!isOver) {
      await settled();
      await vi.advanceTimersByTimeAsync(100);
    }
    return over;
  }

  const collectives = (cluster: TestCluster): string[] =>
    cluster.sent.flatMap(({ worker, message }) =>
      worker === 'a' && message.type === 'roster' ? [message.collective] : [],
    );

  it('from the start make the coordinator sum instead', async () => {
    const cluster = new TestCluster({ collective: 'mesh' });
    cluster.network.cut('a', 'b');
    expectSameResult(cluster, await untilOver(cluster.run('a', 'b', 'c')));
    expect(collectives(cluster)).toContain('mesh');
    expect(collectives(cluster).at(-1)).toBe('star');
    expect(cluster.observer.apartness).toHaveLength(1);
    expect(cluster.observer.apartness[0]).toMatch(/^(a and b|b and a): no route$/);
    expect(cluster.observer.steps.map(({ workers }) => workers)).toEqual([3, 3, 3, 3, 3, 3, 3, 3]);
  });

  it.each(['gradient at a peer', 'weights at a peer', 'sum'] as const)(
    'from the middle of a step on, before a %s, do not lose it',
    async (kind) => {
      const cluster = new TestCluster({ collective: 'mesh' });
      cluster.once(
        (arrival) => arrival.worker === 'a' && arrival.step === PLANNED_LATE && arrival.kind === kind,
        (arrival) => {
          cluster.network.cut('a', 'b');
          arrival.deliver();
        },
      );
      expectSameResult(cluster, await untilOver(cluster.run('a', 'b', 'c')));
      expect(collectives(cluster).at(-1)).toBe('star');
      expect(cluster.observer.apartness).toHaveLength(1);
    },
  );

  it('because one of them is gone are no reason to give the mesh up', async () => {
    const cluster = new TestCluster({ collective: 'mesh' }).failAt('b', 2, 'before a sum of its own');
    expectSameResult(cluster, await untilOver(cluster.run('a', 'b', 'c')));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(collectives(cluster).at(-1)).toBe('mesh');
    expect(cluster.observer.apartness).toEqual([]);
  });
});
