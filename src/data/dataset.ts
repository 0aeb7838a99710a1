/**
 * The contract of a data set: samples that are found by number, features in the form in which they were stored.
 *
 * The memory is shared, so that every compute thread of a process reads the same samples without a copy of its own.
 */
import type { Shape } from '../common/shape.js';

export type FeatureType = 'uint8' | 'float32';

export interface Dataset {
  /** Number of samples. */
  readonly size: number;
  /** Dimensions of one sample, channels last. */
  readonly featureShape: Shape;
  readonly dtype: FeatureType;

  /**
   * Copies whole samples, one row after another: sample ids[first + i] to destination[at + i·n …], where
   * n = sizeOf(featureShape).
   *
   * @param ids - sample numbers, 0 … size − 1, in any order and repeated at will.
   * @param at - first element (not byte) that is written.
   * @throws RangeError when a number is out of range or the destination too small.
   * @throws TypeError when float32 features are asked for as bytes.
   */
  copyFeatures(
    ids: ArrayLike<number>,
    first: number,
    count: number,
    destination: Uint8Array | Float32Array | Float64Array,
    at: number,
  ): void;

  /** Copies one label per sample: the class index, or the number to be approximated. Otherwise as `copyFeatures`. */
  copyLabels(
    ids: ArrayLike<number>,
    first: number,
    count: number,
    destination: Float32Array | Float64Array,
    at: number,
  ): void;

  /** What another thread needs to rebuild this data set on the same memory with `datasetFromTransfer`. */
  toTransfer(): DatasetTransfer;
}

/** The data sets of a job; a split that the job does not have is null. */
export interface Splits {
  readonly train: Dataset;
  readonly dev: Dataset | null;
  readonly test: Dataset | null;
}

/** All samples of a source, in shared memory. */
export interface DenseTransfer {
  readonly kind: 'dense';
  readonly featureShape: Shape;
  /** [samples, sizeOf(featureShape)] */
  readonly features: SharedFeatures;
  /** [samples] */
  readonly labels: Float64Array<SharedArrayBuffer>;
}

/** A choice of the samples of a source: sample i is row rows[i] of the parent. */
export interface SubsetTransfer {
  readonly kind: 'subset';
  readonly parent: DenseTransfer;
  readonly rows: Uint32Array<SharedArrayBuffer>;
}

/** A plain object that `postMessage` and `workerData` carry without copying the samples. */
export type DatasetTransfer = DenseTransfer | SubsetTransfer;

export type SharedFeatures = Uint8Array<SharedArrayBuffer> | Float32Array<SharedArrayBuffer>;
