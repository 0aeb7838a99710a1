/** How a worker's memory is divided: two model vectors, gradient sums, samples on their way in, and the program's own blocks. */
import { sizeOf } from '../src/common/shape.js';
import type { WireFormat } from '../src/common/wire-format.js';
import type { Splits } from '../src/data/dataset.js';
import type { LossName } from '../src/job/job.js';
import { allocationSize, Arena, type Offset } from '../src/kernels/arena.js';
import { KERNEL_SCRATCH_ELEMENTS, type KernelFactory, type Kernels } from '../src/kernels/kernels.js';
import { createReferenceKernels } from '../src/kernels/reference/reference-kernels.js';
import { perRow, type Allocator, type RowOperation } from '../src/nn/layer.js';
import { losses } from '../src/nn/losses/index.js';
import type { Model } from '../src/nn/model.js';
import { compileProgram, treeScratchElements, type Program } from '../src/nn/program.js';
import { maxSubtrees } from '../src/reduce/tree.js';
import { EVALUATION_ROWS } from '../src/protocol/messages.js';
import type { Control } from './control.js';

/** Everything that determines the layout; the same for all threads of a worker. */
export interface LayoutOptions {
  readonly model: Model;
  readonly loss: LossName;
  readonly seed: number;
  readonly threads: number;
  /** Samples and logical shards of the largest batch. */
  readonly batchSize: number;
  readonly shards: number;
  /** What gradient sums travel in. */
  readonly gradientFormat: WireFormat;
  /** Model vectors of somebody else in the same memory, to be used in place of two of its own. */
  readonly vectors?: readonly [Offset, Offset] | undefined;
}

export interface WorkerLayout {
  /** The model in use and the one being received, by turns. */
  readonly vectors: readonly [Offset, Offset];
  readonly gradients: Offset;
  readonly gradientStride: number;
  readonly mean: Offset;
  readonly inverseDeviation: Offset;
  readonly kernels: Kernels;
  readonly program: Program;
}

/** Rows that one pass can hold: a whole batch, or an evaluation shard for every thread. */
export function maxRows({ batchSize, threads }: Pick<LayoutOptions, 'batchSize' | 'threads'>): number {
  return Math.max(batchSize, EVALUATION_ROWS * threads);
}

/**
 * Lays out the memory for one thread (0 … threads − 1 compute, `threads` is the event loop). All threads go through the same
 * allocations and differ only in which scratch they take.
 */
export function layOut(
  options: LayoutOptions,
  thread: number,
  allocator: Allocator,
  createKernels: (scratch: Offset) => Kernels,
  samples: { readonly splits: Splits; readonly control: Control } | null,
): WorkerLayout {
  const { model, threads, shards } = options;
  const scratch = Array.from({ length: threads + 1 }, () => ({
    kernels: allocator.allocate(KERNEL_SCRATCH_ELEMENTS),
    tree: allocator.allocate(treeScratchElements(shards)),
  }))[thread];
  if (scratch === undefined) throw new RangeError(`no thread ${thread}`);
  const kernels = createKernels(scratch.kernels);
  const ownVector = (): Offset => allocator.allocate(model.vectorElements);
  const vectors = options.vectors ?? ([ownVector(), ownVector()] as const);
  const gradients = allocator.allocate(maxSubtrees(shards) * model.parameterElements);
  const features = sizeOf(model.inputShape);
  const mean = allocator.allocate(features);
  const inverseDeviation = allocator.allocate(features);
  const rows = maxRows(options);
  const staging = allocator.allocate(rows * features);
  const program = compileProgram(model, losses[options.loss], {
    kernels,
    allocator,
    seed: options.seed,
    maxRows: rows,
    maxShards: shards,
    treeScratch: scratch.tree,
    gradientFormat: options.gradientFormat,
    load: (input, targets) =>
      samples === null
        ? perRow(() => undefined)
        : loadSamples(kernels, samples.splits, samples.control, features, staging, {
            mean,
            inverseDeviation,
            input,
            targets,
          }),
  });
  return { vectors, gradients, gradientStride: model.parameterElements, mean, inverseDeviation, kernels, program };
}

/** Copies the rows of its shards from the data set and normalises them. */
function loadSamples(
  kernels: Kernels,
  splits: Splits,
  control: Control,
  features: number,
  staging: Offset,
  to: { readonly mean: Offset; readonly inverseDeviation: Offset; readonly input: Offset; readonly targets: Offset },
): RowOperation {
  const { arena } = kernels;
  return perRow((row, rows) => {
    const dataset = splits[control.split];
    if (dataset === null) throw new RangeError(`this job has no ${control.split} split`);
    const y = to.input + row * features;
    if (dataset.dtype === 'uint8') {
      const bytes = staging * arena.elementBytes + row * features;
      dataset.copyFeatures(control.samples, row, rows, arena.bytes, bytes);
      kernels.standardizeBytes(rows, features, bytes, to.mean, to.inverseDeviation, y);
    } else {
      dataset.copyFeatures(control.samples, row, rows, arena.floats, y);
      kernels.standardize(rows, features, y, to.mean, to.inverseDeviation, y);
    }
    dataset.copyLabels(control.samples, row, rows, arena.floats, to.targets + row);
  });
}

/** Elements of arena that a worker needs, and the program's shape, without reserving anything. */
export function measureLayout(options: LayoutOptions): { readonly elements: number; readonly program: Program } {
  let elements = 0;
  const allocator: Allocator = {
    allocate(count) {
      const offset = elements;
      elements += allocationSize(count);
      return offset;
    },
  };
  const unused: KernelFactory = createReferenceKernels;
  const { program } = layOut(options, 0, allocator, () => unused(Arena.create(0), 0), null);
  return { elements, program };
}
