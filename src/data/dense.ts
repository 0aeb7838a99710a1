import { sizeOf, type Shape } from '../common/shape.js';
import type { Dataset, DatasetParts, FeatureType, SharedFeatures } from './dataset.js';

/** Below this many elements they are copied one by one: cheaper than the view that a block copy needs. */
const BLOCK_COPY_MIN = 24;

/** A data set whose samples lie one after another in shared memory. */
export class DenseDataset implements Dataset {
  readonly size: number;
  readonly featureShape: Shape;
  readonly dtype: FeatureType;
  readonly #width: number;
  readonly #features: SharedFeatures;
  readonly #labels: Float64Array<SharedArrayBuffer>;

  /**
   * @param features - [samples, sizeOf(featureShape)]
   * @param labels - [samples]
   * @throws RangeError when the sizes do not agree.
   */
  constructor(featureShape: Shape, features: SharedFeatures, labels: Float64Array<SharedArrayBuffer>) {
    this.#width = sizeOf(featureShape);
    if (features.length !== labels.length * this.#width) {
      throw new RangeError(`${labels.length} samples of ${this.#width} features are not ${features.length} values`);
    }
    this.size = labels.length;
    this.featureShape = featureShape;
    this.dtype = features instanceof Uint8Array ? 'uint8' : 'float32';
    this.#features = features;
    this.#labels = labels;
  }

  get parts(): DatasetParts {
    return { featureShape: this.featureShape, features: this.#features, labels: this.#labels, rows: null };
  }

  copyFeatures(
    ids: ArrayLike<number>,
    first: number,
    count: number,
    destination: Uint8Array | Float32Array | Float64Array,
    at: number,
  ): void {
    if (this.dtype === 'float32' && destination instanceof Uint8Array) {
      throw new TypeError('float32 features do not fit bytes');
    }
    const width = this.#width;
    const features = this.#features;
    checkRoom(at, count * width, destination.length);
    for (let i = 0; i < count;) {
      const row = this.#row(ids, first + i);
      // Neighbours are copied together: in evaluations and measurements most samples are.
      let rows = 1;
      while (i + rows < count && ids[first + i + rows] === row + rows && row + rows < this.size) rows += 1;
      const from = row * width;
      const elements = rows * width;
      const to = at + i * width;
      if (elements >= BLOCK_COPY_MIN) destination.set(features.subarray(from, from + elements), to);
      else for (let j = 0; j < elements; j++) destination[to + j] = features[from + j] as number;
      i += rows;
    }
  }

  copyLabels(
    ids: ArrayLike<number>,
    first: number,
    count: number,
    destination: Float32Array | Float64Array,
    at: number,
  ): void {
    checkRoom(at, count, destination.length);
    for (let i = 0; i < count; i++) destination[at + i] = this.#labels[this.#row(ids, first + i)] as number;
  }

  #row(ids: ArrayLike<number>, position: number): number {
    const id = ids[position];
    if (id === undefined || !(id >= 0 && id < this.size)) {
      throw new RangeError(`there is no sample ${id} (at position ${position}) in a data set of ${this.size}`);
    }
    return id;
  }
}

function checkRoom(at: number, length: number, available: number): void {
  if (at < 0 || at + length > available) {
    throw new RangeError(`${length} elements at ${at} do not fit an array of ${available}`);
  }
}
