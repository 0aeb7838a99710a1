/**
 * The contract of a layer: what it is made of (a {@link Layer}, from the job alone) and what it does once it has a place in
 * memory (its {@link LayerProgram}: operations that compute threads run).
 *
 * A pass works on the rows of the logical shards held by this process. Three kinds of operation keep the bits independent of
 * how many processes and threads there are:
 *   rows      each shard on its own; threads take shards
 *   tasks     after all shards are done; each task covers all shards for its part of a result; threads take tasks
 *   exchange  per-shard vectors are merged over the whole cluster in tree order before the next operation
 */
import type { Shape } from '../common/shape.js';
import type { WireFormat } from '../common/wire-format.js';
import type { InitializerSpec } from '../job/job.js';
import type { Kernels } from '../kernels/kernels.js';
import type { Offset } from '../kernels/arena.js';
import type { Shard } from '../reduce/shards.js';
import type { Range } from '../reduce/buckets.js';
import type { TreeNode } from '../reduce/tree.js';

export interface ParameterSpec {
  readonly name: 'weight' | 'bias' | 'gamma' | 'beta';
  /** Row-major; weights are [out, in]. */
  readonly shape: Shape;
  readonly initializer: InitializerSpec | { readonly type: 'ones' };
  /** Inputs of the layer: the n of the initialiser's variance. */
  readonly fanIn: number;
  /** Whether L1 and L2 penalties apply. */
  readonly penalized: boolean;
}

/** A running average that inference uses; updated by the coordinator from an exchange, never by a gradient. */
export interface StatisticSpec {
  readonly name: 'running_mean' | 'running_var';
  readonly shape: Shape;
  readonly initial: number;
}

/** A layer as the job describes it; holds no memory. */
export interface Layer {
  readonly type: string;
  readonly inputShapes: readonly Shape[];
  readonly outputShape: Shape;
  readonly parameters: readonly ParameterSpec[];
  readonly statistics: readonly StatisticSpec[];
  /** Whether its program can apply a ReLU to its output, see {@link LayerBinding.relu}. Left out: no. */
  readonly fusesRelu?: boolean;
  /** Lays out the layer's own memory and returns its operations. Called once per thread, in the same order everywhere. */
  compile(binding: LayerBinding): LayerProgram;
}

/** Hands out memory; an arena, or a counter that only measures. */
export interface Allocator {
  allocate(elements: number): Offset;
}

/** Where a layer finds its surroundings. All offsets are fixed for the life of the program. */
export interface LayerBinding {
  readonly kernels: Kernels;
  readonly allocator: Allocator;
  /** The layer's place in the model, unique: part of the counters of its random numbers. */
  readonly index: number;
  readonly seed: number;
  /** Most rows that one pass can hold. */
  readonly maxRows: number;
  /** Most shards that a training pass can hold. */
  readonly maxShards: number;
  /** Activations of each input, [maxRows, features]. */
  readonly inputs: readonly Offset[];
  /** Where to write the gradient with respect to each input; null where nobody asks for it. */
  readonly inputGradients: readonly (Offset | null)[];
  readonly output: Offset;
  /** Gradient of the summed loss with respect to the output; backward may change it. */
  readonly outputGradient: Offset;
  /**
   * Whether a ReLU follows that takes nothing else: `output` and `outputGradient` are then its own, and the program applies it
   * and its derivative, with the same bits as the layer of its own that it replaces.
   */
  readonly relu: boolean;
  /** Position of a parameter or statistic within the model vector; add `Pass.weights`. */
  readonly tensor: (name: string) => number;
  /** Scratch of one tile per tree level for this thread's weight gradients. */
  readonly treeScratch: TreeScratch;
  /** What gradient sums travel in: every node of the reduction tree is rounded to it. */
  readonly gradientFormat: WireFormat;
  /** Announces an exchange; its index is the order of announcement. */
  exchange(spec: Omit<Exchange, 'index' | 'layer'>): Exchange;
}

export interface TreeScratch {
  /** A block of {@link TILE_ELEMENTS} for the tree level. */
  at(level: number): Offset;
}

/** Elements of the largest tile of a weight gradient: {@link tileLimits}. */
export const TILE_ELEMENTS = 256 * 512;
/** Up to so many elements a weight gradient stays in the outer cache while its tiles are formed. */
const CACHED_ELEMENTS = 2 ** 20;

