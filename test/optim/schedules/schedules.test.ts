import { describe, expect, it } from 'vitest';
import { LockstepError } from '../../../src/common/errors.js';
import type { DecaySpec } from '../../../src/job/job.js';
import { createSchedule } from '../../../src/optim/schedules/create.js';

const STEPS_PER_EPOCH = 10;

/** The rates at the first step of the first epochs. */
function rates(learningRate: number, decay: DecaySpec, epochs: number): number[] {
  const schedule = createSchedule({ optimizer: { learningRate }, decay, warmupSteps: 0 });
  return Array.from({ length: epochs }, (_, epoch) => schedule({ step: epoch * STEPS_PER_EPOCH, epoch }));
}

describe('createSchedule', () => {
  it('constant: one rate throughout', () => {
    expect(rates(0.1, { type: 'constant' }, 3)).toEqual([0.1, 0.1, 0.1]);
  });

  it('inverse: 0.2, 0.1, 0.067, 0.05 for rate 1, the example of the lecture', () => {
    expect(rates(0.2, { type: 'inverse', rate: 1 }, 4)).toEqual([0.2, 0.1, 0.2 / 3, 0.05]);
    expect(rates(3, { type: 'inverse', rate: 0.5 }, 3)).toEqual([3, 2, 1.5]);
  });

  it('exponential: the same factor from each epoch to the next', () => {
    expect(rates(8, { type: 'exponential', base: 0.5 }, 5)).toEqual([8, 4, 2, 1, 0.5]);
    rates(0.3, { type: 'exponential', base: 0.95 }, 100).forEach((rate, epoch) => {
      expect(rate / (0.3 * Math.exp(epoch * Math.log(0.95)))).toBeCloseTo(1, 12);
    });
  });

  it('inverseSqrt: full rate first, half of it in the fourth epoch', () => {
    expect(rates(2, { type: 'inverseSqrt' }, 4)).toEqual([2, 2 / Math.sqrt(2), 2 / Math.sqrt(3), 1]);
    expect(rates(2, { type: 'inverseSqrt' }, 16)[15]).toBe(0.5);
  });

  it('staircase: level within a stair, then down by the factor', () => {
    expect(rates(1, { type: 'staircase', factor: 0.5, every: 3 }, 8)).toEqual([1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25]);
  });

  it('table: each rate holds until the next, the last to the end', () => {
    const entries = [
      { epoch: 1, learningRate: 0.5 },
      { epoch: 3, learningRate: 0.1 },
    ];
    expect(rates(9, { type: 'table', entries }, 6)).toEqual([9, 0.5, 0.5, 0.1, 0.1, 0.1]);
    expect(rates(9, { type: 'table', entries: [] }, 2)).toEqual([9, 9]);
  });

  it('table: refuses epochs that do not rise, naming the entry', () => {
    const entries = [
      { epoch: 2, learningRate: 0.5 },
      { epoch: 2, learningRate: 0.1 },
    ];
    expect(() => rates(1, { type: 'table', entries }, 1)).toThrow(LockstepError);
    expect(() => rates(1, { type: 'table', entries }, 1)).toThrow(/entries\[1\]: epoch 2 follows epoch 2/);
  });

  it('warm-up: from 1/warmupSteps of the rate, reached in the last step of the warm-up exactly', () => {
    const schedule = createSchedule({ optimizer: { learningRate: 0.3 }, decay: { type: 'constant' }, warmupSteps: 4 });
    const warmed = Array.from({ length: 6 }, (_, step) => schedule({ step, epoch: 0 }));
    expect(warmed).toEqual([0.3 * 0.25, 0.3 * 0.5, 0.3 * 0.75, 0.3, 0.3, 0.3]);
    for (let warmupSteps = 1; warmupSteps < 200; warmupSteps++) {
      const full = createSchedule({ optimizer: { learningRate: 0.3 }, decay: { type: 'constant' }, warmupSteps });
      expect(full({ step: warmupSteps - 1, epoch: 0 })).toBe(0.3);
    }
  });

  it('warm-up: multiplies what the decay gives when it lasts longer than an epoch', () => {
    const schedule = createSchedule({
      optimizer: { learningRate: 1 },
      decay: { type: 'exponential', base: 0.5 },
      warmupSteps: 16,
    });
    expect(schedule({ step: 11, epoch: 1 })).toBe(0.5 * 0.75);
    expect(schedule({ step: 20, epoch: 2 })).toBe(0.25);
  });

  it('is a function of the position alone', () => {
    const schedule = createSchedule({
      optimizer: { learningRate: 0.1 },
      decay: { type: 'inverse', rate: 1 },
      warmupSteps: 5,
    });
    const forward = [0, 3, 7, 12].map((step) => schedule({ step, epoch: Math.floor(step / 10) }));
    const backward = [12, 7, 3, 0].map((step) => schedule({ step, epoch: Math.floor(step / 10) }));
    expect(backward.reverse()).toEqual(forward);
  });
});
