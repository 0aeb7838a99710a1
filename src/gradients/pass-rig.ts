/**
 * Training passes without threads and without a network: the compiled program of a model, on whatever kernels and in either
 * precision. Simulated workers take turns; what the cluster would carry is merged with the pure code of src/reduce.
 */
import type { WireFormat } from '../common/wire-format.js';
import { sizeOf } from '../common/shape.js';
import type { LossName } from '../job/job.js';
import { allocationSize, Arena, type Offset, type Precision } from '../kernels/arena.js';
import { KERNEL_SCRATCH_ELEMENTS, type KernelFactory, type Kernels } from '../kernels/kernels.js';
import { createReferenceKernels } from '../kernels/reference/reference-kernels.js';
import { perRow, type Allocator, type Exchange, type Pass } from '../nn/layer.js';
import { losses } from '../nn/losses/index.js';
import { initializeModel, type Model } from '../nn/model.js';
import { passShards } from '../nn/pass-shards.js';
import { compileProgram, treeScratchElements, type Program, type Segment } from '../nn/program.js';
import { mergeMoments, mergeSums, type MomentNode } from '../reduce/moments.js';
import type { ShardRange } from '../reduce/shards.js';
import { foldTree, maxSubtrees, type TreeNode } from '../reduce/tree.js';

export type Floats = Float32Array | Float64Array;

export interface Batch {
  /** [samples, features] */
  readonly inputs: ArrayLike<number>;
  /** One per sample. */
  readonly targets: ArrayLike<number>;
}

export interface RigOptions {
  readonly model: Model;
  readonly loss: LossName;
  readonly factory: KernelFactory;
  readonly precision?: Precision;
  readonly gradientFormat?: WireFormat;
  /** Seed of the initial weights and of dropout. */
  readonly seed?: number;
  /** Most samples of a batch, and most shards. */
  readonly maxRows: number;
  readonly maxShards: number;
  /** Elements to leave free in the arena for whoever uses the rig; default: none. */
  readonly spareElements?: number;
  /** Compute threads to imitate: shares of rows and tasks run in the reverse of the usual order. */
  readonly threads?: number;
}

/** What a worker sends in the middle of a pass. */
export interface ExchangePart {
  readonly exchange: Exchange;
  readonly nodes: readonly (TreeNode & { readonly value: MomentNode })[];
}

export interface ShardLoss {
  readonly shard: number;
  readonly loss: number;
  readonly correct: number;
}

/** What a worker has at the end of a pass; no gradients when it ended at the loss. */
export interface PassPart {
  readonly shards: readonly ShardLoss[];
  /** One gradient sum per complete subtree, copied. */
  readonly gradients: readonly (TreeNode & { readonly values: Floats })[];
}

/** What a training pass is run for. */
export type PassEnd = 'loss' | 'gradient';

export interface BatchPlace {
  readonly step: number;
  readonly totalShards: number;
  readonly range: ShardRange;
}

/** Where a rig keeps what. */
interface RigLayout {
  readonly kernels: Kernels;
  readonly program: Program;
  readonly vector: Offset;
  readonly gradients: Offset;
}

export class PassRig {
  readonly kernels: Kernels;
  readonly program: Program;
  /** The model vector, to be read and changed at will. */
  readonly weights: Floats;
  readonly #options: RigOptions;
  readonly #vector: Offset;
  readonly #gradients: Offset;
  #batch: Batch = { inputs: [], targets: [] };

