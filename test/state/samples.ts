import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Job } from '../../src/job/job.js';
import type { Checkpoint } from '../../src/state/checkpoint.js';
import type { MetricsLine, RunRecord } from '../../src/state/run-record.js';

/** A folder that goes away with the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'lockstep-state-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export const JOB: Job = {
  name: 'iris',
  seed: 7,
  baselineError: null,
  data: {
    task: 'classification',
    train: { format: 'csv', path: 'iris.csv', label: 'species', delimiter: ',', categorical: [], ignore: [] },
    dev: null,
    test: null,
    split: { dev: 0.1, test: 0.1 },
    normalize: 'feature',
  },
  model: {
    layers: [
      { type: 'dense', name: 'dense0', inputs: ['input'], units: 3, bias: true, initializer: { type: 'he', scale: 1 } },
    ],
  },
  training: {
    epochs: 10,
    batchSize: 32,
    shards: 8,
    shuffle: true,
    loss: 'softmaxCrossEntropy',
    optimizer: { type: 'adam', learningRate: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
    decay: { type: 'constant' },
    warmupSteps: 0,
    regularization: { l2: 0, l1: 0 },
    clipNorm: null,
    wireFormat: { gradients: 'float32', weights: 'float32' },
    accumulate: 1,
    evaluateEveryEpochs: 1,
    earlyStopping: null,
    onNonFinite: 'stop',
    healthEverySteps: 100,
    checkpoint: { everySteps: 10, keep: 2 },
  },
  cluster: {
    workers: 1,
    threads: 1,
    collective: 'auto',
    transport: 'auto',
    bucketBytes: null,
    connections: 1,
    joinTimeoutMs: 1000,
    heartbeatTimeoutMs: 1000,
  },
};

export const RECORD: RunRecord = {
  version: '0.1.0',
  job: JOB,
  jobHash: 'a'.repeat(64),
  backend: 'wasm',
  seed: 7,
  status: 'running',
  step: 0,
  epoch: 0,
  steps: 40,
  workers: 2,
  startedAt: '2026-01-01T00:00:00.000Z',
  finishedAt: null,
  weightsSha256: null,
  final: {},
};

export function metricsAt(step: number): MetricsLine {
  return {
    step,
    epoch: 0,
    split: 'train',
    loss: 1 / (step + 1),
    accuracy: 0.5,
    learningRate: 0.001,
    samplesPerSecond: 1000,
    workers: 2,
    time: '2026-01-01T00:00:01.000Z',
  };
}

/** A checkpoint of a 4-to-3 layer trained with Adam; every number depends on the step. */
export function checkpointAt(step: number): Checkpoint {
  const values = (count: number, start: number) =>
    Float32Array.from({ length: count }, (_, i) => Math.fround(start + i / 3 + step));
  return {
    state: {
      jobHash: 'a'.repeat(64),
      step,
      epoch: 1,
      backend: 'wasm',
      seed: 7,
      dataFingerprint: 'b'.repeat(64),
      progress: { trainLoss: 0.1 + step, bestLoss: Number.POSITIVE_INFINITY },
    },
    tensors: [
      { name: '0.dense.weight', shape: [3, 4], data: values(12, 0) },
      { name: '0.dense.bias', shape: [3], data: values(3, 100) },
    ],
    slots: new Map([
      ['velocity', values(15, 200)],
      ['square', values(15, 300)],
    ]),
  };
}
