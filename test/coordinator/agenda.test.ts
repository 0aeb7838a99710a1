import { describe, expect, it } from 'vitest';
import { Agenda } from '../../coordinator/agenda.js';
import type { SplitName } from '../../src/job/job.js';
import { SIZES, clusterJob } from '../support/cluster-job.js';

/** 50 samples in batches of 16: 4 updates per epoch, of 2 epochs. */
function agenda(overrides: readonly string[] = [], maxSteps: number | null = null, sizes = SIZES): Agenda {
  return new Agenda({ job: clusterJob(...overrides).job, sizes, maxSteps });
}

describe('the end of a run', () => {
  it('is the last step of the last epoch, or maxSteps', () => {
    expect(agenda().totalSteps).toBe(8);
    expect(agenda([], 3).totalSteps).toBe(3);
    expect(agenda([], 100).totalSteps).toBe(8);
    expect(agenda(['training.accumulate=3']).totalSteps).toBe(4);
  });
});

describe('work', () => {
  it('is a batch of an epoch, the last of which is short', () => {
    expect(agenda().work(7, 7, 1)).toEqual({
      step: 7,
      weightsVersion: 7,
      dataEpoch: 1,
      firstPosition: 48,
      batchCount: 2,
      lossScale: 1,
    });
  });
});

describe('the dev split', () => {
  const due = (one: Agenda): number[] =>
    Array.from({ length: 10 }, (_, updates) => updates).filter((updates) => one.devIsDue(updates));

  it('is due after so many epochs, but not before the first step or after the last one', () => {
    expect(due(agenda())).toEqual([4]);
    expect(due(agenda(['training.epochs=3']))).toEqual([4, 8]);
    expect(due(agenda(['training.evaluateEveryEpochs=2', 'training.epochs=3']))).toEqual([8]);
    expect(due(agenda(['training.evaluateEveryEpochs=0']))).toEqual([]);
    const withoutDev: Readonly<Record<SplitName, number | null>> = { ...SIZES, dev: null };
    expect(due(agenda([], null, withoutDev))).toEqual([]);
  });
});

describe('what comes after an update', () => {
  it('is the next batch, with the model that the update makes', () => {
    expect(agenda().after(0, 1)).toEqual(agenda().work(1, 1, 1));
    expect(agenda().after(4, 1)).toEqual(agenda().work(5, 5, 1));
    // Batches 0 to 2 and 3, then 4 to 6 and 7.
    expect(agenda(['training.accumulate=3']).after(0, 1)).toEqual(agenda().work(3, 1, 1));
    expect(agenda(['training.accumulate=3']).after(2, 1)).toEqual(agenda().work(7, 3, 1));
  });

  it('is not certain where an evaluation or the end comes first', () => {
    expect(agenda().after(3, 1)).toBeNull();
    expect(agenda().after(7, 1)).toBeNull();
    expect(agenda([], 3).after(2, 1)).toBeNull();
    expect(agenda(['training.evaluateEveryEpochs=0']).after(3, 1)).not.toBeNull();
  });

  it('is not certain where the update may change the loss scale', () => {
    expect(agenda(['training.wireFormat.gradients=float16']).after(0, 1024)).toBeNull();
    expect(agenda(['training.wireFormat.gradients=bfloat16']).after(0, 1)).not.toBeNull();
  });
});
