import { trainingExchanges } from '../../coordinator/exchanges.js';
import { ModelState } from '../../coordinator/model-state.js';
import { sizeJob } from '../../src/job/batch-size.js';
import { parseJob } from '../../src/job/load.js';
import type { Job, SplitName } from '../../src/job/job.js';
import type { Exchange } from '../../src/nn/layer.js';
import { buildModel, type Model } from '../../src/nn/model.js';

/** Samples per split: 4 steps per epoch, the last one with 2 samples for 4 shards; 2 and 3 evaluation shards. */
export const SIZES: Readonly<Record<SplitName, number | null>> = { train: 50, dev: 300, test: 700 };

/** Two epochs over a small network with a batch norm of each kind, so that some exchanges are waited for and some are not. */
const JOB_FILE = `
data:
  task: classification
  train: { format: csv, path: unused.csv, label: y }
model:
  layers:
    - { type: dense, units: 6 }
    - { type: batchNorm }
    - { type: relu }
    - { type: dense, units: 4 }
    - { type: batchNorm, sync: shard }
    - { type: relu }
    - { type: dense, units: 3 }
training:
  epochs: 2
  batchSize: 16
  shards: 4
  optimizer: { type: adam, learningRate: 0.05 }
  regularization: { l2: 0.1 }
cluster: { workers: 1 }
`;

export interface ClusterJob {
  readonly job: Job;
  readonly model: Model;
  readonly exchanges: readonly Exchange[];
}

/** The job of the cluster tests, with keys changed as on the command line. */
export function clusterJob(...overrides: readonly string[]): ClusterJob {
  const job = sizeJob(parseJob(JOB_FILE, { file: 'cluster.yaml', overrides }).job, SIZES.train ?? 0);
  const model = buildModel(job.model, [5]);
  return { job, model, exchanges: trainingExchanges({ job, model }) };
}

export function initialState({ job, model }: ClusterJob): ModelState {
  return new ModelState(job, model, 'reference');
}
