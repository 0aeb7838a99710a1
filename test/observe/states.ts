import type { ProgressState } from '../../src/observe/progress.js';
import type { RunSummary } from '../../src/observe/summary.js';

/** A classification job in the middle of its third epoch, with `changes`. */
export function trainingState(changes: Partial<ProgressState> = {}): ProgressState {
  return {
    jobName: 'mnist',
    phase: 'training',
    classification: true,
    epoch: 3,
    epochs: 5,
    step: 1_320,
    totalSteps: 2_350,
    loss: 0.0812,
    accuracy: 0.9745,
    devLoss: 0.0923,
    devAccuracy: 0.971,
    samplesPerSecond: 12_345,
    workers: { ready: 2, expected: 2 },
    elapsedMs: 62_000,
    etaMs: 48_000,
    cost: { now: 0.0934, smoothed: 0.0812 },
    costHistory: [1.6, 0.8, 0.4, 0.2, 0.1],
    ...changes,
  };
}

export function finishedRun(changes: Partial<RunSummary> = {}): RunSummary {
  return {
    jobName: 'mnist',
    splits: {
      train: { loss: 0.0021, accuracy: 0.99998 },
      dev: { loss: 0.0923, accuracy: 0.971 },
      test: { loss: 0.1009, accuracy: 0.9696 },
    },
    epochs: 5,
    steps: 2_350,
    elapsedMs: 112_000,
    samplesPerSecond: 12_345,
    workers: 2,
    backend: 'openblas',
    weightsSha256: '0123456789abcdef'.repeat(4),
    runDirectory: 'runs/mnist',
    modelPath: 'runs/mnist/model.safetensors',
    best: null,
    diagnosis: null,
    next: ['lockstep report runs/mnist', 'lockstep predict runs/mnist --input FILE'],
    ...changes,
  };
}
