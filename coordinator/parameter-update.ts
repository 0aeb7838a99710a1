/**
 * How the parameters move from one copy of the model to the other, range by range. What depends on how they are cut, sums of squares,
 * is kept by blocks that no cut goes through.
 */
import type { TrainingSpec } from '../src/job/job.js';
import type { Offset } from '../src/kernels/arena.js';
import type { Kernels } from '../src/kernels/kernels.js';
import type { Model, TensorSpec } from '../src/nn/model.js';
import type { Optimizer } from '../src/optim/optimizer.js';
import { penaltyFactors, penaltyOf, type PenaltyFactors } from '../src/optim/penalties.js';
import { BUCKET_BLOCK, type Range } from '../src/reduce/buckets.js';
import type { ModelCopy } from './model-copy.js';

/** Sums of squares over one parameter tensor in one update. */
export interface ParameterNorms {
  /** Of the gradient of the cost, before clipping. */
  readonly gradient: number;
  /** Of the weights that the update started from. */
  readonly weights: number;
  /** Of what the update changed them by. */
  readonly update: number;
}

/** The gradient of a range: the place of its first element, a sum over the samples of the update times the loss scale. */
export interface RangeGradient {
  readonly range: Range;
  readonly gradient: Offset;
}

export interface UpdateRate {
  readonly learningRate: number;
  /** Number of the update, counted from 1 over the whole run. */
  readonly step: number;
  /** Factor on the gradient. */
  readonly clip: number;
}

export class ParameterUpdate {
  readonly #parameters: readonly TensorSpec[];
  readonly #training: TrainingSpec;
  readonly #optimizer: Optimizer;
  readonly #kernels: Kernels;
  readonly #from: ModelCopy;
  readonly #to: ModelCopy;
  readonly #batchCount: number;
  readonly #lossScale: number;
  /** Σ g² of each block of each parameter. */
  readonly #squares: readonly Float64Array[];

  /** @param batchCount Samples of the update. */
  constructor(
    {
      training,
      optimizer,
      kernels,
    }: { readonly training: TrainingSpec; readonly optimizer: Optimizer; readonly kernels: Kernels },
    { tensors }: Pick<Model, 'tensors'>,
    from: ModelCopy,
    to: ModelCopy,
    batchCount: number,
    lossScale: number,
  ) {
    this.#training = training;
    this.#optimizer = optimizer;
    this.#kernels = kernels;
    this.#parameters = tensors.filter(({ parameter }) => parameter !== null);
    this.#from = from;
    this.#to = to;
    this.#batchCount = batchCount;
    this.#lossScale = lossScale;
    this.#squares = this.#parameters.map(({ size }) => new Float64Array(Math.ceil(size / BUCKET_BLOCK)));
  }

  /** Takes the sums of squares of a range's gradient before it is {@link apply applied}. */
  measure({ range, gradient }: RangeGradient): void {
    this.#forEachBlock(range, (squares, block, at, count, [l2, l1]) => {
      const scale = 1 / (this.#batchCount * this.#lossScale);
      const place = gradient + at - range.start;
      squares[block] = this.#kernels.gradientSumSquares(count, this.#from.vector + at, place, scale, l2, l1);
    });
  }

  /**
   * Moves the parameters of a range.
   *
   * @param takeSquares Takes the sums of squares at the same time; else they have been {@link measure measured}.
   */
  apply({ range, gradient }: RangeGradient, { learningRate, step, clip }: UpdateRate, takeSquares: boolean): void {
    const scale = clip / (this.#batchCount * this.#lossScale);
    const [from, to] = [this.#from, this.#to];
    this.#forEachBlock(range, (squares, block, at, count, [l2, l1]) => {
      const sum = this.#optimizer.update(
        this.#kernels,
        {
          weights: from.vector + at,
          newWeights: to.vector + at,
          gradient: gradient + at - range.start,
          slots: from.slots.map((slot) => slot + at),
          newSlots: to.slots.map((slot) => slot + at),
          count,
        },
        { learningRate, scale, l2: l2 * clip, l1: l1 * clip, step },
      );
      publishParameters(this.#kernels, this.#training.wireFormat.weights, to, at, count);
      if (takeSquares) squares[block] = sum;
    });
  }

  /** Σ g² of each parameter, in model order: of the gradient of the cost, once all ranges are in. */
  get gradientSquares(): number[] {
    return this.#squares.map((blocks) => blocks.reduce((sum, block) => sum + block, 0));
  }

  /** λ/(2m)·‖W‖² + λ/(2m)·‖W‖₁ of the weights that the update starts from. */
  get penalty(): number {
    return this.#parameters.reduce((sum, tensor) => {
      const weights = this.#from.vector + tensor.offset;
      return sum + penaltyOf(this.#kernels, tensor.size, weights, this.#penalties(tensor));
    }, 0);
  }

  /** By parameter, in model order, once all ranges are applied. */
  get norms(): ParameterNorms[] {
    const { gradientSquares } = this;
    return this.#parameters.map(({ offset, size }, index) => {
      const [from, to] = [this.#from.vector + offset, this.#to.vector + offset];
      return {
        gradient: gradientSquares[index] ?? 0,
        weights: this.#kernels.sumSquares(size, from),
        // Σ (1·to − 1·from)²
        update: this.#kernels.gradientSumSquares(size, from, to, 1, -1, 0),
      };
    });
  }

  /** Visits the blocks of the parameters in a range: sums of the tensor, number of the block, first element, how many, L2 and L1 factors. */
  #forEachBlock(
    range: Range,
    visit: (squares: Float64Array, block: number, at: number, count: number, penalties: PenaltyFactors) => void,
  ): void {
    this.#parameters.forEach((tensor, index) => {
      const end = Math.min(range.end, tensor.offset + tensor.size);
      const squares = this.#squares[index] as Float64Array;
      for (let at = Math.max(range.start, tensor.offset); at < end; at += BUCKET_BLOCK) {
        const block = (at - tensor.offset) / BUCKET_BLOCK;
        visit(squares, block, at, Math.min(BUCKET_BLOCK, end - at), this.#penalties(tensor));
      }
    });
  }

  /** Factors on w and sign(w) that the penalties on a tensor add to the gradient. */
  #penalties({ parameter }: TensorSpec): PenaltyFactors {
    return penaltyFactors(this.#training.regularization, parameter?.penalized === true, this.#batchCount);
  }
}

/** Writes parameters as workers get them. */
export function publishParameters(
  kernels: Kernels,
  format: TrainingSpec['wireFormat']['weights'],
  { vector, published }: ModelCopy,
  at: number,
  count: number,
): void {
  if (published === vector) return;
  kernels.copy(count, vector + at, published + at);
  kernels.roundTo(format, count, published + at);
}
