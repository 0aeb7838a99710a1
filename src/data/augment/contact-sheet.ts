/** Images of the training split next to what augmentation makes of them, as one picture to be looked at. */
import type { AugmentationSpec } from '../../job/job.js';
import type { Dataset } from '../dataset.js';
import { Augmenter } from './augmenter.js';
import { imageShape } from './image.js';

/** Rows of a sheet, one sample each, and columns after the original, one epoch each. */
export const SHEET_SAMPLES = 8;
export const SHEET_EPOCHS = 8;

/** Images are scaled up by whole numbers until their longer side has so many pixels. */
const LEAST_SIDE = 96;
const GAP = 2;
/** Between the originals and the rest. */
const WIDE_GAP = 8;
const GREY = 128;

/** 8-bit pixels, row by row. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  /** 1: grey, 3: red, green, blue. */
  readonly channels: number;
  readonly data: Uint8Array;
}

/**
 * One row per sample: the original, then the sample as training sees it in epochs 1, 2, 3 …
 *
 * Bytes are shown as they are; float32 values are scaled so that those of the originals shown span black to white.
 *
 * @param train images of 1 or 3 channels
 * @param samples numbers of the samples to show, in the training split
 * @param epochs how many columns follow the original
 */
export function contactSheet(
  train: Dataset,
  spec: AugmentationSpec,
  seed: number,
  samples: readonly number[],
  epochs = SHEET_EPOCHS,
): Picture {
  const shape = imageShape(train.featureShape);
  if (shape === null || (shape.channels !== 1 && shape.channels !== 3)) {
    throw new RangeError('only images of 1 or 3 channels can be shown');
  }
  const { height, width, channels } = shape;
  const size = height * width * channels;
  const scale = Math.ceil(LEAST_SIDE / Math.max(height, width));
  const [cellWidth, cellHeight] = [width * scale, height * scale];
  const sheetWidth = (epochs + 1) * (cellWidth + GAP) + GAP + (WIDE_GAP - GAP);
  const sheetHeight = samples.length * (cellHeight + GAP) + GAP;
  const data = new Uint8Array(sheetWidth * sheetHeight * channels).fill(GREY);

  const originals = allocate(train, samples.length * size);
  train.copyFeatures(samples, 0, samples.length, originals, 0);
  const toByte = scaling(originals);
  const augmenter = new Augmenter(spec, train.featureShape, seed);
  const pixels = allocate(train, size);

  samples.forEach((sample, row) => {
    for (let column = 0; column <= epochs; column += 1) {
      pixels.set(originals.subarray(row * size, (row + 1) * size));
      if (column > 0) augmenter.apply(column - 1, sample, pixels, 0);
      const left = GAP + column * (cellWidth + GAP) + (column > 0 ? WIDE_GAP - GAP : 0);
      const top = GAP + row * (cellHeight + GAP);
      for (let y = 0; y < cellHeight; y += 1) {
        for (let x = 0; x < cellWidth; x += 1) {
          const from = (Math.floor(y / scale) * width + Math.floor(x / scale)) * channels;
          const to = ((top + y) * sheetWidth + left + x) * channels;
          for (let channel = 0; channel < channels; channel += 1) {
            data[to + channel] = toByte(pixels[from + channel] as number);
          }
        }
      }
    }
  });
  return { width: sheetWidth, height: sheetHeight, channels, data };
}

/** Samples spread over the classes, or over the split where there are none: at most `count`, in the order of the classes. */
export function samplesToShow(train: Dataset, classes: number | null, count = SHEET_SAMPLES): number[] {
  const wanted = Math.min(count, train.size);
  const evenly = Array.from({ length: wanted }, (_, i) => Math.floor((i * train.size) / wanted));
  if (classes === null) return evenly;
  const labels = new Float64Array(train.size);
  train.copyLabels(
    Array.from({ length: train.size }, (_, i) => i),
    0,
    train.size,
    labels,
    0,
  );
  const taken = new Set<number>();
  for (let i = 0; i < wanted; i += 1) {
    // With fewer classes than rows, several rows of each.
    const label = Math.floor((i * classes) / wanted);
    const found = labels.findIndex((value, sample) => value === label && !taken.has(sample));
    // A class may have no samples, or not enough of them.
    taken.add(found >= 0 ? found : labels.findIndex((_, sample) => !taken.has(sample)));
  }
  return [...taken];
}

function allocate({ dtype }: Dataset, length: number): Uint8Array | Float32Array {
  return dtype === 'uint8' ? new Uint8Array(length) : new Float32Array(length);
}

function scaling(originals: Uint8Array | Float32Array): (value: number) => number {
  if (originals instanceof Uint8Array) return (value) => value;
  const least = originals.reduce((min, value) => Math.min(min, value), Infinity);
  const most = originals.reduce((max, value) => Math.max(max, value), -Infinity);
  const factor = most > least ? 255 / (most - least) : 0;
  return (value) => Math.round(Math.min(255, Math.max(0, (value - least) * factor)));
}
