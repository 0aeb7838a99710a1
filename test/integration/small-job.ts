/**
 * A job that uses everything that could make a result depend on the cluster (batch norm, dropout, shuffling, penalties, a last
 * batch that divides neither by shards nor by workers) and that takes a moment.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const FEATURES = 20;
export const CLASSES = ['ash', 'birch', 'cedar', 'elm'] as const;
export const SIZES = { train: 773, dev: 120, test: 107 } as const;
export const BATCH_SIZE = 96;
/** Eight batches of 96 and one of 5, which leaves three of the eight shards empty. */
export const STEPS_PER_EPOCH = 9;
export const EPOCHS = 3;
export const SHARDS = 8;

/** Numbers in [0, 1), the same in every run: a linear congruential generator (Numerical Recipes). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Clouds around one centre per class. */
export function samples(count: number, seed: number): string {
  const next = generator(seed);
  const centre = generator(99);
  const centres = CLASSES.map(() => Array.from({ length: FEATURES }, () => centre() * 2));
  const names = Array.from({ length: FEATURES }, (_, feature) => `x${feature}`);
  const rows = Array.from({ length: count }, () => {
    const label = Math.floor(next() * CLASSES.length);
    const values = (centres[label] ?? []).map((value) => (value + (next() + next() + next() - 1.5) * 2).toFixed(4));
    return [...values, CLASSES[label]].join(',');
  });
  return `${[...names, 'kind'].join(',')}\n${rows.join('\n')}\n`;
}

export function jobText(sync: 'global' | 'shard' = 'global'): string {
  const source = (split: string): string => `{ format: csv, path: ${split}.csv, label: kind }`;
  return [
    'seed: 7',
    'data:',
    '  task: classification',
    `  train: ${source('train')}`,
    `  dev: ${source('dev')}`,
    `  test: ${source('test')}`,
    'model:',
    '  layers:',
    '    - { type: dense, units: 32 }',
    `    - { type: batchNorm, sync: ${sync} }`,
    '    - relu',
    '    - { type: dropout, keepProb: 0.8 }',
    '    - { type: dense, units: 16 }',
    `    - { type: batchNorm, sync: ${sync} }`,
    '    - relu',
    `    - { type: dense, units: ${CLASSES.length} }`,
    'training:',
    `  epochs: ${EPOCHS}`,
    `  batchSize: ${BATCH_SIZE}`,
    `  shards: ${SHARDS}`,
    '  optimizer: { type: adam, learningRate: 0.01 }',
    '  decay: { type: exponential, base: 0.9 }',
    '  regularization: { l2: 0.5 }',
    '  clipNorm: 3',
    '  healthEverySteps: 4',
    'cluster:',
    '  joinTimeoutMs: 60000',
    '',
  ].join('\n');
}

/** Writes the job and its data into a folder and returns the path of the job file. */
export function writeSmallJob(folder: string, text = jobText()): string {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'train.csv'), samples(SIZES.train, 1));
  writeFileSync(join(folder, 'dev.csv'), samples(SIZES.dev, 2));
  writeFileSync(join(folder, 'test.csv'), samples(SIZES.test, 3));
  const path = join(folder, 'small.yaml');
  writeFileSync(path, text);
  return path;
}
