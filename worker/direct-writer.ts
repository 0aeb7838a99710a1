/** Puts the samples of batches into slots, on the thread that asks for it. */
import { Augmenter } from '../src/data/augment/augmenter.js';
import type { Dataset, Splits } from '../src/data/dataset.js';
import { EpochSampler } from '../src/data/sampler.js';
import type { AugmentationSpec } from '../src/job/job.js';
import type { Arena } from '../src/kernels/arena.js';
import { sizeOf } from '../src/common/shape.js';
import type { Batch, SlotNumber, SlotWriter, StagingSlot } from './staging.js';

/** What is written where; plain data, for any thread. */
export interface StagingPlan {
  readonly slots: readonly [StagingSlot, StagingSlot];
  /** Most samples of a batch. */
  readonly rows: number;
  readonly seed: number;
  readonly shuffle: boolean;
  /** What happens to the samples of training passes; null: nothing. */
  readonly augmentation: AugmentationSpec | null;
}

export class DirectWriter implements SlotWriter {
  readonly #arena: Arena;
  readonly #slots: StagingPlan['slots'];
  readonly #splits: Splits;
  readonly #sampler: EpochSampler;
  readonly #augmenter: Augmenter | null;
  readonly #ids: Uint32Array;

  constructor(arena: Arena, splits: Splits, { slots, rows, seed, shuffle, augmentation }: StagingPlan) {
    this.#arena = arena;
    this.#slots = slots;
    this.#splits = splits;
    this.#sampler = new EpochSampler({ size: splits.train.size, seed, shuffle });
    this.#augmenter = augmentation === null ? null : new Augmenter(augmentation, splits.train.featureShape, seed);
    this.#ids = new Uint32Array(rows);
  }

  write(slot: SlotNumber, { split, epoch, first, rows }: Batch): null {
    const dataset = this.#splits[split];
    if (dataset === null) throw new RangeError(`this job has no ${split} split`);
    const ids = this.#ids;
    if (epoch === null) for (let row = 0; row < rows; row += 1) ids[row] = first + row;
    else this.#sampler.fill(epoch, first, rows, ids);
    this.#copy(dataset, rows, this.#slots[slot]);
    if (epoch !== null && this.#augmenter !== null) this.#augment(this.#augmenter, dataset, epoch, rows, slot);
    return null;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #copy(dataset: Dataset, rows: number, { features, labels }: StagingSlot): void {
    const arena = this.#arena;
    if (dataset.dtype === 'uint8') dataset.copyFeatures(this.#ids, 0, rows, arena.bytes, features * arena.elementBytes);
    else dataset.copyFeatures(this.#ids, 0, rows, arena.floats, features);
    dataset.copyLabels(this.#ids, 0, rows, arena.floats, labels);
  }

  #augment(augmenter: Augmenter, dataset: Dataset, epoch: number, rows: number, slot: SlotNumber): void {
    const arena = this.#arena;
    const { features } = this.#slots[slot];
    const width = sizeOf(dataset.featureShape);
    const isBytes = dataset.dtype === 'uint8';
    const pixels = isBytes ? arena.bytes : (arena.floats as Float32Array);
    const start = isBytes ? features * arena.elementBytes : features;
    for (let row = 0; row < rows; row += 1) {
      augmenter.apply(epoch, this.#ids[row] as number, pixels, start + row * width);
    }
  }
}
