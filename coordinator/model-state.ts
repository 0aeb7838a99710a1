/**
 * The one place where the model changes: weights, optimizer state and running statistics, all in the coordinator's arena,
 * moved from one version to the next by a committed step.
 */
import type { Job } from '../src/job/job.js';
import { Arena, MAX_ARENA_BYTES, allocationSize, type Offset } from '../src/kernels/arena.js';
import { KERNEL_SCRATCH_ELEMENTS, type BackendName, type Kernels } from '../src/kernels/kernels.js';
import { kernelFactory } from '../src/kernels/select.js';
import type { Exchange } from '../src/nn/layer.js';
import { initializeModel, type Model, type TensorSpec } from '../src/nn/model.js';
import { clipFactor } from '../src/optim/clipping.js';
import { createOptimizer } from '../src/optim/create.js';
import type { Optimizer } from '../src/optim/optimizer.js';
import { createSchedule } from '../src/optim/schedules/create.js';
import type { Schedule } from '../src/optim/schedules/schedule.js';
import type { ModelSnapshot } from '../src/protocol/link.js';
import { LockstepError } from '../src/common/errors.js';
import type { ExchangeOutcome } from './step-attempt.js';

export interface UpdateResult {
  readonly learningRate: number;
  /** Norm of the gradient of the cost, before clipping. */
  readonly gradientNorm: number;
  /** λ/(2m)·‖W‖² + λ/(2m)·‖W‖₁ at the weights that the step started from. */
  readonly penalty: number;
}

/** The parts of a committed state that a checkpoint keeps besides its position. */
export interface StateTensors {
  readonly model: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    readonly values: Float32Array;
  }[];
  readonly slots: readonly { readonly name: string; readonly values: Float32Array }[];
}

export class ModelState {
  readonly kernels: Kernels;
  /** Blocks that take arriving gradient sums, each as long as the parameters. */
  readonly gradientBlocks: readonly Offset[];
  readonly #model: Model;
  readonly #job: Job;
  readonly #optimizer: Optimizer;
  readonly #schedule: Schedule;
  /** The model vector. */
  readonly vector: Offset;
  readonly #isShared: boolean;
  readonly #slots: readonly Offset[];
  #version = 0;
  /** The vector of a snapshot that nobody reads any more. */
  #recycled: Float32Array | null = null;

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
    const { elements, blocks } = layOut(job, model, this.#optimizer);
    const arena = shared ?? Arena.create(elements);
    this.#isShared = shared !== undefined;
    this.kernels = kernelFactory(backend)(arena, arena.allocate(KERNEL_SCRATCH_ELEMENTS));
    this.vector = arena.allocate(model.vectorElements);
    this.#slots = this.#optimizer.slots.map(() => arena.allocate(model.parameterElements));
    this.gradientBlocks = Array.from({ length: blocks }, () => arena.allocate(model.parameterElements));
    initializeModel(model, job.seed, arena.view(this.vector, model.vectorElements));
  }

  /** Number of committed updates. */
  get version(): number {
    return this.#version;
  }

