import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Scores } from '../../coordinator/trainer.js';
import { MOMENTS, TestCluster, type Arrival } from '../support/cluster.js';

const moments = Object.keys(MOMENTS) as (keyof typeof MOMENTS)[];
const TOTAL_STEPS = 8;

/** What a run in which nothing happens comes to. */
let expected: { readonly weightsSha256: string; readonly scores: Scores | null; readonly losses: readonly number[] };

beforeAll(async () => {
  const cluster = new TestCluster();
  const scores = await cluster.run('a', 'b', 'c');
  expected = { weightsSha256: cluster.weightsSha256, scores, losses: cluster.observer.steps.map(({ loss }) => loss) };
});

/** Same weights, same scores, every step committed exactly once with the same loss. */
function expectSameResult(cluster: TestCluster, scores: Scores | null): void {
  expect(cluster.weightsSha256).toBe(expected.weightsSha256);
  expect(scores).toEqual(expected.scores);
  expect(cluster.observer.steps.map(({ step }) => step)).toEqual(Array.from({ length: TOTAL_STEPS }, (_, i) => i + 1));
  expect(cluster.observer.steps.map(({ loss }) => loss)).toEqual(expected.losses);
}

describe('the number of workers is not a hyperparameter', () => {
  it.each([1, 2, 3, 4, 6])('%i workers', async (count) => {
    const cluster = new TestCluster();
    const scores = await cluster.run(...Array.from({ length: count }, (_, rank) => `w${rank}`));
    expectSameResult(cluster, scores);
    expect(cluster.observer.recoveries).toEqual([]);
  });
});

describe('a worker is lost', () => {
  it.each(moments.filter((moment) => moment !== 'during an evaluation'))('%s', async (moment) => {
    const cluster = new TestCluster().failAt('b', 2, moment);
    const scores = await cluster.run('a', 'b', 'c');
    expectSameResult(cluster, scores);
    expect(cluster.observer.recoveries).toEqual([{ epoch: 3, step: 2, attempt: 1 }]);
    expect(cluster.observer.changes.at(-1)).toEqual({ epoch: 4, reason: 'b on host was lost: killed' });
    expect(cluster.observer.steps.map(({ workers }) => workers)).toEqual([3, 3, 2, 2, 2, 2, 2, 2]);
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
    const cluster = new TestCluster().failAt('a', 2, 'before its report').failAt('c', 2, 'during an exchange');
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
      (arrival) => arrival.step === 2 && arrival.kind === 'exchangeNodes',
      (arrival) => {
        cluster.start('late');
        arrival.deliver();
      },
    );
    expectSameResult(cluster, await cluster.run('a', 'b'));
    const planned = cluster.sent.flatMap(({ worker, message }) =>
      worker === 'late' && message.type === 'plan' ? [message.fence.step] : [],
    );
    // The last shards of steps 3 and 7, which end their epochs, hold no samples.
    expect(planned).toEqual([4, 5, 6]);
    expect(cluster.observer.steps.map((step) => step.workers)).toEqual([2, 2, 3, 3, 3, 3, 3, 3]);
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
      (arrival) => arrival.step === 2 && arrival.worker === 'b' && arrival.kind === 'exchangeNodes',
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
    expect(cluster.observer.steps.map(({ workers }) => workers)).toEqual([2, 2, 6, 6, 1, 1, 1, 1]);
  });
});

describe('messages of a past attempt', () => {
  it.each(['exchangeNodes', 'stepReport', 'gradient'] as const)(
    '%s arrives after the new plan and is dropped',
    async (kind) => {
      const cluster = new TestCluster();
      let held: Arrival | null = null;
      cluster.once(
        (arrival) => arrival.worker === 'a' && arrival.step === 2 && arrival.kind === kind,
        (arrival) => {
          held = arrival;
          cluster.kill('c');
        },
      );
      // The first message of the second attempt is overtaken by the late one.
      cluster.once(
        (arrival) => held !== null && arrival.worker === 'b' && arrival.step === 2 && isOfAttempt(cluster, 2),
        (arrival) => {
          held?.deliver();
          arrival.deliver();
        },
      );
      expectSameResult(cluster, await cluster.run('a', 'b', 'c'));
      expect(held).not.toBeNull();
      expect(cluster.observer.recoveries).toHaveLength(1);
    },
  );

  it.each([
    ['b', 'exchangeNodes', 'exchangeNodes'],
    ['a', 'gradient', 'stepReport'],
    ['b', 'gradient', 'gradient'],
  ] as const)(
    'of %s: %s is repeated in the next step, just before %s of a, and is dropped',
    async (worker, kind, before) => {
      const cluster = new TestCluster();
      let old: Arrival | null = null;
      cluster.once(
        (arrival) => arrival.worker === worker && arrival.step === 1 && arrival.kind === kind,
        (arrival) => {
          old = arrival;
          arrival.deliver();
        },
      );
      cluster.once(
        (arrival) => arrival.worker === 'a' && arrival.step === 2 && arrival.kind === before,
        (arrival) => {
          old?.deliver();
          arrival.deliver();
        },
      );
      expectSameResult(cluster, await cluster.run('a', 'b'));
      expect(old).not.toBeNull();
    },
  );

  it('losses of an evaluation that is over do not count for the next one', async () => {
    const cluster = new TestCluster();
    let held: Arrival | null = null;
    // b's answer is held back; c is lost, so that all missing shards are dealt again; a's answers complete the dev split.
    cluster.once(
      (arrival) => arrival.worker === 'b' && arrival.step === 8 && arrival.kind === 'evaluated',
      (arrival) => {
        held = arrival;
        cluster.kill('c');
      },
    );
    const isTest = (): boolean => {
      const last = cluster.sent.findLast(({ message }) => message.type === 'evaluate')?.message;
      return last?.type === 'evaluate' && last.split === 'test';
    };
    cluster.once(
      (arrival) => arrival.worker === 'b' && arrival.kind === 'evaluated' && isTest(),
      (arrival) => {
        held?.deliver();
        arrival.deliver();
      },
    );
    expectSameResult(cluster, await cluster.run('a', 'b', 'c'));
    expect(held).not.toBeNull();
  });
});

describe('whatever happens', () => {
  it('the weights are the same', async () => {
    const incident = fc.record({
      worker: fc.nat(9),
      step: fc.nat(TOTAL_STEPS),
      moment: fc.constantFrom(...moments),
      joins: fc.nat(2),
    });
    const workers = fc.integer({ min: 1, max: 5 });
    await fc.assert(
      fc.asyncProperty(workers, fc.array(incident, { maxLength: 6 }), async (count, incidents) => {
        const cluster = new TestCluster();
        let started = 0;
        const start = (): void => {
          cluster.start(`w${started}`);
          started += 1;
        };
        for (const { worker, step, moment, joins } of incidents) {
          cluster.once(
            (arrival) => arrival.worker === `w${worker}` && arrival.step === step && arrival.kind === MOMENTS[moment],
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

/** Whether the newest plan is a certain attempt at its step. */
function isOfAttempt(cluster: TestCluster, attempt: number): boolean {
  const plan = cluster.sent.findLast(({ message }) => message.type === 'plan')?.message;
  return plan?.type === 'plan' && plan.fence.attempt === attempt;
}
