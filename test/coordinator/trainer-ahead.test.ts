/** Workers that go on with the next step before the coordinator has committed this one. */
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { TestCluster, settled, type Arrival } from '../support/cluster.js';

/** Whatever happens here, the run ends with these weights. */
let expected: string;

beforeAll(async () => {
  const cluster = new TestCluster();
  await cluster.run('a', 'b');
  expected = cluster.weightsSha256;
});

const isReport =
  (worker: string, step: number) =>
  (arrival: Arrival): boolean =>
    arrival.kind === 'stepReport' && arrival.worker === worker && arrival.step === step;

describe('a plan ahead', () => {
  it('is made for each step that is certain to come', async () => {
    const cluster = new TestCluster();
    await cluster.run('a');
    const plans = cluster.sent.flatMap(({ message }) => (message.type === 'plan' ? [message] : []));
    // The dev split is evaluated after four steps.
    expect(
      plans.map(({ ahead, fence, weightsVersion }) => [ahead ? 'ahead' : 'now', fence.step, weightsVersion]),
    ).toEqual([
      ['now', 0, 0],
      ['ahead', 1, 1],
      ['ahead', 2, 2],
      ['ahead', 3, 3],
      ['now', 4, 4],
      ['ahead', 5, 5],
      ['ahead', 6, 6],
      ['ahead', 7, 7],
    ]);
  });
});

describe.each(['star', 'mesh'] as const)('a worker of a %s that is a step ahead', (collective) => {
  /** Holds back a report until somebody has sent something of this kind that belongs to the next step. */
  function ahead(kind: Arrival['kind'], then: (cluster: TestCluster, report: Arrival) => void): TestCluster {
    const cluster = new TestCluster({ collective });
    let held: Arrival | null = null;
    cluster.once(isReport('b', 1), (report) => {
      held = report;
    });
    cluster.once(
      (arrival) => held !== null && arrival.kind === kind && arrival.step === 2,
      (arrival) => {
        expect(cluster.state.version).toBe(1);
        arrival.deliver();
        then(cluster, held as unknown as Arrival);
      },
    );
    return cluster;
  }

  const kinds = ['exchangeNodes', collective === 'star' ? 'gradient' : 'sum', 'stepReport'] as const;

  it.each(kinds)('is heard: its %s of the next step counts, although this one is not committed', async (kind) => {
    const cluster = ahead(kind, (_, report) => report.deliver());
    await cluster.run('a', 'b');
    expect(cluster.weightsSha256).toBe(expected);
    expect(cluster.state.version).toBe(8);
    expect(cluster.observer.recoveries).toEqual([]);
  });

  it.each(kinds)('comes back, after its %s of the next step, when this one has to be done again', async (kind) => {
    const cluster = ahead(kind, (lost) => lost.kill('b'));
    await cluster.run('a', 'b');
    expect(cluster.weightsSha256).toBe(expected);
    expect(cluster.observer.recoveries).toEqual([{ epoch: 2, step: 1, attempt: 1 }]);
    expect(cluster.observer.steps.map(({ workers }) => workers)).toEqual([2, 1, 1, 1, 1, 1, 1, 1]);
  });

  it('begins the next step anew when another worker has come', async () => {
    const cluster = ahead('exchangeNodes', (joined, report) => {
      joined.start('c');
      setImmediate(() => setImmediate(() => report.deliver()));
    });
    await cluster.run('a', 'b');
    expect(cluster.weightsSha256).toBe(expected);
    expect(cluster.observer.steps.map(({ workers }) => workers)).toEqual([2, 3, 3, 3, 3, 3, 3, 3]);
  });

  it('may be any worker, at any time, with others lost meanwhile', async () => {
    const delay = fc.record({
      worker: fc.constantFrom('a', 'b', 'c'),
      step: fc.nat(8),
      kind: fc.constantFrom<Arrival['kind'][]>('stepReport', 'exchangeNodes', 'gradient', 'sum'),
      turns: fc.nat(30),
      isLast: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(delay, { maxLength: 8 }), async (delays) => {
        const cluster = new TestCluster({ collective });
        for (const { worker, step, kind, turns, isLast } of delays) {
          cluster.once(
            (arrival) => arrival.worker === worker && arrival.step === step && arrival.kind === kind,
            async (arrival) => {
              for (let turn = 0; turn < turns; turn += 1) await settled();
              // Somebody has to be left.
              if (isLast && worker !== 'a') cluster.kill(worker);
              else arrival.deliver();
            },
          );
        }
        await cluster.run('a', 'b', 'c');
        expect(cluster.weightsSha256).toBe(expected);
        expect(cluster.state.version).toBe(8);
      }),
      { numRuns: 60 },
    );
  });
});
