/**
 * The one place where the model changes: weights, optimizer state and running statistics, all in the coordinator's arena,
 * moved from one version to the next by a committed step.
 */
import type { Job } from '../src/job/job.js';
import { Arena, type Offset } from '../src/kernels/arena.js';
import { KERNEL_SCRATCH_ELEMENTS, type BackendName, type Kernels } from '../src/kernels/kernels.js';
import { kernelFactory } from '../src/kernels/select.js';
import type { Exchange } from '../src/nn/layer.js';
import { initializeModel, type Model } from '../src/nn/model.js';
import { gradientElements, vectorStride } from '../src/nn/shared-blocks.js';
import { clipFactor } from '../src/optim/clipping.js';
import { createOptimizer } from '../src/optim/create.js';
import type { Optimizer } from '../src/optim/optimizer.js';
import { createSchedule } from '../src/optim/schedules/create.js';
import type { Schedule } from '../src/optim/schedules/schedule.js';
import type { Range } from '../src/reduce/buckets.js';
import { LockstepError } from '../src/common/errors.js';
import { wholePages, type MemoryPart } from '../src/protocol/memory-part.js';
import { layOutState } from './state-layout.js';
import { initialLossScale, nextLossScale, type LossScaleState } from './loss-scale.js';
import type { ModelCopy } from './model-copy.js';
import {
  ParameterUpdate,
  publishParameters,
  type ParameterNorms,
  type RangeGradient,
  type UpdateRate,
} from './parameter-update.js';
import { RunningStatistics } from './running-statistics.js';
import type { ExchangeOutcome } from './step-attempt.js';

export interface UpdateResult {
  readonly learningRate: number;
  /** Norm of the gradient of the cost, before clipping. */
  readonly gradientNorm: number;
  /** λ/(2m)·‖W‖² + λ/(2m)·‖W‖₁ at the weights that the step started from. */
  readonly penalty: number;
  /** Nothing has changed, as the gradient overflowed its format (then the loss scale has) or the step was to be skipped. */
  readonly skipped: boolean;
  /** By parameter, in model order; null unless asked for. */
  readonly norms: readonly ParameterNorms[] | null;
}

export interface CommitOptions {
  /** Leaves everything as it was, but for the version. */
  readonly skip?: boolean;
  /** Takes the {@link UpdateResult.norms}. */
  readonly measure?: boolean;
}

/** The parts of a committed state that a checkpoint keeps besides its position. */
export interface StateTensors {
  readonly model: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    readonly values: Float32Array;
  }[];
  readonly slots: readonly { readonly name: string; readonly values: Float32Array }[];
  /** The model as it was when it was kept (`ModelState.keep`); null when it was not. */
  readonly best: StateTensors['model'] | null;
}

/** An update in progress. */
interface Pending {
  readonly epoch: number;
  readonly update: ParameterUpdate;
  /** What waits for the norm of the whole gradient. */
  readonly waiting: RangeGradient[];
}

/**
 * The state is kept twice. A step reads one copy and writes the other, range by range as gradients arrive, and `commit` changes
 * their roles: until then nothing has happened, and a step that is called off leaves nothing to undo.
 */
export class ModelState {
  readonly kernels: Kernels;
  /** Blocks that take arriving gradient sums, each as long as the parameters. */
  readonly gradientBlocks: readonly Offset[];
  /** The two copies of the model vector as workers get them, which workers of this host may map. */
  readonly publishedVectors: MemoryPart;
  /** Addresses where gradients of workers of this host can be mapped. */
  readonly gradientRooms: readonly MemoryPart[];
  readonly #model: Model;
  readonly #job: Job;
  readonly #optimizer: Optimizer;
  readonly #schedule: Schedule;
  readonly #statistics: RunningStatistics;
  #committed: ModelCopy;
  #next: ModelCopy;
  #pending: Pending | null = null;
  #version = 0;
  #lossScale: LossScaleState;
  /** A model vector to go back to. */
  #kept: Float32Array | null = null;
  #wentBack = false;
  /** Sums over the batches of an update that have been summed before its last one; null when each update has one batch. */
  readonly accumulated: Offset | null;

