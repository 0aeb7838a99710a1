/**
 * The products of a dense layer as a training step runs them, shards and tiles included, and the same sums as one call of
 * `cblas_sgemm` over the whole batch.
 */
import { Arena, allocationSize, type Offset } from '../../kernels/arena.js';
import { KERNEL_SCRATCH_ELEMENTS, type BackendName } from '../../kernels/kernels.js';
import { NO_TRANS, ROW_MAJOR, TRANS, type BlasLibrary } from '../../kernels/openblas/cblas.js';
import { kernelFactory } from '../../kernels/select.js';
import { TILE_ELEMENTS, type Operation, type Pass } from '../../nn/layer.js';
import { dense } from '../../nn/layers/dense.js';
import { treeScratchElements } from '../../nn/program.js';
import { cutShards } from '../../reduce/shards.js';
import { completeSubtrees } from '../../reduce/tree.js';

export interface LayerShape {
  readonly inputs: number;
  readonly units: number;
  readonly batch: number;
  /** Logical shards of the batch. */
  readonly shards: number;
}

export const PRODUCTS = ['forward', 'input gradient', 'weight gradient'] as const;
export type ProductName = (typeof PRODUCTS)[number];
export type LayerProducts = Readonly<Record<ProductName, () => void>>;

/** Operations of each product: a multiplication and an addition for each pair of numbers. */
export function productOperations({ inputs, units, batch }: LayerShape): number {
  return 2 * inputs * units * batch;
}

/** The products of a layer by a backend. */
export function layerProducts(backend: BackendName, { inputs, units, batch, shards }: LayerShape): LayerProducts {
  const scratch = treeScratchElements(shards);
  const sizes = [inputs * batch, inputs * batch, units * batch, units * batch, inputs * units, inputs * units];
  const elements = sizes.reduce((sum, size) => sum + allocationSize(size), allocationSize(scratch));
  const arena = Arena.create(KERNEL_SCRATCH_ELEMENTS + elements);
  const kernels = kernelFactory(backend)(arena, arena.allocate(KERNEL_SCRATCH_ELEMENTS));
  const treeScratch = arena.allocate(scratch);
  const places = sizes.map((size) => filled(arena, size));
  const [input = 0, inputGradient = 0, output = 0, outputGradient = 0, weights = 0, gradients = 0] = places;
  const initializer = { type: 'zeros', scale: 1 } as const;
  const program = dense({ units, bias: false, initializer }, [inputs]).compile({
    kernels,
    allocator: arena,
    index: 0,
    seed: 1,
    maxRows: batch,
    maxShards: shards,
    inputs: [input],
    inputGradients: [inputGradient],
    output,
    outputGradient,
    relu: false,
    gradientFormat: 'float32',
    tensor: () => 0,
    treeScratch: { at: (level) => treeScratch + level * TILE_ELEMENTS },
    exchange: () => {
      throw new RangeError('a dense layer exchanges nothing');
    },
  });
  const pass: Pass = {
    mode: 'training',
    step: 0,
    weights,
    shards: cutShards(batch, shards),
    firstShard: 0,
    totalShards: shards,
    firstPosition: 0,
    batchCount: batch,
    nodes: completeSubtrees(0, shards, shards),
    gradients,
    gradientStride: inputs * units,
    lossScale: 1,
  };
  const running = (operations: readonly Operation[]) => (): void => {
    for (const operation of operations) run(operation, pass);
  };
  return {
    forward: running(program.forward),
    'input gradient': running(program.backward),
    'weight gradient': running(program.gradients),
  };
}

function run(operation: Operation, pass: Pass): void {
  if (operation.kind === 'rows') operation.run(pass, 0, pass.shards.length);
  else if (operation.kind === 'tasks') for (let task = 0; task < operation.count; task += 1) operation.run(pass, task);
}

/** The same by `cblas_sgemm`, and nothing else. */
export function plainProducts({ sgemm, addressOf }: BlasLibrary, { inputs, units, batch }: LayerShape): LayerProducts {
  const sizes = [inputs * batch, units * batch, inputs * units];
  const arena = Arena.create(sizes.reduce((sum, size) => sum + allocationSize(size), 0));
  const start = addressOf(arena.floats);
  const [x = 0, y = 0, w = 0] = sizes.map((size) => start + 4 * filled(arena, size));
  return {
    forward: () => sgemm(ROW_MAJOR, NO_TRANS, TRANS, batch, units, inputs, 1, x, inputs, w, inputs, 0, y, units),
    'input gradient': () =>
      sgemm(ROW_MAJOR, NO_TRANS, NO_TRANS, batch, inputs, units, 1, y, units, w, inputs, 0, x, inputs),
    'weight gradient': () =>
      sgemm(ROW_MAJOR, TRANS, NO_TRANS, units, inputs, batch, 1, y, units, x, inputs, 0, w, inputs),
  };
}

/** Numbers between −0.5 and 0.5, none of them subnormal. */
export function filled(arena: Arena, elements: number): Offset {
  const offset = arena.allocate(elements);
  const values = arena.view(offset, elements);
  for (let i = 0; i < elements; i += 1) values[i] = (((i * 2654435761) % 1000) + 0.5) / 1000 - 0.5;
  return offset;
}