  /** @throws RangeError when the model and the batch do not fit an arena. */
  constructor(options: RigOptions) {
    const { model, precision = 'float32', seed = 1, spareElements = 0 } = options;
    this.#options = options;
    const arena = Arena.create(this.#measure(precision) + spareElements, precision);
    const layout = this.#layOut(arena, (scratch) => options.factory(arena, scratch));
    this.kernels = layout.kernels;
    this.program = layout.program;
    this.#vector = layout.vector;
    this.#gradients = layout.gradients;
    this.weights = arena.view(this.#vector, model.vectorElements);
    initializeModel(model, seed, this.weights);
  }

  /**
   * Forward, and backward unless it ends at the loss, over a range of a batch's shards. Yields at every exchange and takes the
   * merged vector; the answer to an exchange without a result is ignored.
   */
  *train(batch: Batch, place: BatchPlace, until: PassEnd = 'gradient'): Generator<ExchangePart, PassPart, Floats> {
    this.#batch = batch;
    const pass = this.#pass('training', place, batch.targets.length);
    for (const stage of this.program.training) {
      const last = until === 'loss' ? stage.operations.indexOf(this.program.loss) : -1;
      if (last >= 0) {
        this.#run(stage.operations.slice(0, last + 1), pass);
        return { shards: this.#losses(pass), gradients: [] };
      }
      this.#run(stage.operations, pass);
      for (const exchange of stage.posts) yield this.#part(exchange, pass);
      if (stage.awaits === null) continue;
      const part = this.#part(stage.awaits, pass);
      this.#run(stage.meanwhile, pass);
      this.kernels.arena.floats.set(yield part, stage.awaits.result ?? 0);
    }
    const { gradientStride } = pass;
    const gradients = pass.nodes.map((node, i) => ({
      ...node,
      values: this.kernels.arena.view(this.#gradients + i * gradientStride, gradientStride).slice(),
    }));
    return { shards: this.#losses(pass), gradients };
  }

  /** Losses with the running statistics, and the outputs of every sample. */
  infer(batch: Batch, totalShards: number): { readonly shards: readonly ShardLoss[]; readonly outputs: Floats } {
    this.#batch = batch;
    const count = batch.targets.length;
    const pass = this.#pass('inference', { step: 0, totalShards, range: { first: 0, end: totalShards } }, count);
    this.#run(this.program.inference, pass);
    const width = sizeOf(this.#options.model.outputShape);
    return {
      shards: this.#losses(pass),
      outputs: this.kernels.arena.view(this.program.outputs, count * width).slice(),
    };
  }

  /** Elements of arena that the rig takes. */
  #measure(precision: Precision): number {
    let elements = 0;
    const allocate = (count: number): Offset => {
      const offset = elements;
      elements += allocationSize(count, precision);
      return offset;
    };
    this.#layOut({ allocate }, () => createReferenceKernels(Arena.create(0), 0));
    return elements;
  }

  #layOut(allocator: Allocator, createKernels: (scratch: Offset) => Kernels): RigLayout {
    const { model, loss, maxRows, maxShards, seed = 1, gradientFormat = 'float32' } = this.#options;
    const kernels = createKernels(allocator.allocate(KERNEL_SCRATCH_ELEMENTS));
    const vector = allocator.allocate(model.vectorElements);
    const gradients = allocator.allocate(maxSubtrees(maxShards) * model.parameterElements);
    const program = compileProgram(model, losses[loss], {
      kernels,
      allocator,
      seed,
      maxRows,
      maxShards,
      gradientFormat,
      treeScratch: allocator.allocate(treeScratchElements(maxShards)),
      load: (input, targets) => this.#load(input, targets),
    });
    return { kernels, program, vector, gradients };
  }

  #load(input: Offset, targets: Offset) {
    const features = sizeOf(this.#options.model.inputShape);
    return perRow((row, rows, pass) => {
      const { floats } = this.kernels.arena;
      for (let r = row; r < row + rows; r += 1) {
        const position = pass.firstPosition + r;
        floats[targets + r] = this.#batch.targets[position] ?? NaN;
        for (let j = 0; j < features; j += 1) {
          floats[input + r * features + j] = this.#batch.inputs[position * features + j] ?? NaN;
        }
      }
    });
  }

  #pass(mode: Pass['mode'], { step, totalShards, range }: BatchPlace, batchCount: number): Pass {
    return {
      mode,
      step,
      lossScale: 1,
      weights: this.#vector,
      ...passShards(batchCount, totalShards, range),
      gradients: this.#gradients,
      gradientStride: this.#options.model.parameterElements,
    };
  }

  /** Runs a segment as several threads might: the last thread first, and the last task first. */
  #run(segment: Segment, pass: Pass): void {
    const { threads = 1 } = this.#options;
    const shards = pass.shards.length;
    let next = 0;
    while (next < segment.length) {
      const start = next;
      const kind = segment[start]?.kind;
      while (segment[next]?.kind === kind && next < segment.length) next += 1;
      const group = segment.slice(start, next);
      for (let thread = threads - 1; thread >= 0; thread -= 1) {
        const [first, end] = [Math.floor((thread * shards) / threads), Math.floor(((thread + 1) * shards) / threads)];
        for (const operation of group) if (operation.kind === 'rows') operation.run(pass, first, end);
      }
      for (const operation of group.reverse()) {
        if (operation.kind !== 'tasks') continue;
        for (let task = operation.count - 1; task >= 0; task -= 1) operation.run(pass, task);
      }
    }
  }

  #part(exchange: Exchange, pass: Pass): ExchangePart {
    const leaf = (node: TreeNode): MomentNode | null | undefined => {
      if (node.level > 0) return undefined;
      const index = node.index - pass.firstShard;
      const rows = pass.shards[index]?.rows ?? 0;
      if (rows === 0) return null;
      const values = this.kernels.arena.view(exchange.slots + index * exchange.width, exchange.width).slice();
      return { count: rows * exchange.valuesPerSample, values };
    };
    const merge = exchange.merge === 'moments' ? mergeMoments : mergeSums;
    const nodes = pass.nodes.flatMap((node) => {
      const value = foldTree(node, pass.totalShards, leaf, merge);
      return value === null ? [] : [{ ...node, value }];
    });
    return { exchange, nodes };
  }

  #losses(pass: Pass): ShardLoss[] {
    const { floats } = this.kernels.arena;
    const { program } = this;
    return pass.shards.map(({ start, rows }, index) => {
      let loss = 0;
      let correct = 0;
      for (let row = start; row < start + rows; row += 1) {
        loss += floats[program.losses + row] ?? NaN;
        if (floats[program.predictions + row] === floats[program.targets + row]) correct += 1;
      }
      return { shard: pass.firstShard + index, loss, correct };
    });
  }
}
