import type { LossName, TrainingSpec } from '../job/job.js';
import type { Offset, Precision } from '../kernels/arena.js';
import type { KernelFactory } from '../kernels/kernels.js';
import type { Model, TensorSpec } from '../nn/model.js';
import { penaltyFactors, penaltyOf, type PenaltyFactors } from '../optim/penalties.js';
import { PassRig, type Batch, type Floats } from './pass-rig.js';
import { simulateLoss, simulateStep } from './simulated-step.js';

export interface CostOptions {
  readonly model: Model;
  readonly loss: LossName;
  readonly regularization: TrainingSpec['regularization'];
  /** Seed of the job: of the dropout masks, which are those of one step and stay the same. */
  readonly seed: number;
  readonly batch: Batch;
  /** Logical shards of the batch; batch norm looks at one of them, or at all. */
  readonly shards: number;
  /** Step whose dropout masks are used; default: the first. */
  readonly step?: number;
}

/** The optimizer's own kernel gives the gradient back as w − rate·g; a large power of two keeps its bits. */
const RATE = 2 ** 20;

/**
 * The cost that training minimises, as a function of the weights: J(w) = (1/m)·Σ loss + λ₂/(2m)·‖W‖² + λ₁/(2m)·‖W‖₁ over one batch
 * of m samples. A pass is one of training: batch norm uses the moments of the batch, dropout its masks.
 */
export class Cost {
  /** The model vector: J is computed at what stands here. It starts with the initial weights of the seed. */
  readonly weights: Floats;
  readonly #options: CostOptions;
  readonly #rig: PassRig;
  readonly #vector: Offset;
  readonly #moved: Offset;
  readonly #sums: Offset;

  /** @throws RangeError when model and batch do not fit the memory that one process can address. */
  constructor(options: CostOptions, factory: KernelFactory, precision: Precision) {
    const { model, loss, seed, batch, shards } = options;
    this.#options = options;
    const spareElements = 2 * (model.parameterElements + 16);
    const maxRows = batch.targets.length;
    this.#rig = new PassRig({ model, loss, factory, precision, seed, maxRows, maxShards: shards, spareElements });
    const { arena } = this.#rig.kernels;
    this.#sums = arena.allocate(model.parameterElements);
    this.#moved = arena.allocate(model.parameterElements);
    this.weights = this.#rig.weights;
    this.#vector = this.weights.byteOffset / arena.elementBytes;
  }

  /** J at `weights`. */
  value(): number {
    const { batch } = this.#options;
    const penalties = this.#parameters().reduce((sum, tensor) => {
      return sum + penaltyOf(this.#rig.kernels, tensor.size, this.#vector + tensor.offset, this.#penalties(tensor));
    }, 0);
    return simulateLoss([this.#whole], batch, this.#settings) / batch.targets.length + penalties;
  }

  /** ∂J/∂w at `weights`, laid out like the parameters, as the optimizer uses it. */
  gradient(): Float64Array {
    const { model, batch } = this.#options;
    const { kernels } = this.#rig;
    const { floats } = kernels.arena;
    floats.set(simulateStep([this.#whole], batch, this.#settings).gradient, this.#sums);
    const gradient = new Float64Array(model.parameterElements);
    for (const tensor of this.#parameters()) {
      const { offset, size } = tensor;
      const [l2, l1] = this.#penalties(tensor);
      const [from, to] = [this.#vector + offset, this.#moved + offset];
      kernels.gradientDescent(size, from, this.#sums + offset, to, 1 / batch.targets.length, l2, l1, RATE);
      for (let i = 0; i < size; i += 1) {
        gradient[offset + i] = ((floats[from + i] as number) - (floats[to + i] as number)) / RATE;
      }
    }
    return gradient;
  }

  /** The outputs of the last layer in the pass before, [samples, width]. */
  get outputs(): Floats {
    const { model, batch } = this.#options;
    const width = model.outputShape.reduce((product, dimension) => product * dimension, 1);
    return this.#rig.kernels.arena.view(this.#rig.program.outputs, batch.targets.length * width);
  }

  get #whole() {
    return { rig: this.#rig, range: { first: 0, end: this.#options.shards } };
  }

  get #settings() {
    return { step: this.#options.step ?? 0, totalShards: this.#options.shards };
  }

  #parameters(): readonly TensorSpec[] {
    return this.#options.model.tensors.filter(({ parameter }) => parameter !== null);
  }

  #penalties({ parameter }: TensorSpec): PenaltyFactors {
    const { regularization, batch } = this.#options;
    return penaltyFactors(regularization, parameter?.penalized === true, batch.targets.length);
  }
}
