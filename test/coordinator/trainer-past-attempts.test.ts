import { describe, expect, it } from 'vitest';
import { TestCluster, type Arrival } from '../support/cluster.js';
import { PLANNED_LATE, likeAnUndisturbedRun } from '../support/undisturbed-run.js';

const expectSameResult = likeAnUndisturbedRun();

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

/** Whether the attempt under way is a certain one at its step. */
function isOfAttempt(cluster: TestCluster, attempt: number): boolean {
  const plan = cluster.sent.findLast(({ message }) => message.type === 'plan' && !message.ahead)?.message;
  return plan?.type === 'plan' && plan.fence.attempt === attempt;
}
