/**
 * Input normalisation: x̂ = (x − mean) · inverseDeviation, with the moments of the training split for all splits.
 */
import { sizeOf } from '../common/shape.js';
import { BLOCK_BYTES, WasmWorkbench } from '../kernels/wasm/workbench.js';
import type { Dataset } from './dataset.js';

/** One value per feature, length sizeOf(featureShape), as `Kernels.standardize` takes them. */
export interface Normalization {
  readonly mean: Float32Array;
  /** 1 / standard deviation. */
  readonly inverseDeviation: Float32Array;
}

/** Elements that are copied out of the data set at a time: few enough for the cache. */
export const BLOCK_ELEMENTS = 65_536;

/**
 * Mean and population variance over the samples, in float64.
 *
 * Both come from one pass over d = x − x₀, where x₀ is the first value of the feature or channel:
 * mean = x₀ + Σd/n, variance = (Σd² − (Σd)²/n)/n. As x₀ is one of the n values, (mean − x₀)² ≤ n · variance: the
 * difference loses no more than a factor n of the 2⁻⁵³ of a double; and a constant has a variance of exactly 0.
 *
 * @param mode - `feature`: each feature by itself; `channel`: one mean and variance per channel, the last dimension of
 *   the sample, repeated for its features; `none`: mean 0 and inverse deviation 1.
 *
 * A feature or channel that is constant gets an inverse deviation of 1, which makes it 0.
 */
export function computeNormalization(train: Dataset, mode: 'feature' | 'channel' | 'none'): Normalization {
  const width = sizeOf(train.featureShape);
  if (mode === 'none') return { mean: new Float32Array(width), inverseDeviation: new Float32Array(width).fill(1) };
  const groups = mode === 'feature' ? width : (train.featureShape.at(-1) ?? 1);
  const count = (train.size * width) / groups;

  const firstSample = new Float64Array(width);
  train.copyFeatures([0], 0, 1, firstSample, 0);
  const origin = firstSample.map((_, feature) => firstSample[feature % groups] as number);
  const [groupSums, groupSquares] =
    groups === 1 && train.dtype === 'uint8' && width <= BLOCK_BYTES
      ? momentsOfBytes(train, origin[0] as number)
      : momentsByGroup(train, groups, origin);

  const mean = new Float32Array(width);
  const inverseDeviation = new Float32Array(width);
  for (let feature = 0; feature < width; feature++) {
    const sum = groupSums[feature % groups] as number;
    const square = groupSquares[feature % groups] as number;
    const variance = (square - (sum * sum) / count) / count;
    mean[feature] = (origin[feature] as number) + sum / count;
    inverseDeviation[feature] = variance > 0 ? 1 / Math.sqrt(variance) : 1;
  }
  return { mean, inverseDeviation };
}

type Block = Uint8Array | Float32Array;

/** Σd and Σd² of each group, for d = x − origin. */
type GroupMoments = readonly [sums: Float64Array, squares: Float64Array];

function momentsByGroup(dataset: Dataset, groups: number, origin: Float64Array): GroupMoments {
  const width = origin.length;
  const sums = new Float64Array(width);
  const squares = new Float64Array(width);
  const elements = Math.max(width, BLOCK_ELEMENTS);
  const block = dataset.dtype === 'uint8' ? new Uint8Array(elements) : new Float32Array(elements);
  forEachBlock(dataset, block, (filled, rows) => addMoments(filled, rows, width, origin, sums, squares));
  return [mergeGroups(sums, groups), mergeGroups(squares, groups)];
}

/** `momentsByGroup` for bytes that form one group. All sums are integers below 2⁵³, so they are exact in any order. */
function momentsOfBytes(dataset: Dataset, origin: number): GroupMoments {
  const workbench = new WasmWorkbench();
  const width = sizeOf(dataset.featureShape);
  let sum = 0;
  let squares = 0;
  forEachBlock(dataset, workbench.bytes, (_, rows) => {
    const moments = workbench.momentsOfBytes(rows * width);
    sum += moments.sum;
    squares += moments.squares;
  });
  const count = dataset.size * width;
  return [Float64Array.of(sum - count * origin), Float64Array.of(squares - 2 * origin * sum + count * origin * origin)];
}

/** @param block takes as many samples at a time as fit it; at least one must. */
function forEachBlock(dataset: Dataset, block: Block, visit: (block: Block, rows: number) => void): void {
  const width = sizeOf(dataset.featureShape);
  const blockRows = Math.min(dataset.size, Math.floor(block.length / width));
  const ids = new Uint32Array(blockRows);
  for (let first = 0; first < dataset.size; first += blockRows) {
    const rows = Math.min(blockRows, dataset.size - first);
    for (let i = 0; i < rows; i++) ids[i] = first + i;
    dataset.copyFeatures(ids, 0, rows, block, 0);
    visit(block, rows);
  }
}

/** sums[width] += Σ over rows of x − origin, squares[width] += Σ over rows of (x − origin)² */
export function addMoments(
  block: Block,
  rows: number,
  width: number,
  origin: Float64Array,
  sums: Float64Array,
  squares: Float64Array,
): void {
  // Down the columns, so that both sums stay in registers; the block is in the cache.
  for (let feature = 0; feature < width; feature++) {
    const start = origin[feature] as number;
    let sum = sums[feature] as number;
    let square = squares[feature] as number;
    for (let row = 0, i = feature; row < rows; row++, i += width) {
      const deviation = (block[i] as number) - start;
      sum += deviation;
      square += deviation * deviation;
    }
    sums[feature] = sum;
    squares[feature] = square;
  }
}

/** The sum over the features f ≡ group (mod groups) of each group. */
function mergeGroups(values: Float64Array, groups: number): Float64Array {
  const merged = new Float64Array(groups);
  for (let feature = 0; feature < values.length; feature++) {
    merged[feature % groups] = (merged[feature % groups] as number) + (values[feature] as number);
  }
  return merged;
}
