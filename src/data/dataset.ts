/**
 * The contract of a data set: samples that are found by number, features in the form in which they were stored.
 *
 * The memory is of the kind that threads can share.
 */
import type { Shape } from '../common/shape.js';

export type FeatureType = 'uint8' | 'float32';

export interface Dataset {
  /** Number of samples. */
  readonly size: number;
  /** Dimensions of one sample, channels last. */
  readonly featureShape: Shape;
  readonly dtype: FeatureType;
  /** What another thread needs to open the same data set; see `openDataset`. */
  readonly parts: DatasetParts;

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
}

/** The data sets of a job; a split that the job does not have is null. */
export interface Splits {
  readonly train: Dataset;
  readonly dev: Dataset | null;
  readonly test: Dataset | null;
}

/** A data set as plain data: for `workerData` and `postMessage`. The samples stay where they are. */
export interface DatasetParts {
  readonly featureShape: Shape;
  readonly features: SharedFeatures;
  readonly labels: Float64Array<SharedArrayBuffer>;
  /** The rows that belong to it, in its order; null: all. */
  readonly rows: Uint32Array<SharedArrayBuffer> | null;
}

export type SharedFeatures = Uint8Array<SharedArrayBuffer> | Float32Array<SharedArrayBuffer>;
