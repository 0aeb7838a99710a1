/**
 * Samples on their way from the data set to the compute threads: two slots, one that the pass under way reads and one that the next
 * batch is put into meanwhile, so that threads find their samples in place.
 */
import type { Dataset, Splits } from '../src/data/dataset.js';
import type { EpochSampler } from '../src/data/sampler.js';
import type { SplitName } from '../src/job/job.js';
import type { Arena, Offset } from '../src/kernels/arena.js';

export type SlotNumber = 0 | 1;

/** Where the samples of a slot lie. */
export interface StagingSlot {
  /** [rows, features], as the data set stores them: float32, or bytes from the beginning of the block on. */
  readonly features: Offset;
  /** One per row. */
  readonly labels: Offset;
}

/** Consecutive positions of a split: in the order of an epoch, or in the split's own where `epoch` is null. */
export interface Batch {
  readonly split: SplitName;
  readonly epoch: number | null;
  readonly first: number;
  readonly rows: number;
}

interface Slot extends StagingSlot {
  batch: Batch | null;
}

export class Staging {
  readonly #arena: Arena;
  readonly #slots: readonly [Slot, Slot];
  readonly #splits: Splits;
  readonly #sampler: EpochSampler;
  readonly #ids: Uint32Array;
  #current: SlotNumber = 0;

  /** @param rows Most samples of a batch. @param sampler Of the training split. */
  constructor(
    arena: Arena,
    slots: readonly [StagingSlot, StagingSlot],
    rows: number,
    splits: Splits,
    sampler: EpochSampler,
  ) {
    this.#arena = arena;
    this.#slots = [
      { ...slots[0], batch: null },
      { ...slots[1], batch: null },
    ];
    this.#splits = splits;
    this.#sampler = sampler;
    this.#ids = new Uint32Array(rows);
  }

  /** The slot that holds a batch, which it is put into now unless {@link prepare} has done so. No pass may be under way. */
  use(batch: Batch): SlotNumber {
    const staged = this.#slots.findIndex((slot) => slot.batch !== null && isSame(slot.batch, batch));
    if (staged >= 0) {
      this.#current = staged === 0 ? 0 : 1;
    } else {
      this.#current = other(this.#current);
      this.#fill(this.#current, batch);
    }
    return this.#current;
  }

  /** Puts a batch that will probably be the next one into the slot that the pass under way does not read. */
  prepare(batch: Batch): void {
    if (batch.rows === 0 || this.#slots.some((slot) => slot.batch !== null && isSame(slot.batch, batch))) return;
    this.#fill(other(this.#current), batch);
  }

  #fill(number: SlotNumber, batch: Batch): void {
    const slot = this.#slots[number];
    // Half a batch is none.
    slot.batch = null;
    const { split, epoch, first, rows } = batch;
    const dataset = this.#splits[split];
    if (dataset === null) throw new RangeError(`this job has no ${split} split`);
    const ids = this.#ids;
    if (epoch === null) for (let row = 0; row < rows; row += 1) ids[row] = first + row;
    else this.#sampler.fill(epoch, first, rows, ids);
    this.#copy(dataset, rows, slot);
    slot.batch = batch;
  }

  #copy(dataset: Dataset, rows: number, { features, labels }: StagingSlot): void {
    const arena = this.#arena;
    if (dataset.dtype === 'uint8') dataset.copyFeatures(this.#ids, 0, rows, arena.bytes, features * arena.elementBytes);
    else dataset.copyFeatures(this.#ids, 0, rows, arena.floats, features);
    dataset.copyLabels(this.#ids, 0, rows, arena.floats, labels);
  }
}

function other(slot: SlotNumber): SlotNumber {
  return slot === 0 ? 1 : 0;
}

function isSame(a: Batch, b: Batch): boolean {
  return a.split === b.split && a.epoch === b.epoch && a.first === b.first && a.rows === b.rows;
}
