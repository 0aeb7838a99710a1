/**
 * Dense layer: Y[rows,out] = X[rows,in]·Wᵀ + b.
 *
 * Backward, for the loss summed over samples: dX = dY·W, dW = dYᵀ·X, db = Σ rows dY. Rows of several shards share one product where
 * the backend says that this leaves every bit as it is. The weight gradient is formed tile by tile: each tile runs through
 * all shards in tree order before the next one begins, so that the inner nodes of the tree stay in cache.
 */
import { LockstepError } from '../../common/errors.js';
import { formatShape, sizeOf, type Shape } from '../../common/shape.js';
import type { InitializerSpec } from '../../job/job.js';
import type { Offset } from '../../kernels/arena.js';
import type { ProductShape } from '../../kernels/contract/products.js';
import type { Kernels } from '../../kernels/kernels.js';
import {
  TILE_ELEMENTS,
  tileLimits,
  perRow,
  perShard,
  type Layer,
  type LayerBinding,
  type LayerProgram,
  type Operation,
  type Pass,
  type GradientOperation,
} from '../layer.js';
import { shardsOf, sumShards, sumVectors, type Contribution } from '../shard-sums.js';

export interface DenseOptions {
  readonly units: number;
  readonly bias: boolean;
  readonly initializer: InitializerSpec;
}

export function dense(options: DenseOptions, inputShape: Shape): Layer {
  const inputs = sizeOf(inputShape);
  const { units } = options;
  if (units > TILE_ELEMENTS)
    throw new LockstepError('job', `a dense layer of ${units} units is too wide: at most ${TILE_ELEMENTS}`);
  return {
    type: 'dense',
    inputShapes: [inputShape],
    outputShape: [units],
    parameters: [
      { name: 'weight', shape: [units, inputs], initializer: options.initializer, fanIn: inputs, penalized: true },
      ...(options.bias
        ? [
            {
              name: 'bias',
              shape: [units],
              initializer: { type: 'zeros', scale: 1 },
              fanIn: inputs,
              penalized: false,
            } as const,
          ]
        : []),
    ],
    statistics: [],
    fusesRelu: true,
    compile: (binding) => compileDense(binding, inputs, units, options.bias),
  };
}

function compileDense(binding: LayerBinding, inputs: number, units: number, hasBias: boolean): LayerProgram {
  const { kernels, output, outputGradient } = binding;
  const [input] = binding.inputs;
  const [inputGradient = null] = binding.inputGradients;
  if (input === undefined)
    throw new RangeError(`dense layer ${binding.index} of shape ${formatShape([inputs])} has no input`);
  const weight = binding.tensor('weight');
  const bias = hasBias ? binding.tensor('bias') : null;

  const forward: Operation = {
    kind: 'rows',
    run(pass, first, end) {
      forEachProduct(kernels, pass, first, end, { transA: false, transB: true, n: units, k: inputs }, (start, rows) => {
        const y = output + start * units;
        kernels.gemm(
          false,
          true,
          rows,
          units,
          inputs,
          input + start * inputs,
          inputs,
          pass.weights + weight,
          inputs,
          false,
          y,
          units,
        );
        if (bias === null) {
          if (binding.relu) kernels.relu(rows * units, y, y);
        } else if (binding.relu) {
          kernels.addBiasRelu(rows, units, pass.weights + bias, y);
        } else {
          kernels.addBias(rows, units, pass.weights + bias, y);
        }
      });
    },
  };

  const backward: Operation[] = [];
  if (binding.relu) {
    backward.push(
      perRow((row, rows) => {
        const [y, dy] = [output + row * units, outputGradient + row * units];
        kernels.reluBackward(rows * units, y, dy, dy);
      }),
    );
  }
  const gradients = weightGradient(binding, input, inputs, units, weight);
  if (inputGradient !== null) {
    backward.push({
      kind: 'rows',
      run(pass, first, end) {
        forEachProduct(
          kernels,
          pass,
          first,
          end,
          { transA: false, transB: false, n: inputs, k: units },
          (start, rows) => {
            const dy = outputGradient + start * units;
            const dx = inputGradient + start * inputs;
            kernels.gemm(
              false,
              false,
              rows,
              inputs,
              units,
              dy,
              units,
              pass.weights + weight,
              inputs,
              false,
              dx,
              inputs,
            );
          },
        );
      },
    });
  }
  if (bias !== null) {
    const slots = binding.allocator.allocate(binding.maxShards * units);
    backward.push(
      perShard((shard, index) => {
        kernels.columnSums(shard.rows, units, outputGradient + shard.start * units, slots + index * units);
      }),
    );
    gradients.push(sumVectors(kernels, slots, units, units, bias, binding.treeScratch, binding.gradientFormat));
  }
  return { forward: [forward], inference: [forward], backward, gradients };
}

