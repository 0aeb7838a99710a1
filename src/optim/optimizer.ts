/**
 * The contract of an optimizer: how a range of parameters moves, given the gradient that all workers agreed on.
 *
 * An optimizer holds no state. What it remembers between updates lies in slots beside the parameters, and the number of
 * the update is an argument; a checkpoint is therefore complete with the slots and one integer. The same range may be
 * updated in pieces of any size and in any order with the same weights and slots: every rule here works element by element.
 * The sum of squares of the gradient is the one result that depends on the pieces: whoever adds several of them up must cut tensors
 * into the same blocks however they are updated (BUCKET_BLOCK in src/reduce/buckets.ts).
 */
import type { Kernels } from '../kernels/kernels.js';
import type { Offset } from '../kernels/arena.js';

/** A run of parameters that is updated in one pass over memory. */
export interface ParameterRange {
  /** [count] */
  readonly weights: Offset;
  /** [count], the weights after the update; `weights` itself to update in place. */
  readonly newWeights: Offset;
  /** [count], the sum (or mean, see `scale`) of the gradient of the loss over the batch. */
  readonly gradient: Offset;
  /** One block of [count] per name in {@link Optimizer.slots}, in that order; zero before the first update. */
  readonly slots: readonly Offset[];
  /** The same blocks after the update; `slots` itself to update in place. */
  readonly newSlots: readonly Offset[];
  readonly count: number;
}

/** What one update needs besides memory. The gradient used is g = scale·gradient + l2·w + l1·sign(w), sign(0) = 0. */
export interface UpdateSettings {
  /** The rate α of this step, decay and warm-up included. */
  readonly learningRate: number;
  /** Factor on the gradient: 1 / samples for a sum over the batch, times the clip factor where clipping is on. */
  readonly scale: number;
  /** Factor on w: λ/m for a penalty λ/(2m)·‖W‖², times the clip factor. 0 for parameters that are not penalised. */
  readonly l2: number;
  /**
   * Factor on sign(w): λ/(2m) for a penalty λ/(2m)·‖W‖₁, times the clip factor. 0 for parameters that are not
   * penalised.
   */
  readonly l1: number;
  /** Number t of this update, counted from 1 over the whole run. */
  readonly step: number;
}

export interface Optimizer {
  /** Names of the state kept per parameter, e.g. `['velocity', 'square']`; each slot is as long as the parameters. */
  readonly slots: readonly string[];
  /**
   * Writes `range.newWeights` and `range.newSlots`: weights and slots, moved by one update.
   *
   * @returns Σ g² of the range, in float64.
   */
  update(kernels: Kernels, range: ParameterRange, settings: UpdateSettings): number;
}

/**
 * The offset of slot `index` among the slots of a range.
 *
 * @throws RangeError when the caller set out fewer slots than the optimizer has.
 */
export function slotOffset(slots: readonly Offset[], index: number): Offset {
  const offset = slots[index];
  if (offset === undefined) throw new RangeError(`slot ${index} is missing: the range has ${slots.length}`);
  return offset;
}