  /**
   * The model vector as it stands: a copy, or the vector itself in shared memory, where the one worker is done with a version
   * before the next is made.
   */
  snapshot(): ModelSnapshot {
    if (this.#isShared) return { version: this.#version, vector: this.#view(this.vector, this.#model.vectorElements) };
    const vector = this.#recycled ?? new Float32Array(this.#model.vectorElements);
    this.#recycled = null;
    vector.set(this.#view(this.vector, this.#model.vectorElements));
    return { version: this.#version, vector };
  }

  /** Takes back a snapshot that nobody reads any more: the next one is made in its place. */
  recycle({ vector }: ModelSnapshot): void {
    if (!this.#isShared) this.#recycled = vector;
  }

  /** The rate that the step at this position will use. */
  learningRate(step: number, epoch: number): number {
    return this.#schedule({ step, epoch });
  }

  /**
   * Commits a step: moves the parameters along the gradient, and the running statistics towards the batch's moments.
   *
   * @param gradient Sum over the batch's samples, laid out like the parameters.
   */
  update(step: {
    epoch: number;
    batchCount: number;
    gradient: Offset;
    moments: readonly (readonly [Exchange, ExchangeOutcome])[];
  }): UpdateResult {
    const { kernels } = this;
    const { regularization, clipNorm } = this.#job.training;
    const parameters = this.#model.tensors.filter((tensor) => tensor.parameter !== null);
    const scale = 1 / step.batchCount;
    const l2 = regularization.l2 / step.batchCount;
    const l1 = regularization.l1 / (2 * step.batchCount);
    const penalties = (tensor: TensorSpec): readonly [number, number] =>
      tensor.parameter?.penalized === true ? [l2, l1] : [0, 0];

    let squaredNorm = 0;
    let penalty = 0;
    for (const tensor of parameters) {
      const [tensorL2, tensorL1] = penalties(tensor);
      const weights = this.vector + tensor.offset;
      squaredNorm += kernels.gradientSumSquares(
        tensor.size,
        weights,
        step.gradient + tensor.offset,
        scale,
        tensorL2,
        tensorL1,
      );
      if (tensorL2 > 0) penalty += (tensorL2 / 2) * kernels.sumSquares(tensor.size, weights);
      if (tensorL1 > 0) penalty += tensorL1 * kernels.sumAbs(tensor.size, weights);
    }
    const gradientNorm = Math.sqrt(squaredNorm);
    const clip = clipFactor(gradientNorm, clipNorm);
    const learningRate = this.learningRate(this.#version, step.epoch);
    for (const tensor of parameters) {
      const [tensorL2, tensorL1] = penalties(tensor);
      const weights = this.vector + tensor.offset;
      const slots = this.#slots.map((slot) => slot + tensor.offset);
      const range = {
        weights,
        newWeights: weights,
        gradient: step.gradient + tensor.offset,
        slots,
        newSlots: slots,
        count: tensor.size,
      };
      const settings = {
        learningRate,
        scale: scale * clip,
        l2: tensorL2 * clip,
        l1: tensorL1 * clip,
        step: this.#version + 1,
      };
      this.#optimizer.update(kernels, range, settings);
    }
    for (const [exchange, outcome] of step.moments) this.#moveStatistics(exchange, outcome);
    this.#version += 1;
    return { learningRate, gradientNorm, penalty };
  }

  /** Everything a checkpoint holds, copied. */
  tensors(): StateTensors {
    return {
      model: this.#model.tensors.map((tensor) => ({
        name: tensor.name,
        shape: tensor.shape,
        values: this.#view(this.vector + tensor.offset, tensor.size).slice(),
      })),
      slots: this.#optimizer.slots.map((name, index) => ({
        name,
        values: this.#view(this.#slots[index] ?? 0, this.#model.parameterElements).slice(),
      })),
    };
  }

  /**
   * Takes over a saved state.
   *
   * @throws LockstepError `data` when its tensors are not those of this model and optimizer.
   */
  restore(version: number, model: ReadonlyMap<string, Float32Array>, slots: ReadonlyMap<string, Float32Array>): void {
    const fit = (name: string, values: Float32Array | undefined, size: number): Float32Array => {
      if (values?.length === size) return values;
      const found = values === undefined ? 'is missing' : `has ${values.length} elements`;
      throw new LockstepError('data', `checkpoint: tensor ${name} ${found}, this job needs ${size}`);
    };
    for (const tensor of this.#model.tensors) {
      this.#view(this.vector + tensor.offset, tensor.size).set(fit(tensor.name, model.get(tensor.name), tensor.size));
    }
    this.#optimizer.slots.forEach((name, index) => {
      const size = this.#model.parameterElements;
      this.#view(this.#slots[index] ?? 0, size).set(fit(name, slots.get(name), size));
    });
    this.#version = version;
  }

  #view(offset: Offset, length: number): Float32Array {
    return this.kernels.arena.view(offset, length) as Float32Array;
  }

  /** running ← momentum·running + (1 − momentum)·batch, with the unbiased variance. */
  #moveStatistics(exchange: Exchange, { values, count }: ExchangeOutcome): void {
    if (exchange.statistics === null) return;
    const { momentum, mean, variance } = exchange.statistics;
    const features = exchange.width / 2;
    const unbiased = count > 1 ? count / (count - 1) : 1;
    const node = this.#model.nodes[exchange.layer];
    const find = (name: string): Float32Array => {
      const fullName = `${exchange.layer}.${node?.layer.type}.${name}`;
      const tensor = this.#model.tensors.find((candidate) => candidate.name === fullName);
      if (tensor === undefined) throw new RangeError(`model has no tensor ${fullName}`);
      return this.#view(this.vector + tensor.offset, tensor.size);
    };
    const [runningMean, runningVariance] = [find(mean), find(variance)];
    for (let j = 0; j < features; j += 1) {
      runningMean[j] = momentum * (runningMean[j] as number) + (1 - momentum) * (values[j] as number);
      runningVariance[j] =
        momentum * (runningVariance[j] as number) + (1 - momentum) * (values[features + j] as number) * unbiased;
    }
  }
}

/** Elements of memory that the state of a job takes. */
export function stateElements(job: Job, model: Model): number {
  return layOut(job, model, createOptimizer(job.training.optimizer)).elements;
}

function layOut(job: Job, model: Model, optimizer: Optimizer): { readonly elements: number; readonly blocks: number } {
  const parameters = allocationSize(model.parameterElements);
  const fixed = KERNEL_SCRATCH_ELEMENTS + allocationSize(model.vectorElements) + optimizer.slots.length * parameters;
  // One block per shard is what the most scattered arrival needs; the address space may allow fewer.
  const room = Math.floor((MAX_ARENA_BYTES / 4 - fixed) / parameters) - 1;
  const blocks = Math.min(job.training.shards, room);
  if (blocks < 1) {
    throw new LockstepError(
      'job',
      `a model of ${model.parameterCount} parameters does not fit the 4 GiB of a coordinator`,
    );
  }
  return { elements: fixed + blocks * parameters, blocks };
}
