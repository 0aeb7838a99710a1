/**
 * Input normalisation: x̂ = (x − mean) · inverseDeviation, with the moments of the training split for all splits.
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
    groups === 1 && train.dtype === 'uint8'
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
  forEachBlock(dataset, (block, rows) => addMoments(block, rows, width, origin, sums, squares));
  return [mergeGroups(sums, groups), mergeGroups(squares, groups)];
}

/**
 * `momentsByGroup` for bytes that form one group. All sums are integers below 2⁵³, so they are exact in any order, and four
 * bytes can be taken at a time.
 */
function momentsOfBytes(dataset: Dataset, origin: number): GroupMoments {
  const width = sizeOf(dataset.featureShape);
  let sum = 0;
  let squares = 0;
  forEachBlock(dataset, (block, rows) => {
    const used = rows * width;
    block.fill(0, used);
    const words = new Uint32Array(block.buffer, 0, Math.ceil(used / 4));
    let blockSum = 0;
    let blockSquares = 0;
    for (let i = 0; i < words.length; i++) {
      const word = words[i] as number;
      // Most of a drawing is background.
      if (word === 0) continue;
      const a = word & 255;
      const b = (word >>> 8) & 255;
      const c = (word >>> 16) & 255;
      const d = word >>> 24;
      blockSum += a + b + c + d;
      blockSquares += a * a + b * b + c * c + d * d;
    }
    sum += blockSum;
    squares += blockSquares;
  });
  const count = dataset.size * width;
  return [Float64Array.of(sum - count * origin), Float64Array.of(squares - 2 * origin * sum + count * origin * origin)];
}

function forEachBlock(dataset: Dataset, visit: (block: Block, rows: number) => void): void {
  const width = sizeOf(dataset.featureShape);
  const blockRows = Math.min(dataset.size, Math.max(1, Math.floor(BLOCK_ELEMENTS / width)));
  // Whole words, whatever the width.
  const elements = Math.ceil((blockRows * width) / 4) * 4;
  const block = dataset.dtype === 'uint8' ? new Uint8Array(elements) : new Float32Array(elements);
  const ids = new Uint32Array(blockRows);
  for (let first = 0; first < dataset.size; first += blockRows) {
    const rows = Math.min(blockRows, dataset.size - first);
    for (let i = 0; i < rows; i++) ids[i] = first + i;
    dataset.copyFeatures(ids, 0, rows, block, 0);
    visit(block, rows);
  }
}

/** sums[width] += Σ over rows of x − origin, squares[width] += Σ over rows of (x − origin)² */
function addMoments(
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