  /**
   * A state with the initial weights of the job.
   *
   * @param shared Memory to share with a worker in this process, with room for {@link stateElements}; default: memory of its own.
   */
  constructor(job: Job, model: Model, backend: BackendName, shared?: Arena) {
    this.#model = model;
    this.#job = job;
    this.#optimizer = createOptimizer(job.training.optimizer);
    this.#schedule = createSchedule(job.training);
    const withRooms = shared === undefined && job.cluster.transport !== 'grpc';
    const { elements, blocks, rooms } = layOutState(job, model, withRooms);
    const arena = shared ?? Arena.create(elements);
    this.kernels = kernelFactory(backend)(arena, arena.allocate(KERNEL_SCRATCH_ELEMENTS));
    this.#statistics = new RunningStatistics(model, this.kernels);
    const { wireFormat, accumulate } = job.training;
    const pair = arena.allocateAligned(2 * vectorStride(model));
    const copy = (published: Offset): ModelCopy => {
      const vector = wireFormat.weights === 'float32' ? published : arena.allocate(model.vectorElements);
      return { vector, published, slots: this.#optimizer.slots.map(() => arena.allocate(model.parameterElements)) };
    };
    this.#committed = copy(pair);
    this.#next = copy(pair + vectorStride(model));
    const part = (offset: Offset, count: number): MemoryPart =>
      wholePages(arena.memory.buffer, offset * arena.elementBytes, count * arena.elementBytes);
    this.publishedVectors = part(pair, 2 * vectorStride(model));
    this.accumulated = accumulate === 1 ? null : arena.allocate(model.parameterElements);
    this.#lossScale = initialLossScale(wireFormat.gradients);
    this.gradientBlocks = Array.from({ length: blocks }, () => arena.allocate(model.parameterElements));
    const gradients = gradientElements(model, job.training.shards);
    this.gradientRooms = Array.from({ length: rooms }, () => part(arena.allocateAligned(gradients), gradients));
    initializeModel(model, job.seed, arena.view(this.#committed.vector, model.vectorElements));
    this.#publish(this.#committed);
  }

  /** Number of committed updates. */
  get version(): number {
    return this.#version;
  }

  /** The number by which workers know the committed model: its version, or one more after {@link restoreKept}. */
  get published(): number {
    return this.#version + (this.#wentBack ? 1 : 0);
  }

  /** Where the two copies of the model vector lie; the committed one comes first at the start. */
  get vectors(): readonly [Offset, Offset] {
    return [this.#committed.published, this.#next.published];
  }

  /** The committed model vector as workers get it, in place: it changes with the step after the next. */
  get committed(): Float32Array {
    return this.#view(this.#committed.published, this.#model.vectorElements);
  }

  /** The vector that the step under way writes; only the ranges that {@link updateRange} has returned true for are valid. */
  get next(): Float32Array {
    return this.#view(this.#next.published, this.#model.vectorElements);
  }

  /** Factor on the gradient of the loss in the step under way: a power of two. */
  get lossScale(): number {
    return this.#lossScale.scale;
  }

  /** The rate that the step at this position will use. */
  learningRate(step: number, epoch: number): number {
    return this.#schedule({ step, epoch });
  }

  /** Starts the next update, forgetting one that was not committed. */
  begin({ epoch, batchCount }: { readonly epoch: number; readonly batchCount: number }): void {
    const { training } = this.#job;
    const tools = { training, optimizer: this.#optimizer, kernels: this.kernels };
    const update = new ParameterUpdate(tools, this.#model, this.#committed, this.#next, batchCount, this.lossScale);
    this.#pending = { epoch, update, waiting: [] };
  }

  /**
   * Applies the gradient of a range of the parameters that begins and ends with a tensor, or at a multiple of BUCKET_BLOCK
   * elements from the start of one.
   *
   * @param gradient Place of the sum over the batch's samples for the first element of the range; must stay unchanged until
   *   `commit` when false is returned.
   * @returns whether the new parameters are there; false when they have to wait for the norm of the whole gradient.
   */
  updateRange(range: Range, gradient: Offset): boolean {
    const pending = this.#underWay;
    if (!this.#needsNorm) {
      pending.update.apply({ range, gradient }, this.#rate(pending, 1), true);
      return true;
    }
    pending.waiting.push({ range, gradient });
    pending.update.measure({ range, gradient });
    return false;
  }

  /**
   * Commits the step: every range of the parameters has been updated, and the running statistics move towards the batch's
   * moments.
   */
  commit(
    moments: readonly (readonly [Exchange, ExchangeOutcome])[],
    { skip = false, measure = false }: CommitOptions = {},
  ): UpdateResult {
    const pending = this.#underWay;
    const { update } = pending;
    const { penalty, gradientSquares } = update;
    const gradientNorm = Math.sqrt(gradientSquares.reduce((sum, squares) => sum + squares, 0));
    const rate = this.#rate(pending, clipFactor(gradientNorm, this.#job.training.clipNorm));
    const { overflowed } = this;
    const skipped = skip || overflowed;
    let norms: ParameterNorms[] | null = null;
    if (!skipped) {
      for (const waiting of pending.waiting) update.apply(waiting, rate, false);
      if (measure) ({ norms } = update);
      this.#statistics.copy(this.#committed, this.#next);
      for (const [exchange, outcome] of moments) this.#statistics.move(this.#next, exchange, outcome);
      this.#statistics.publish(this.#next);
      [this.#committed, this.#next] = [this.#next, this.#committed];
    }
    this.#lossScale = nextLossScale(this.#lossScale, this.#job.training.wireFormat.gradients, !overflowed);
    this.#pending = null;
    this.#version += 1;
    return { learningRate: rate.learningRate, gradientNorm, penalty, skipped, norms };
  }

  /** Σ g² of each parameter in the update under way, in model order: of the gradient of the cost, once all ranges are in. */
  gradientSquares(): number[] {
    return this.#underWay.update.gradientSquares;
  }

  /** Whether the gradient is too large for the format that it travels in, while a smaller loss scale could make it fit. */
  get overflowed(): boolean {
    if (this.#job.training.wireFormat.gradients !== 'float16' || this.lossScale === 1) return false;
    return this.gradientSquares().some((squares) => !Number.isFinite(squares));
  }

  /** Remembers the committed model, in place of what was remembered before. */
  keep(): void {
    this.#kept = this.#view(this.#committed.vector, this.#model.vectorElements).slice();
  }

  /** Makes the model that was {@link keep kept} the committed one; there are no updates after that. */
  restoreKept(): void {
    if (this.#kept === null) return;
    this.#view(this.#next.vector, this.#model.vectorElements).set(this.#kept);
    this.#publish(this.#next);
    [this.#committed, this.#next] = [this.#next, this.#committed];
    this.#wentBack = true;
  }

  /** Whether the update has to wait for the norm of the whole gradient: to clip it, or to see that it is finite. */
  get #needsNorm(): boolean {
    const { clipNorm, wireFormat, onNonFinite } = this.#job.training;
    return clipNorm !== null || wireFormat.gradients === 'float16' || onNonFinite === 'skip';
  }

  get #underWay(): Pending {
    if (this.#pending === null) throw new RangeError('no update is under way');
    return this.#pending;
  }

  #rate({ epoch }: Pending, clip: number): UpdateRate {
    return { learningRate: this.learningRate(this.#version, epoch), step: this.#version + 1, clip };
  }

  /** Writes a whole copy as workers get it. */
  #publish(copy: ModelCopy): void {
    publishParameters(this.kernels, this.#job.training.wireFormat.weights, copy, 0, this.#model.parameterElements);
    this.#statistics.publish(copy);
  }

  /** Everything a checkpoint holds, copied. */
  tensors(): StateTensors {
    const { tensors, vectorElements } = this.#model;
    const namedParts = (vector: Float32Array): StateTensors['model'] =>
      tensors.map(({ name, shape, offset, size }) => ({ name, shape, values: vector.slice(offset, offset + size) }));
    return {
      model: namedParts(this.#view(this.#committed.vector, vectorElements)),
      best: this.#kept === null ? null : namedParts(this.#kept),
      slots: this.#optimizer.slots.map((name, index) => ({
        name,
        values: this.#view(this.#committed.slots[index] ?? 0, this.#model.parameterElements).slice(),
      })),
    };
  }

  /**
   * Takes over a saved state.
   *
   * @throws LockstepError `data` when its tensors are not those of this model and optimizer.
   */
  restore(
    version: number,
    model: ReadonlyMap<string, Float32Array>,
    slots: ReadonlyMap<string, Float32Array>,
    progress: Readonly<Record<string, number>> = {},
    best: ReadonlyMap<string, Float32Array> | null = null,
  ): void {
    const fit = (name: string, values: Float32Array | undefined, size: number): Float32Array => {
      if (values?.length === size) return values;
      const found = values === undefined ? 'is missing' : `has ${values.length} elements`;
      throw new LockstepError('data', `checkpoint: tensor ${name} ${found}, this job needs ${size}`);
    };
    const fill = (vector: Float32Array, from: ReadonlyMap<string, Float32Array>): void => {
      for (const { name, offset, size } of this.#model.tensors) vector.set(fit(name, from.get(name), size), offset);
    };
    fill(this.#view(this.#committed.vector, this.#model.vectorElements), model);
    this.#kept = best === null ? null : new Float32Array(this.#model.vectorElements);
    if (best !== null && this.#kept !== null) fill(this.#kept, best);
    this.#optimizer.slots.forEach((name, index) => {
      const size = this.#model.parameterElements;
      this.#view(this.#committed.slots[index] ?? 0, size).set(fit(name, slots.get(name), size));
    });
    this.#publish(this.#committed);
    const { lossScale: scale = this.#lossScale.scale, goodSteps = 0 } = progress;
    this.#lossScale = { scale, goodSteps };
    this.#version = version;
  }

  /** What a checkpoint keeps besides tensors and position. */
  get progress(): Readonly<Record<string, number>> {
    if (this.#job.training.wireFormat.gradients !== 'float16') return {};
    return { lossScale: this.#lossScale.scale, goodSteps: this.#lossScale.goodSteps };
  }

  #view(offset: Offset, length: number): Float32Array {
    return this.kernels.arena.view(offset, length) as Float32Array;
  }
}
