/**
 * Samples on their way from the data set to the compute threads: two slots, one that the pass under way reads and one that the next
 * batch is put into meanwhile, so that threads find their samples in place. Decides which slot takes what; a {@link SlotWriter}
 * puts it there, at once or on a thread of its own.
 */
import type { SplitName } from '../src/job/job.js';
import type { Offset } from '../src/kernels/arena.js';

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
  /** Of a training pass, counted from 0; null: an evaluation, which sees samples as they are. */
  readonly epoch: number | null;
  readonly first: number;
  readonly rows: number;
}

/** Puts the samples of batches into slots. */
export interface SlotWriter {
  /**
   * Writes a batch; of several, one after the other in the order of the calls.
   *
   * @returns what settles when the batch is in place; null when it is in place already.
   * @throws like what is returned rejects: RangeError when there is no such split or sample, LockstepError when its thread ended
   */
  write(slot: SlotNumber, batch: Batch): Promise<void> | null;
  close(): Promise<void>;
}

interface Slot {
  /** What is in it, or will be; half a batch is none. */
  batch: Batch | null;
  /** Settles when the batch is in place; null: it is. */
  written: Promise<void> | null;
}

export class Staging {
  readonly #slots: readonly [Slot, Slot] = [
    { batch: null, written: null },
    { batch: null, written: null },
  ];
  readonly #writer: SlotWriter;
  #current: SlotNumber = 0;

  constructor(writer: SlotWriter) {
    this.#writer = writer;
  }

  /**
   * The slot that holds a batch, which is put into it now unless {@link prepare} has begun that; a promise where that takes its
   * time. No pass may be under way, and none may begin before.
   */
  use(batch: Batch): SlotNumber | Promise<SlotNumber> {
    const staged = this.#slots.findIndex((slot) => slot.batch !== null && isSame(slot.batch, batch));
    if (staged >= 0) {
      this.#current = staged === 0 ? 0 : 1;
    } else {
      this.#current = other(this.#current);
      this.#fill(this.#current, batch);
    }
    const number = this.#current;
    const { written } = this.#slots[number];
    return written === null ? number : written.then(() => number);
  }

  /** Puts a batch that will probably be the next one into the slot that the pass under way does not read. */
  prepare(batch: Batch): void {
    if (batch.rows === 0 || this.#slots.some((slot) => slot.batch !== null && isSame(slot.batch, batch))) return;
    this.#fill(other(this.#current), batch);
  }

  close(): Promise<void> {
    return this.#writer.close();
  }

  #fill(number: SlotNumber, batch: Batch): void {
    const slot = this.#slots[number];
    slot.batch = null;
    slot.written = null;
    const writing = this.#writer.write(number, batch);
    slot.batch = batch;
    if (writing === null) return;
    // Another batch may have been asked for in its place by the time it settles.
    const isCurrent = (): boolean => slot.batch === batch;
    slot.written = writing.then(
      () => {
        if (isCurrent()) slot.written = null;
      },
      (thrown: unknown) => {
        if (isCurrent()) slot.batch = null;
        throw thrown;
      },
    );
    // Whoever wants the batch is told; a batch that nobody asks for may fail unheard.
    slot.written.catch(() => undefined);
  }
}

function other(slot: SlotNumber): SlotNumber {
  return slot === 0 ? 1 : 0;
}

function isSame(a: Batch, b: Batch): boolean {
  return a.split === b.split && a.epoch === b.epoch && a.first === b.first && a.rows === b.rows;
}
