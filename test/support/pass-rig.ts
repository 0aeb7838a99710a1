/**
 * Training passes without threads and without a network: the compiled program of a model, on whatever kernels, run by a
 * handful of simulated workers that take turns. What the cluster would carry is merged with the pure code of src/reduce.
 */
import type { WireFormat } from '../../src/common/wire-format.js';
import { sizeOf } from '../../src/common/shape.js';
import type { LossName } from '../../src/job/job.js';
import { Arena, type Offset, type Precision } from '../../src/kernels/arena.js';
import { KERNEL_SCRATCH_ELEMENTS, type KernelFactory, type Kernels } from '../../src/kernels/kernels.js';
import { perRow, type Exchange, type Pass } from '../../src/nn/layer.js';
import { losses } from '../../src/nn/losses/index.js';
import { initializeModel, type Model } from '../../src/nn/model.js';
import { compileProgram, treeScratchElements, type Program, type Segment } from '../../src/nn/program.js';
import { mergeMoments, mergeSums, type MomentNode } from '../../src/reduce/moments.js';
import type { ShardRange } from '../../src/reduce/shards.js';
import { foldTree, maxSubtrees, type TreeNode } from '../../src/reduce/tree.js';
import { Control } from '../../worker/control.js';

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

/** What a worker has at the end of a pass. */
export interface PassPart {
  readonly shards: readonly ShardLoss[];
  /** One gradient sum per complete subtree, copied. */
  readonly gradients: readonly (TreeNode & { readonly values: Floats })[];
}

export interface BatchPlace {
  readonly step: number;
  readonly totalShards: number;
  readonly range: ShardRange;
}

/** Room for the blocks of a test's model; address space that is not written costs nothing. */
const BLOCK_ELEMENTS = 1 << 20;

export class PassRig {
  readonly kernels: Kernels;
  readonly program: Program;
  /** The model vector, to be read and changed at will. */
  readonly weights: Floats;
  readonly #options: RigOptions;
  readonly #vector: Offset;
  readonly #gradients: Offset;
  #batch: Batch = { inputs: [], targets: [] };

  constructor(options: RigOptions) {
    const { model, maxRows, maxShards, seed = 1 } = options;
    const tree = treeScratchElements(maxShards);
    const sums = maxSubtrees(maxShards) * model.parameterElements;
    const arena = Arena.create(KERNEL_SCRATCH_ELEMENTS + tree + sums + BLOCK_ELEMENTS, options.precision);
    this.#options = options;
    this.kernels = options.factory(arena, arena.allocate(KERNEL_SCRATCH_ELEMENTS));
    this.#vector = arena.allocate(model.vectorElements);
    this.#gradients = arena.allocate(sums);
    this.program = compileProgram(model, losses[options.loss], {
      kernels: this.kernels,
      allocator: arena,
      seed,
      maxRows,
      maxShards,
      gradientFormat: options.gradientFormat ?? 'float32',
      treeScratch: arena.allocate(tree),
      load: (input, targets) => this.#load(input, targets),
    });
    this.weights = arena.view(this.#vector, model.vectorElements);
    initializeModel(model, seed, this.weights);
  }

  /**
   * Forward and backward over a range of a batch's shards. Yields at every exchange and takes the merged vector; the
   * answer to an exchange without a result is ignored.
   */
  *train(batch: Batch, place: BatchPlace): Generator<ExchangePart, PassPart, Floats> {
    this.#batch = batch;
    const pass = this.#pass('training', place, batch.targets.length);
    for (const stage of this.program.training) {
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

  #load(input: Offset, targets: Offset) {
    const { floats } = this.kernels.arena;
    const features = sizeOf(this.#options.model.inputShape);
    return perRow((row, rows, pass) => {
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
    const control = new Control();
    const shards = { firstShard: range.first, endShard: range.end, totalShards };
    control.setPass({ mode, split: 'train', step, lossScale: 1, weights: 0, slot: 0, ...shards, batchCount });
    return control.pass([this.#vector, this.#vector], this.#gradients, this.#options.model.parameterElements);
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
