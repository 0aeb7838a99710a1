/** What a cluster of waiting workers is measured on: the coordinator and the processes of workers are told the same. */
import { join } from 'node:path';
import type { CollectiveName } from '../../protocol/messages.js';
import { packageRoot } from '../../common/package.js';
import { sizeJob } from '../../job/batch-size.js';
import { loadJob } from '../../job/load.js';
import type { Job } from '../../job/job.js';
import { bucketElements } from '../../reduce/buckets.js';
import type { CarrierChoice } from '../../protocol/piece.js';

/** A run of steps in which every worker's forward and backward pass take the same time. */
export interface Phase {
  readonly steps: number;
  /** How long a worker with work to do waits instead of computing (ms). */
  readonly waitMs: number;
}

export interface ScalePlan {
  /** Inputs, hidden layers, outputs; batch norm and ReLU behind each hidden layer. */
  readonly widths: readonly number[];
  readonly workers: number;
  readonly collective: CollectiveName;
  readonly carrier: CarrierChoice;
  /** One after the other; the first is a warm-up. */
  readonly phases: readonly Phase[];
}

/** Logical shards: the most workers that can have work. */
export const SHARDS = 64;

export function scaleJob({ widths, workers, collective, carrier }: ScalePlan): Job {
  const parameters = widths.slice(1).reduce((sum, units, layer) => sum + units * (widths[layer] ?? 0), 0);
  const layers = [
    ...widths.slice(1, -1).flatMap((units) => [{ type: 'dense', units }, 'batchNorm', 'relu']),
    { type: 'dense', units: widths.at(-1) },
  ];
  const values = {
    'model.layers': layers,
    'training.shards': SHARDS,
    'training.batchSize': SHARDS,
    'training.optimizer': 'adam',
    'training.epochs': 1_000_000,
    'training.evaluateEveryEpochs': 0,
    cluster: {
      workers,
      threads: 1,
      collective,
      transport: carrier,
      // Given, as otherwise sizes would be tried out while steps are measured.
      bucketBytes: 4 * bucketElements(parameters, collective === 'mesh' ? workers : 1),
      heartbeatTimeoutMs: 60_000,
    },
  };
  const overrides = Object.entries(values).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
  return sizeJob(loadJob(join(packageRoot(), 'examples', 'mnist.yaml'), { overrides }).job, 0);
}

/** The phase of a step; the last one goes on for ever. */
export function phaseOf(phases: readonly Phase[], step: number): number {
  let end = 0;
  const index = phases.findIndex(({ steps }) => {
    end += steps;
    return step < end;
  });
  return index < 0 ? phases.length - 1 : index;
}