/**
 * The largest tile, rows × columns, that a weight gradient of so many elements is cut into. A tile is written once per shard and
 * read once per level of the tree. Small tiles keep all of its partial sums in a core's second-level cache; for a matrix that
 * lies in main memory anyway, larger ones spend less on packing.
 */
export function tileLimits(elements: number): { readonly rows: number; readonly columns: number } {
  return elements <= CACHED_ELEMENTS ? { rows: 128, columns: 256 } : { rows: 256, columns: 512 };
}

/** What is being computed right now; the same for all threads of a process. */
export interface Pass {
  readonly mode: 'training' | 'inference';
  /** 0-based step: part of the counters of random numbers. */
  readonly step: number;
  /** Start of the model vector to use. */
  readonly weights: Offset;
  /** The shards held here; `start` counts rows of this process. */
  readonly shards: readonly Shard[];
  /** Index, in the whole batch, of the first shard held here. */
  readonly firstShard: number;
  /** Shards of the whole batch, here or elsewhere. */
  readonly totalShards: number;
  /** Position in the whole batch of row 0 of this process. */
  readonly firstPosition: number;
  /** Samples in the whole batch. */
  readonly batchCount: number;
  /** Complete subtrees of the range held here that hold samples: the partial sums to form. */
  readonly nodes: readonly TreeNode[];
  /** Factor on the gradient of the loss, a power of two: keeps small gradients within the range of their format. */
  readonly lossScale: number;
  /** Start of the gradient sum of node i: `gradients + i · gradientStride`, laid out like the parameters. */
  readonly gradients: Offset;
  readonly gradientStride: number;
}

export interface RowOperation {
  readonly kind: 'rows';
  /** Works on shards [first, end) of `pass.shards`. */
  run(pass: Pass, first: number, end: number): void;
}

export interface TaskOperation {
  readonly kind: 'tasks';
  readonly count: number;
  run(pass: Pass, task: number): void;
}

/** Forms part of the gradient of the parameters: for every node of the pass, elements `writes` of its gradient sum. */
export interface GradientOperation extends TaskOperation {
  /** In elements of the parameter vector; no other operation writes there. */
  readonly writes: Range;
}

export interface ExchangeOperation {
  readonly kind: 'exchange';
  readonly exchange: Exchange;
}

/** Vectors, one per shard, that the cluster merges in tree order. */
export interface Exchange {
  /** Order within a training pass. */
  readonly index: number;
  /** Index of the layer. */
  readonly layer: number;
  readonly merge: 'moments' | 'sums';
  /** Elements per vector. */
  readonly width: number;
  /** Values of one feature in one sample: 1, or the pixels of an image. */
  readonly valuesPerSample: number;
  /** The vectors of the shards held here: shard i of the pass at `slots + i · width`. */
  readonly slots: Offset;
  /** Where the merged vector goes ([mean | variance] for moments); null when no operation waits for it. */
  readonly result: Offset | null;
  /** Running averages that the coordinator moves towards the merged moments. */
  readonly statistics: { readonly momentum: number; readonly mean: string; readonly variance: string } | null;
}

export type Operation = RowOperation | TaskOperation | ExchangeOperation;

export interface LayerProgram {
  readonly forward: readonly Operation[];
  readonly inference: readonly Operation[];
  /** Reads outputGradient, writes inputGradients. */
  readonly backward: readonly Operation[];
  /** Form the gradients of the parameters; may run at any time after `backward`, and be put off to fill a wait. */
  readonly gradients: readonly GradientOperation[];
}

/** An operation over the rows of consecutive shards at once, for layers that treat every row alone. */
export function perRow(run: (firstRow: number, rows: number, pass: Pass) => void): RowOperation {
  return {
    kind: 'rows',
    run(pass, first, end) {
      const from = pass.shards[first];
      const last = pass.shards[end - 1];
      if (from === undefined || last === undefined) return;
      const rows = last.start + last.rows - from.start;
      if (rows > 0) run(from.start, rows, pass);
    },
  };
}

/** An operation on every shard that has rows, one at a time, with its index in the pass. */
export function perShard(run: (shard: Shard, index: number, pass: Pass) => void): RowOperation {
  return {
    kind: 'rows',
    run(pass, first, end) {
      for (let index = first; index < end; index += 1) {
        const shard = pass.shards[index];
        if (shard !== undefined && shard.rows > 0) run(shard, index, pass);
      }
    },
  };
}
