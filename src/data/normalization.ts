/**
 * Input normalisation: x̂ = (x − mean) · inverseDeviation, with moments of the training split, whatever split x is from.
 */
import { sizeOf } from '../common/shape.js';
import type { Dataset } from './dataset.js';

/** One value per feature, length sizeOf(featureShape), as `Kernels.standardize` takes them. */
export interface Normalization {
  readonly mean: Float32Array;
  /** 1 / standard deviation. */
  readonly inverseDeviation: Float32Array;
}

/** Elements that are copied out of the data set at a time: few enough for the cache. */
const BLOCK_ELEMENTS = 65_536;

/**
 * Mean and population variance over the samples, in float64, in two passes.
 *
 * @param mode - `feature`: each feature by itself; `channel`: one mean and variance per channel, the last dimension of the
 *   sample, repeated for its features; `none`: mean 0 and inverse deviation 1.
 *
 * A feature or channel that is constant gets an inverse deviation of 1, which makes it 0.
 */
export function computeNormalization(train: Dataset, mode: 'feature' | 'channel' | 'none'): Normalization {
  const width = sizeOf(train.featureShape);
  if (mode === 'none') return { mean: new Float32Array(width), inverseDeviation: new Float32Array(width).fill(1) };
  const groups = mode === 'feature' ? width : (train.featureShape.at(-1) ?? 1);
  const count = (train.size * width) / groups;

  // Sums are taken about the first value of each group: a constant one then has a variance of exactly 0, and a mean far
  // from 0 costs no accuracy.
  const firstSample = new Float64Array(width);
  train.copyFeatures([0], 0, 1, firstSample, 0);
  const center = Float64Array.from({ length: width }, (_, feature) => firstSample[feature % groups] as number);

  const sums = new Float64Array(width);
  forEachBlock(train, (block, rows) => addDeviations(block, rows, width, center, sums));
  const meanDeviation = mergeGroups(sums, groups, count);
  for (let feature = 0; feature < width; feature++) {
    center[feature] = (center[feature] as number) + (meanDeviation[feature % groups] as number);
  }

  const squares = new Float64Array(width);
  forEachBlock(train, (block, rows) => addSquaredDeviations(block, rows, width, center, squares));
  const variance = mergeGroups(squares, groups, count);

  return {
    mean: Float32Array.from(center),
    inverseDeviation: Float32Array.from({ length: width }, (_, feature) => {
      const value = variance[feature % groups] as number;
      return value > 0 ? 1 / Math.sqrt(value) : 1;
    }),
  };
}

type Block = Uint8Array | Float32Array;

function forEachBlock(dataset: Dataset, visit: (block: Block, rows: number) => void): void {
  const width = sizeOf(dataset.featureShape);
  const blockRows = Math.min(dataset.size, Math.max(1, Math.floor(BLOCK_ELEMENTS / width)));
  const elements = blockRows * width;
  const block = dataset.dtype === 'uint8' ? new Uint8Array(elements) : new Float32Array(elements);
  const ids = new Uint32Array(blockRows);
  for (let first = 0; first < dataset.size; first += blockRows) {
    const rows = Math.min(blockRows, dataset.size - first);
    for (let i = 0; i < rows; i++) ids[i] = first + i;
    dataset.copyFeatures(ids, 0, rows, block, 0);
    visit(block, rows);
  }
}

/** sums[width] += Σ over rows of x − center */
function addDeviations(block: Block, rows: number, width: number, center: Float64Array, sums: Float64Array): void {
  for (let row = 0, i = 0; row < rows; row++) {
    for (let feature = 0; feature < width; feature++, i++) {
      sums[feature] = (sums[feature] as number) + ((block[i] as number) - (center[feature] as number));
    }
  }
}

/** squares[width] += Σ over rows of (x − center)² */
function addSquaredDeviations(
  block: Block, rows: number, width: number,
  center: Float64Array, squares: Float64Array,
): void {
  for (let row = 0, i = 0; row < rows; row++) {
    for (let feature = 0; feature < width; feature++, i++) {
      const deviation = (block[i] as number) - (center[feature] as number);
      squares[feature] = (squares[feature] as number) + deviation * deviation;
    }
  }
}

/** The mean over each group of what its features f ≡ group (mod groups) have summed up. */
function mergeGroups(sums: Float64Array, groups: number, count: number): Float64Array {
  const merged = new Float64Array(groups);
  for (let feature = 0; feature < sums.length; feature++) {
    merged[feature % groups] = (merged[feature % groups] as number) + (sums[feature] as number);
  }
  return merged.map((sum) => sum / count);
}
