/** Workers that go on with the next step before the coordinator has committed this one. */
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { clusterJob } from '../support/cluster-job.js';
import { MESH_MOMENTS, MOMENTS, TestCluster, settled, type Arrival } from '../support/cluster.js';

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

describe('a worker without shards in a step', () => {
  it.each(['star', 'mesh'] as const)('is planned for when the next one begins, in a %s', async (collective) => {
    // The last step of an epoch, 3, has samples for two of the four shards only, and no evaluation comes after it.
    const cluster = clusterJob('training.evaluateEveryEpochs=0');
    const alone = new TestCluster({ cluster });
    await alone.run('a');
    const four = new TestCluster({ cluster, collective });
    await four.run('a', 'b', 'c', 'd');
    expect(four.weightsSha256).toBe(alone.weightsSha256);
    expect(four.observer.recoveries).toEqual([]);
    const toldAhead = four.sent.flatMap(({ worker, message }) =>
      message.type === 'plan' && message.ahead && message.fence.step === 4 ? [worker] : [],
    );
    expect(toldAhead).toEqual(collective === 'star' ? ['a', 'b'] : ['a', 'b', 'c', 'd']);
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
});

describe.each([
  ['star', MOMENTS],
  ['mesh', MESH_MOMENTS],
] as const)('whatever is late or lost in a %s', (collective, kinds) => {
  // Without evaluations in between nearly every step is planned ahead; with clipping weights are sent at the commit.
  it.each([
    ['steps follow each other', []],
    ['weights wait for the norm of the gradient', ['training.clipNorm=0.5']],
    ['an update has two batches', ['training.accumulate=2', 'training.epochs=3']],
  ] as const)('the weights are the same: %s', async (_, overrides) => {
    const cluster = clusterJob('training.evaluateEveryEpochs=0', ...overrides);
    const undisturbed = new TestCluster({ cluster });
    await undisturbed.run('a');
    const incident = fc.record({
      worker: fc.nat(7),
      step: fc.nat(11),
      kind: fc.constantFrom<Arrival['kind'][]>(...Object.values(kinds)),
      /** It comes so many turns later; null: never, as the worker is lost. */
      turns: fc.option(fc.nat(20)),
      joins: fc.nat(2),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 5 }),
        fc.array(incident, { maxLength: 8 }),
        async (count, incidents) => {
          const disturbed = new TestCluster({ cluster, collective });
          let started = 0;
          const start = (): void => {
            disturbed.start(`w${started}`);
            started += 1;
          };
          for (const { worker, step, kind, turns, joins } of incidents) {
            disturbed.once(
              (arrival) => arrival.worker === `w${worker}` && arrival.step === step && arrival.kind === kind,
              async (arrival) => {
                // Pieces keep their order; messages need not.
                if (turns !== null && (kind === 'stepReport' || kind === 'exchangeNodes')) {
                  for (let turn = 0; turn < turns; turn += 1) await settled();
                  arrival.deliver();
                  return;
                }
                for (let i = 0; i < joins; i += 1) start();
                disturbed.kill(`w${worker}`);
                if (disturbed.observer.ready === 0) start();
              },
            );
          }
          for (let i = 0; i < count; i += 1) start();
          await disturbed.run();
          expect(disturbed.weightsSha256).toBe(undisturbed.weightsSha256);
        },
      ),
      { numRuns: 60 },
    );
  });
});
