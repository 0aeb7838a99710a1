import fc from 'fast-check';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Scores } from '../../coordinator/judge.js';
import { MESH_MOMENTS, MOMENTS, TestCluster, settled, type Arrival } from '../support/cluster.js';

const moments = Object.keys(MOMENTS) as (keyof typeof MOMENTS)[];
const meshMoments = Object.keys(MESH_MOMENTS) as (keyof typeof MESH_MOMENTS)[];
const TOTAL_STEPS = 8;
/** The step after the evaluation of the dev split: workers are told of it when it begins, and not ahead. */
const PLANNED_LATE = 4;

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
        (arrival) => arrival.worker === 'a' && arrival.step === PLANNED_LATE && arrival.kind === kind,
        (arrival) => {
          held = arrival;
          cluster.kill('c');
        },
      );
      // The first message of the second attempt is overtaken by the late one.
      cluster.once(
        (arrival) =>
          held !== null && arrival.worker === 'b' && arrival.step === PLANNED_LATE && isOfAttempt(cluster, 2),
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

describe('a member of a mesh is lost', () => {
  it.each(meshMoments.filter((moment) => moment !== 'during an evaluation'))('%s', async (moment) => {
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
        (arrival) => arrival.worker === 'a' && arrival.step === 2 && arrival.kind === kind,
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

/** Whether the attempt under way is a certain one at its step. */
function isOfAttempt(cluster: TestCluster, attempt: number): boolean {
  const plan = cluster.sent.findLast(({ message }) => message.type === 'plan' && !message.ahead)?.message;
  return plan?.type === 'plan' && plan.fence.attempt === attempt;
}
