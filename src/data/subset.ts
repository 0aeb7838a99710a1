import type { Shape } from '../common/shape.js';
import type { Dataset, DatasetParts, FeatureType } from './dataset.js';
import type { DenseDataset } from './dense.js';

/** Some of the samples of another data set, found through an index; the samples themselves stay where they are. */
export class SubsetDataset implements Dataset {
  readonly size: number;
  readonly featureShape: Shape;
  readonly dtype: FeatureType;
  readonly #parent: DenseDataset;
  readonly #rows: Uint32Array<SharedArrayBuffer>;
  /** Row numbers of the call in progress; kept because a step asks for thousands of samples, shard by shard. */
  #mapped = new Uint32Array(0);

  /** @param rows - rows of `parent`: sample i of this data set is row rows[i]. */
  constructor(parent: DenseDataset, rows: Uint32Array<SharedArrayBuffer>) {
    this.size = rows.length;
    this.featureShape = parent.featureShape;
    this.dtype = parent.dtype;
    this.#parent = parent;
    this.#rows = rows;
  }

  get parts(): DatasetParts {
    return { ...this.#parent.parts, rows: this.#rows };
  }

  copyFeatures(
    ids: ArrayLike<number>,
    first: number,
    count: number,
    destination: Uint8Array | Float32Array | Float64Array,
    at: number,
  ): void {
    this.#parent.copyFeatures(this.#map(ids, first, count), 0, count, destination, at);
  }

  copyLabels(
    ids: ArrayLike<number>,
    first: number,
    count: number,
    destination: Float32Array | Float64Array,
    at: number,
  ): void {
    this.#parent.copyLabels(this.#map(ids, first, count), 0, count, destination, at);
  }

  #map(ids: ArrayLike<number>, first: number, count: number): Uint32Array {
    if (this.#mapped.length < count) this.#mapped = new Uint32Array(count);
    for (let i = 0; i < count; i++) {
      const row = this.#rows[ids[first + i] ?? -1];
      if (row === undefined) {
        throw new RangeError(
          `there is no sample ${ids[first + i]} (at position ${first + i}) in a data set of ${this.size}`,
        );
      }
      this.#mapped[i] = row;
    }
    return this.#mapped;
  }
}
