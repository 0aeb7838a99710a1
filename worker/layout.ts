/** How a worker's memory is divided: two model vectors, gradient sums, samples on their way in, and the program's own blocks. */
import { sizeOf } from '../src/common/shape.js';
import type { WireFormat } from '../src/common/wire-format.js';
import type { FeatureType } from '../src/data/dataset.js';
import type { Job, LossName, SplitName } from '../src/job/job.js';
import { alignedAllocationSize, allocationSize, Arena, type Offset } from '../src/kernels/arena.js';
import { KERNEL_SCRATCH_ELEMENTS, type KernelFactory, type Kernels } from '../src/kernels/kernels.js';
import { createReferenceKernels } from '../src/kernels/reference/reference-kernels.js';
import { perRow, type Allocator, type RowOperation } from '../src/nn/layer.js';
import { losses } from '../src/nn/losses/index.js';
import type { Model } from '../src/nn/model.js';
import { gradientElements, vectorStride } from '../src/nn/shared-blocks.js';
import { compileProgram, treeScratchElements, type Program } from '../src/nn/program.js';
import { EVALUATION_ROWS } from '../src/protocol/messages.js';
import { boardLayout } from './exchange-board.js';
import type { PassMemory, PassWords } from './pass-words.js';
import type { StagingSlot } from './staging.js';

/** Hands out a worker's memory; an arena, or a counter that only measures. */
export interface LayoutAllocator extends Allocator {
  /** A block that begins and ends on a multiple of 65 536 bytes. */
  allocateAligned(elements: number): Offset;
}

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

export interface WorkerLayout extends PassMemory {
  readonly mean: Offset;
  readonly inverseDeviation: Offset;
  readonly staging: readonly [StagingSlot, StagingSlot];
  readonly kernels: Kernels;
  readonly program: Program;
  /** Room for a board, to be shared with other workers: whole pages, see {@link boardLayout}. */
  readonly board: Offset;
}

/** How a compute thread learns which samples a pass is about. */
export interface StagedSamples {
  readonly pass: Pick<PassWords, 'slot' | 'split'>;
  /** How each split stores its features; null where there is no such split. */
  readonly types: FeatureTypes;
}

export type FeatureTypes = Readonly<Record<SplitName, FeatureType | null>>;

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
  allocator: LayoutAllocator,
  createKernels: (scratch: Offset) => Kernels,
  samples: StagedSamples | null,
): WorkerLayout {
  const { model, threads, shards } = options;
  const scratch = Array.from({ length: threads + 1 }, () => ({
    kernels: allocator.allocate(KERNEL_SCRATCH_ELEMENTS),
    tree: allocator.allocate(treeScratchElements(shards)),
  }))[thread];
  if (scratch === undefined) throw new RangeError(`no thread ${thread}`);
  const kernels = createKernels(scratch.kernels);
  const pair = options.vectors?.[0] ?? allocator.allocateAligned(2 * vectorStride(model));
  const vectors = options.vectors ?? ([pair, pair + vectorStride(model)] as const);
  const gradients = allocator.allocateAligned(gradientElements(model, shards));
  const features = sizeOf(model.inputShape);
  const mean = allocator.allocate(features);
  const inverseDeviation = allocator.allocate(features);
  const rows = maxRows(options);
  const slot = (): StagingSlot => ({
    features: allocator.allocate(rows * features),
    labels: allocator.allocate(rows),
  });
  const staging = [slot(), slot()] as const;
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
        : takeSamples(kernels, samples, features, staging, {
            mean,
            inverseDeviation,
            input,
            targets,
          }),
  });
  const gradientStride = model.parameterElements;
  const board = allocator.allocateAligned(boardLayout(shards, program.exchanges).words);
  return { vectors, gradients, gradientStride, mean, inverseDeviation, staging, kernels, program, board };
}

/** Takes the rows of its shards from where they are staged and normalises them. */
function takeSamples(
  kernels: Kernels,
  { pass, types }: StagedSamples,
  features: number,
  staging: WorkerLayout['staging'],
  to: { readonly mean: Offset; readonly inverseDeviation: Offset; readonly input: Offset; readonly targets: Offset },
): RowOperation {
  return perRow((row, rows) => {
    const slot = staging[pass.slot];
    const y = to.input + row * features;
    if (types[pass.split] === 'uint8') {
      const bytes = slot.features * kernels.arena.elementBytes + row * features;
      kernels.standardizeBytes(rows, features, bytes, to.mean, to.inverseDeviation, y);
    } else {
      kernels.standardize(rows, features, slot.features + row * features, to.mean, to.inverseDeviation, y);
    }
    kernels.copy(rows, slot.labels + row, to.targets + row);
  });
}

/** The shape of a worker's memory for a job, on `trainSize` samples. */
export function layoutOptions(job: Job, model: Model, trainSize: number, threads: number): LayoutOptions {
  const { batchSize, shards, loss, wireFormat } = job.training;
  return {
    model,
    loss,
    seed: job.seed,
    threads,
    shards,
    gradientFormat: wireFormat.gradients,
    batchSize: batchSize === 0 ? trainSize : Math.min(batchSize, trainSize),
  };
}

/** Elements of arena that a worker needs, and the program's shape, without reserving anything. */
export function measureLayout(options: LayoutOptions): { readonly elements: number; readonly program: Program } {
  let elements = 0;
  const allocator: LayoutAllocator = {
    allocate(count) {
      const offset = elements;
      elements += allocationSize(count);
      return offset;
    },
    allocateAligned(count) {
      const offset = elements;
      elements += alignedAllocationSize(count);
      return offset;
    },
  };
  const unused: KernelFactory = createReferenceKernels;
  const { program } = layOut(options, 0, allocator, () => unused(Arena.create(0), 0), null);
  return { elements, program };
}
