/** A few small images with a mark whose place and direction tell the class, as IDX files. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { idxBytes } from '../data/helpers.js';

export const SIDE = 8;
export const CLASSES = 3;

/** Bytes of `count` images, one after another, and their labels. */
export function tinyImages(count: number, seed: number): { readonly pixels: number[]; readonly labels: number[] } {
  let state = seed;
  const next = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  const labels = Array.from({ length: count }, () => Math.floor(next() * CLASSES));
  const pixels = labels.flatMap((label) => {
    const place = 2 + Math.floor(next() * 4);
    return Array.from({ length: SIDE * SIDE }, (_, i) => {
      const [x, y] = [i % SIDE, Math.floor(i / SIDE)];
      const isMarked = [y === place, x === place, x === y][label] === true;
      return Math.floor(next() * 60) + (isMarked ? 190 : 0);
    });
  });
  return { pixels, labels };
}

/** Everything that augmentation can do. */
export const AUGMENTATION =
  '{ horizontalFlip: true, crop: { padding: 1 }, rotation: 10, zoom: 0.1, shift: 0.05, brightness: 0.2, ' +
  'distortion: { strength: 1, grid: 2 }, fill: 20 }';

/** Writes a job on such images, and the images, into a folder; returns the path of the job file. */
export function writeImageJob(folder: string, augmentation: string = AUGMENTATION): string {
  mkdirSync(folder, { recursive: true });
  const count = 230;
  const { pixels, labels } = tinyImages(count, 5);
  writeFileSync(join(folder, 'images'), idxBytes(0x08, [count, SIDE, SIDE], pixels));
  writeFileSync(join(folder, 'labels'), idxBytes(0x08, [count], labels));
  const path = join(folder, 'images.yaml');
  writeFileSync(
    path,
    `seed: 3
data:
  task: classification
  train: { format: idx, features: images, labels: labels }
  split: { dev: 0.15, test: 0.15 }
  augmentation: ${augmentation}
model:
  layers:
    - { type: dense, units: 12 }
    - batchNorm
    - relu
    - { type: dense, units: ${CLASSES} }
training:
  epochs: 4
  batchSize: 48
  shards: 6
  optimizer: { type: adam, learningRate: 0.02 }
cluster: { joinTimeoutMs: 60000 }
`,
  );
  return path;
}