/** Runs `product` over the rows of shards [first, end), over as many at a time as may share one product. */
function forEachProduct(
  kernels: Kernels,
  pass: Pass,
  first: number,
  end: number,
  shape: Omit<ProductShape, 'm'>,
  product: (start: number, rows: number) => void,
): void {
  let index = first;
  while (index < end) {
    const shard = pass.shards[index];
    if (shard === undefined || shard.rows === 0) {
      index += 1;
      continue;
    }
    let next = index + 1;
    while (next < end && pass.shards[next]?.rows === shard.rows) next += 1;
    const count = next - index;
    if (count > 1 && !kernels.rowsShareProduct({ ...shape, m: shard.rows }, count)) {
      for (let i = 0; i < count; i += 1) product(shard.start + i * shard.rows, shard.rows);
    } else {
      product(shard.start, count * shard.rows);
    }
    index = next;
  }
}

interface Tile {
  readonly row: number;
  readonly rows: number;
  readonly column: number;
  readonly columns: number;
}

/** Cuts a weight matrix into tiles of nearly equal size; a function of its shape alone, since tiles decide how products round. */
function cutTiles(rows: number, columns: number): Tile[] {
  const even = (length: number, limit: number): number => {
    const parts = Math.ceil(length / limit);
    return Math.min(limit, Math.ceil(length / parts / 16) * 16);
  };
  const limits = tileLimits(rows * columns);
  const tileRows = even(rows, limits.rows);
  const tileColumns = even(columns, limits.columns);
  const tiles: Tile[] = [];
  for (let row = 0; row < rows; row += tileRows) {
    for (let column = 0; column < columns; column += tileColumns) {
      tiles.push({
        row,
        rows: Math.min(tileRows, rows - row),
        column,
        columns: Math.min(tileColumns, columns - column),
      });
    }
  }
  return tiles;
}

/** One operation for each band of rows of the matrix, so that the first bands can leave while the others are formed. */
function weightGradient(
  binding: LayerBinding,
  input: Offset,
  inputs: number,
  units: number,
  weight: number,
): GradientOperation[] {
  const tiles = cutTiles(units, inputs);
  const bands = tiles.filter(({ column }) => column === 0).map(({ row }) => tiles.filter((tile) => tile.row === row));
  return bands.map((band) => weightGradientBand(binding, input, inputs, units, weight, band));
}

function weightGradientBand(
  binding: LayerBinding,
  input: Offset,
  inputs: number,
  units: number,
  weight: number,
  tiles: readonly Tile[],
): GradientOperation {
  const { kernels, outputGradient, treeScratch, gradientFormat } = binding;
  const [{ row, rows } = { row: 0, rows: 0 }] = tiles;
  return {
    kind: 'tasks',
    count: tiles.length,
    writes: { start: weight + row * inputs, end: weight + (row + rows) * inputs },
    run(pass, task) {
      const tile = tiles[task];
      if (tile === undefined) throw new RangeError(`no tile ${task}`);
      const place = weight + tile.row * inputs + tile.column;
      pass.nodes.forEach((node, i) => {
        const to = pass.gradients + i * pass.gradientStride + place;
        if (gradientFormat !== 'float32') {
          const product = tileOfShards(kernels, pass, tile, outputGradient, units, input, inputs);
          sumShards(kernels, pass, node, product, to, inputs, treeScratch, gradientFormat);
          return;
        }
        const range = shardsOf(pass, node);
        if (range === null) return;
        kernels.gemmTree(
          tile.rows,
          tile.columns,
          range.rows,
          range.shards,
          outputGradient + range.start * units + tile.row,
          units,
          input + range.start * inputs + tile.column,
          inputs,
          to,
          inputs,
          treeScratch.at(0),
        );
      });
    },
  };
}

/** What each shard adds to a tile of the weight gradient, one product at a time. */
function tileOfShards(
  kernels: Kernels,
  pass: Pass,
  tile: Tile,
  outputGradient: Offset,
  units: number,
  input: Offset,
  inputs: number,
): Contribution {
  return {
    rows: tile.rows,
    columns: tile.columns,
    accumulationIsExact: () => false,
    write(index, accumulate, to, leadingDimension) {
      const { start, rows } = pass.shards[index] ?? { start: 0, rows: 0 };
      const dy = outputGradient + start * units + tile.row;
      const x = input + start * inputs + tile.column;
      kernels.gemm(true, false, tile.rows, tile.columns, rows, dy, units, x, inputs, accumulate, to, leadingDimension);
    },
  };
}
