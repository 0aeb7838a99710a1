import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MESH_MOMENTS, MOMENTS, TestCluster, type Arrival } from '../support/cluster.js';
import { PLANNED_LATE, TOTAL_STEPS, likeAnUndisturbedRun } from '../support/undisturbed-run.js';

const moments = Object.keys(MOMENTS) as (keyof typeof MOMENTS)[];
const expectSameResult = likeAnUndisturbedRun();

describe('the number of workers is not a hyperparameter', () => {
  it.each([1, 2, 3, 4, 6])('%i workers', async (count) => {
    const cluster = new TestCluster();
    const scores = await cluster.run(...Array.from({ length: count }, (_, rank) => `w${rank}`));
    expectSameResult(cluster, scores);
    expect(cluster.observer.recoveries).toEqual([]);
  });

  it.each([1, 2, 3, 4, 5])('%i workers in a mesh', async (count) => {
    const cluster = new TestCluster({ collective: 'mesh' });
    const scores = await cluster.run(...Array.from({ length: count }, (_, rank) => `w${rank}`));
    expectSameResult(cluster, scores);
    expect(cluster.observer.recoveries).toEqual([]);
    expect(cluster.observer.apartness).toEqual([]);
  });
});

describe('a worker is lost', () => {
  it.each(moments.filter((moment) => moment !== 'during an evaluation'))('%s', async (moment) => {
    const cluster = new TestCluster().failAt('b', PLANNED_LATE, moment);
    const scores = await cluster.run('a', 'b', 'c');
    expectSameResult(cluster, scores);
    expect(cluster.observer.recoveries).toEqual([{ epoch: 3, step: PLANNED_LATE, attempt: 1 }]);
    expect(cluster.observer.changes.at(-1)).toEqual({ epoch: 4, reason: 'b on host was lost: killed' });
    expect(cluster.observer.steps.map(({ workers }) => workers)).toEqual([3, 3, 3, 3, 2, 2, 2, 2]);
  });

  it('during the evaluation between two epochs', async () => {
    const cluster = new TestCluster().failAt('a', 4, 'during an evaluation');
    const scores = await cluster.run('a', 'b', 'c');
    expectSameResult(cluster, scores);
    expect(cluster.observer.recoveries).toEqual([]);
  });

  it('during the final evaluation, one after the other, until one is left', async () => {
    const cluster = new TestCluster().failAt('a', 8, 'during an evaluation').failAt('c', 8, 'during an evaluation');
    expectSameResult(cluster, await cluster.run('a', 'b', 'c'));
  });

  it('before its report, again and again, in one step', async () => {
    const cluster = new TestCluster()
      .failAt('a', PLANNED_LATE, 'before its report')
      .failAt('c', PLANNED_LATE, 'during an exchange');
    expectSameResult(cluster, await cluster.run('a', 'b', 'c'));
    expect(cluster.observer.recoveries.map(({ attempt }) => attempt)).toEqual([1, 2]);
  });

  it('without any work in the step: nothing is done again', async () => {
    // The last step of an epoch has samples for two of the four shards only.
    const cluster = new TestCluster();
    cluster.once(
      (arrival) => arrival.step === 3 && arrival.kind === 'exchangeNodes',
      (arrival) => {
        cluster.kill('d');
        arrival.deliver();
      },
    );
    expectSameResult(cluster, await cluster.run('a', 'b', 'c', 'd'));
    expect(cluster.observer.recoveries).toEqual([]);
  });

  it('after everything it owed had arrived: the step is committed as it is', async () => {
    const cluster = new TestCluster();
    let reports = 0;
    // A worker sends its gradient before its report.
    const isLast = ({ step, kind }: Arrival): boolean => step === 1 && kind === 'stepReport' && ++reports === 2;
    cluster.once(isLast, (arrival) => {
      arrival.deliver();
      cluster.kill('b');
    });
    expectSameResult(cluster, await cluster.run('a', 'b'));
    expect(cluster.observer.recoveries).toEqual([]);
  });
});

describe('a worker comes', () => {
  it('in the middle of a step: it is used from the next step on', async () => {
    const cluster = new TestCluster();
    cluster.once(
      (arrival) => arrival.step === PLANNED_LATE && arrival.kind === 'exchangeNodes',
      (arrival) => {
        cluster.start('late');
        arrival.deliver();
      },
    );
    expectSameResult(cluster, await cluster.run('a', 'b'));
    const planned = cluster.sent.flatMap(({ worker, message }) =>
      worker === 'late' && message.type === 'plan' ? [message.fence.step] : [],
    );
    // The last shards of step 7, which ends its epoch, hold no samples.
    expect(planned).toEqual([5, 6]);
    expect(cluster.observer.steps.map((step) => step.workers)).toEqual([2, 2, 2, 2, 3, 3, 3, 3]);
    expect(cluster.observer.recoveries).toEqual([]);
  });

  it('in the place of the last one that was lost', async () => {
    const cluster = new TestCluster().failAt('a', 5, 'before its report');
    cluster.observer.phase = (phase) => {
      if (phase === 'recovering') cluster.start('b');
    };
    expectSameResult(cluster, await cluster.run('a'));
    expect(cluster.observer.recoveries).toEqual([{ epoch: 1, step: 5, attempt: 1 }]);
  });

  it('so that another is left without work, waiting for an exchange that no one will answer', async () => {
    // Six workers for four shards: in the second attempt `a` has none. It never hears of the end of the first one, and yet it
    // must answer when it is asked to evaluate.
    const others = ['c', 'd', 'e', 'f', 'g'];
    const cluster = new TestCluster();
    cluster.once(
      (arrival) => arrival.step === 0 && arrival.worker === 'b' && arrival.kind === 'exchangeNodes',
      () => {
        for (const id of others) cluster.start(id);
        setImmediate(() => cluster.kill('b'));
      },
    );
    cluster.once(
      (arrival) => arrival.step === 4 && arrival.kind === 'evaluated',
      () => {
        for (const id of others) cluster.kill(id);
      },
    );
    expectSameResult(cluster, await cluster.run('a', 'b'));
    expect(cluster.observer.recoveries).toHaveLength(1);
    expect(cluster.observer.steps.map(({ workers }) => workers)).toEqual([6, 6, 6, 6, 1, 1, 1, 1]);
  });
});

describe.each([
  ['star', MOMENTS],
  ['mesh', MESH_MOMENTS],
] as const)('whatever happens in a %s', (collective, kinds) => {
  it('the weights are the same', async () => {
    const incident = fc.record({
      worker: fc.nat(9),
      step: fc.nat(TOTAL_STEPS),
      kind: fc.constantFrom<Arrival['kind'][]>(...Object.values(kinds)),
      joins: fc.nat(2),
    });
    const workers = fc.integer({ min: 1, max: 5 });
    await fc.assert(
      fc.asyncProperty(workers, fc.array(incident, { maxLength: 6 }), async (count, incidents) => {
        const cluster = new TestCluster({ collective });
        let started = 0;
        const start = (): void => {
          cluster.start(`w${started}`);
          started += 1;
        };
        for (const { worker, step, kind, joins } of incidents) {
          cluster.once(
            (arrival) => arrival.worker === `w${worker}` && arrival.step === step && arrival.kind === kind,
            () => {
              for (let i = 0; i < joins; i += 1) start();
              cluster.kill(`w${worker}`);
              if (cluster.observer.ready === 0) start();
            },
          );
        }
        for (let i = 0; i < count; i += 1) start();
        expectSameResult(cluster, await cluster.run());
      }),
      { numRuns: 60 },
    );
  });
});
