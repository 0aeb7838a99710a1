import { describe, expect, it } from 'vitest';
import { ProgressTracker } from '../../src/observe/progress-tracker.js';
import { ManualClock } from '../support/manual-clock.js';

function started(changes: { startStep?: number } = {}): { clock: ManualClock; tracker: ProgressTracker } {
  const clock = new ManualClock();
  const tracker = new ProgressTracker({
    jobName: 'mnist',
    classification: true,
    epochs: 2,
    totalSteps: 200,
    startStep: changes.startStep ?? 0,
    startEpoch: 1,
    workersExpected: 2,
    clock,
  });
  return { clock, tracker };
}

describe('ProgressTracker', () => {
  it('knows nothing before the first step', () => {
    const { clock, tracker } = started();
    clock.advance(1_000);
    tracker.setWorkers(1);
    expect(tracker.state()).toMatchObject({
      phase: 'starting',
      step: 0,
      loss: null,
      accuracy: null,
      devLoss: null,
      samplesPerSecond: 0,
      etaMs: null,
      elapsedMs: 1_000,
      workers: { ready: 1, expected: 2 },
    });
  });

  it('counts speed and remaining time from the start of training, not of waiting', () => {
    const { clock, tracker } = started();
    clock.advance(60_000);
    tracker.setPhase('training');
    for (let step = 1; step <= 50; step++) {
      clock.advance(100);
      tracker.stepCommitted({ step, epoch: 1, samples: 64, loss: 1, cost: 1, smoothedCost: 1 });
    }
    const state = tracker.state();
    expect(state.samplesPerSecond).toBeCloseTo(640, 9);
    expect(state.etaMs).toBeCloseTo(150 * 100, 6);
    expect(state.elapsedMs).toBe(65_000);
  });

  it('shows the speed of the last ten seconds, the remaining time at the mean pace', () => {
    const { clock, tracker } = started();
    tracker.setPhase('training');
    for (let step = 1; step <= 100; step++) {
      clock.advance(step <= 50 ? 1_000 : 500);
      tracker.stepCommitted({ step, epoch: 1, samples: 64, loss: 1, cost: 1, smoothedCost: 1 });
    }
    expect(tracker.state().samplesPerSecond).toBeCloseTo(128, 9);
    expect(tracker.state().etaMs).toBeCloseTo(100 * 750, 6);
  });

  it('does not take the steps of a checkpoint for its own', () => {
    const { clock, tracker } = started({ startStep: 150 });
    tracker.setPhase('training');
    clock.advance(1_000);
    tracker.stepCommitted({ step: 151, epoch: 2, samples: 64, loss: 1, cost: 1, smoothedCost: 1 });
    expect(tracker.state()).toMatchObject({ step: 151, samplesPerSecond: 64, etaMs: 49_000 });
  });

  it('smooths the loss without a bias towards zero', () => {
    const { tracker } = started();
    tracker.stepCommitted({ step: 1, epoch: 1, samples: 64, loss: 2, cost: 2, smoothedCost: 2, accuracy: 0.5 });
    expect(tracker.state().loss).toBeCloseTo(2, 12);
    tracker.stepCommitted({ step: 2, epoch: 1, samples: 64, loss: 1, cost: 1, smoothedCost: 1, accuracy: 1 });
    // (0.95·0.05·2 + 0.05·1) / (1 − 0.95²)
    expect(tracker.state().loss).toBeCloseTo((0.95 * 0.05 * 2 + 0.05) / (1 - 0.95 ** 2), 12);
    expect(tracker.state().accuracy).toBeCloseTo((0.95 * 0.05 * 0.5 + 0.05) / (1 - 0.95 ** 2), 12);
  });

  it('keeps the last evaluation', () => {
    const { tracker } = started();
    tracker.evaluated({ loss: 0.4, accuracy: 0.9 });
    tracker.evaluated({ loss: 0.3, accuracy: 0.92 });
    expect(tracker.state()).toMatchObject({ devLoss: 0.3, devAccuracy: 0.92 });
  });

  it('holds the curve of a long run in bounded memory', () => {
    const { tracker } = started();
    for (let step = 1; step <= 10_000; step++)
      tracker.stepCommitted({ step, epoch: 1, samples: 1, loss: step, cost: step, smoothedCost: step });
    const { costHistory } = tracker.state();
    expect(costHistory.length).toBeLessThan(256);
    expect(costHistory.length).toBeGreaterThanOrEqual(128);
    // Groups of 64 steps: the first has the mean of 1 … 64.
    expect(costHistory[0]).toBe(32.5);
    expect(costHistory[1]).toBe(96.5);
  });
});
