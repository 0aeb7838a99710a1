/** Some of the samples of a split, evenly spread over it, and the moments of their columns. */
import { sizeOf } from '../common/shape.js';
import type { Dataset } from './dataset.js';
import type { ColumnMoments } from './mean-difference.js';
import { addMoments, BLOCK_ELEMENTS } from './normalization.js';

/** Samples of a split that are looked at: their means are known to 1/√1024 = 3% of a standard deviation. */
const MOST_SAMPLES = 1024;
/** Labels are cheap, and the shares of classes differ by less than features do. */
const MOST_LABELS = 8192;
const LEAST_SAMPLES = 64;
/** Wide samples are fewer: so many values are looked at, or as many as LEAST_SAMPLES have. */
const MOST_VALUES = 2 ** 19;

/** The golden ratio, whose multiples fall nowhere near each other modulo 1. */
const GOLDEN = (Math.sqrt(5) - 1) / 2;

/**
 * Sample numbers, ascending: one out of each of `count` equal stretches, each time at another place of it, so that a file in which
 * something repeats at regular intervals is seen all the same.
 */
export function spreadIds(size: number, count: number): Uint32Array {
  const ids = new Uint32Array(Math.min(size, count));
  let place = 0;
  for (let i = 0; i < ids.length; i++) {
    ids[i] = count >= size ? i : Math.floor(((i + place) * size) / count);
    place += place + GOLDEN < 1 ? GOLDEN : GOLDEN - 1;
  }
  return ids;
}

export class SplitSample {
  /** Samples whose features are looked at; those whose labels are may be more. */
  readonly count: number;
  readonly labels: Float64Array;
  readonly #width: number;
  readonly #features: Uint8Array | Float32Array;
  readonly #means: Float64Array;
  readonly #seconds: Float64Array;

  constructor(dataset: Dataset) {
    const width = sizeOf(dataset.featureShape);
    const most = Math.max(LEAST_SAMPLES, Math.min(MOST_SAMPLES, Math.floor(MOST_VALUES / width)));
    const ids = spreadIds(dataset.size, most);
    this.count = ids.length;
    this.#width = width;
    this.#features =
      dataset.dtype === 'uint8' ? new Uint8Array(ids.length * width) : new Float32Array(ids.length * width);
    dataset.copyFeatures(ids, 0, ids.length, this.#features, 0);
    const labelled = spreadIds(dataset.size, MOST_LABELS);
    this.labels = new Float64Array(labelled.length);
    dataset.copyLabels(labelled, 0, labelled.length, this.labels, 0);
    [this.#means, this.#seconds] = this.#moments();
  }

  mean(feature: number): number {
    return this.#means[feature] as number;
  }

  /** Population variance. */
  second(feature: number): number {
    return this.#seconds[feature] as number;
  }

  /** All moments of one feature. */
  moments(feature: number): ColumnMoments {
    const values = new Float64Array(this.count);
    for (let row = 0; row < this.count; row++) values[row] = this.#features[row * this.#width + feature] as number;
    return momentsOf(values);
  }

  /** Mean and variance of each feature, from one pass over x − (the first sample), as in normalization.ts. */
  #moments(): readonly [Float64Array, Float64Array] {
    const width = this.#width;
    const features = this.#features;
    const origin = Float64Array.from(features.subarray(0, width));
    const sums = new Float64Array(width);
    const squares = new Float64Array(width);
    const rows = Math.max(1, Math.floor(BLOCK_ELEMENTS / width));
    for (let first = 0; first < this.count; first += rows) {
      const end = Math.min(this.count, first + rows);
      addMoments(features.subarray(first * width, end * width), end - first, width, origin, sums, squares);
    }
    const means = origin.map((start, feature) => start + (sums[feature] as number) / this.count);
    const seconds = squares.map((square, feature) => {
      return Math.max(0, (square - (sums[feature] as number) ** 2 / this.count) / this.count);
    });
    return [means, seconds];
  }
}

export function momentsOf(values: Float64Array): ColumnMoments {
  const count = values.length;
  let sum = 0;
  for (let i = 0; i < count; i++) sum += values[i] as number;
  const mean = sum / count;
  let [second, third, fourth] = [0, 0, 0];
  for (let i = 0; i < count; i++) {
    const deviation = (values[i] as number) - mean;
    const square = deviation * deviation;
    second += square;
    third += square * deviation;
    fourth += square * square;
  }
  return { count, mean, second: second / count, third: third / count, fourth: fourth / count };
}

/** The moments of a column that is 1 in a share of the samples and 0 in the others. */
export function indicatorMoments(count: number, share: number): ColumnMoments {
  const second = share * (1 - share);
  return { count, mean: share, second, third: second * (1 - 2 * share), fourth: second * (1 - 3 * second) };
}
