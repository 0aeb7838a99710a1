import type { Job, ModelSpec, TrainingSpec } from '../../src/job/job.js';

/** A job around a model; what it trains on is put together by the test itself, so no data file exists. */
export function tinyJob(model: ModelSpec, training: Partial<TrainingSpec> = {}): Job {
  return {
    name: 'tiny',
    seed: 1,
    baselineError: null,
    data: {
      task: 'classification',
      train: { format: 'csv', path: 'none.csv', label: 'label', delimiter: ',', categorical: [], ignore: [] },
      dev: null,
      test: null,
      split: { dev: 0, test: 0 },
      normalize: 'none',
    },
    model,
    training: {
      epochs: 1,
      batchSize: 0,
      shards: 4,
      shuffle: true,
      loss: 'softmaxCrossEntropy',
      optimizer: { type: 'adam', learningRate: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
      decay: { type: 'constant' },
      warmupSteps: 0,
      regularization: { l2: 0, l1: 0 },
      clipNorm: null,
      wireFormat: { gradients: 'float32', weights: 'float32' },
      accumulate: 1,
      evaluateEveryEpochs: 0,
      earlyStopping: null,
      onNonFinite: 'stop',
      healthEverySteps: 0,
      checkpoint: { everySteps: 0, keep: 1 },
      ...training,
    },
    cluster: {
      workers: 1,
      threads: 1,
      collective: 'auto',
      transport: 'auto',
      bucketBytes: null,
      connections: 1,
      joinTimeoutMs: 60_000,
      heartbeatTimeoutMs: 10_000,
    },
  };
}
