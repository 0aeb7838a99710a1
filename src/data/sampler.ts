/**
 * Which samples a step trains on: a pure function of the job and the step, so that every worker knows the samples of
 * its shards without being told, and a resumed run goes on in the middle of an epoch with the sample that is next.
 */
import { Permutation } from '../common/random/permutation.js';
import { Purpose } from '../common/random/purpose.js';

/** The stretch of an epoch's order that one step takes. */
export interface StepPosition {
  /** Counted from 0. */
  readonly epoch: number;
  /** Position of the step's first sample in the order of the epoch. */
  readonly first: number;
  /** Samples of the step: the batch size, or what is left at the end of an epoch. */
  readonly count: number;
}

/** Steps in one pass over `size` samples. A batch size of 0 stands for all samples at once. */
export function stepsPerEpoch(size: number, batchSize: number): number {
  return batchSize === 0 ? 1 : Math.ceil(size / batchSize);
}

/** Where a step (counted from 0 over the run) lies. The last batch of an epoch is short, neither dropped nor padded. */
export function stepPosition(step: number, size: number, batchSize: number): StepPosition {
  const steps = stepsPerEpoch(size, batchSize);
  const epoch = Math.floor(step / steps);
  const first = (step - epoch * steps) * batchSize;
  const count = batchSize === 0 ? size : Math.min(batchSize, size - first);
  return { epoch, first, count };
}

/** The batches of one update of the weights. */
export interface UpdateBatches {
  readonly epoch: number;
  /** Steps, as {@link stepPosition} counts them, one batch each. */
  readonly first: number;
  readonly end: number;
  /** Samples of all of them. */
  readonly samples: number;
}

/** Updates in one pass over the data, when each takes `accumulate` batches; the last one of an epoch may take fewer. */
export function updatesPerEpoch(size: number, batchSize: number, accumulate: number): number {
  return Math.ceil(stepsPerEpoch(size, batchSize) / accumulate);
}

/** The batches of an update, counted from 0 over the run. */
export function updateBatches(update: number, size: number, batchSize: number, accumulate: number): UpdateBatches {
  const steps = stepsPerEpoch(size, batchSize);
  const updates = updatesPerEpoch(size, batchSize, accumulate);
  const epoch = Math.floor(update / updates);
  const first = epoch * steps + (update - epoch * updates) * accumulate;
  const end = Math.min(first + accumulate, (epoch + 1) * steps);
  const start = stepPosition(first, size, batchSize);
  const last = stepPosition(end - 1, size, batchSize);
  return { epoch, first, end, samples: last.first + last.count - start.first };
}

/** The order of the samples in every epoch: their own, or a permutation that depends on seed and epoch alone. */
export class EpochSampler {
  readonly size: number;
  readonly #seed: number;
  readonly #shuffle: boolean;
  /** The permutation used last: steps ask for thousands of samples of one epoch. */
  #current: { readonly epoch: number; readonly permutation: Permutation } | null = null;

  /** @param options.size - samples of the training split. */
  constructor(options: { readonly size: number; readonly seed: number; readonly shuffle: boolean }) {
    this.size = options.size;
    this.#seed = options.seed;
    this.#shuffle = options.shuffle;
  }

  /** The sample at a position of an epoch's order. */
  sampleId(epoch: number, position: number): number {
    return this.#shuffle ? this.#permutation(epoch).at(position) : this.#inOrder(position);
  }

  /** Writes the samples at positions firstPosition … firstPosition + count − 1 of an epoch to out[0 … count − 1]. */
  fill(epoch: number, firstPosition: number, count: number, out: Uint32Array): void {
    if (count > out.length) throw new RangeError(`${count} samples do not fit an array of ${out.length}`);
    for (let i = 0; i < count; i++) out[i] = this.sampleId(epoch, firstPosition + i);
  }

  #inOrder(position: number): number {
    if (!(position >= 0 && position < this.size))
      throw new RangeError(`position ${position} is not below ${this.size}`);
    return position;
  }

  #permutation(epoch: number): Permutation {
    if (this.#current?.epoch !== epoch) {
      this.#current = { epoch, permutation: new Permutation(this.size, this.#seed, Purpose.shuffle, epoch) };
    }
    return this.#current.permutation;
  }
}
