/**
 * The contract of a data format. Some of what turns a file into numbers (classes, categories) has to come from the
 * training rows alone, and which rows those are may depend on the labels; hence three stages:
 *
 *   open   the training source is read            → {@link TrainingSource}: how many rows, of which classes
 *   fit    the training rows are known            → {@link Encoder}: classes and categories
 *   encode every source becomes a data set by the same encoder
 */
import type { Shape } from '../../common/shape.js';
import type { DataSource, DataSpec, SplitName } from '../../job/job.js';
import type { DenseDataset } from '../dense.js';
import type { DataFiles } from '../files.js';

export type Task = DataSpec['task'];

export interface Format<Source extends DataSource = DataSource> {
  /**
   * Reads the source that the training samples are in.
   *
   * @throws LockstepError `data` when a file is missing or malformed; the message names file, row or line, and column.
   */
  open(source: Source, task: Task, files: DataFiles): Promise<TrainingSource<Source>>;
}

export interface TrainingSource<Source extends DataSource = DataSource> {
  /** Number of samples, held-out ones included. */
  readonly size: number;
  /** For classification the class of each sample, in some numbering; null for regression. */
  readonly strata: Uint32Array | null;
  /** @param trainRows - the samples that will be trained on; null: all of them. */
  fit(trainRows: Uint32Array | null): Encoder<Source>;
}

export interface Encoder<Source extends DataSource = DataSource> {
  readonly featureShape: Shape;
  /** Names of the classes, by index; null for regression. */
  readonly classes: readonly string[] | null;
  /** What the label is called, where the format has names. */
  readonly labelName: string | null;
  /** One name per feature, where the format has names. */
  readonly featureNames: readonly string[] | null;

  /**
   * All samples of the training source.
   *
   * @throws LockstepError `data` when a held-out sample has a category that no training row has.
   */
  encode(): DenseDataset;

  /**
   * Reads the source of another split.
   *
   * @throws LockstepError `data` as `open` does, and when it does not agree with the training source in shape, columns,
   *   classes or categories.
   */
  encodeOther(source: Source, split: SplitName, files: DataFiles): Promise<DenseDataset>;
}

/** More classes, or categories in a column, than this are taken for a mistake in the choice of the column. */
export const MAX_CATEGORIES = 65_536;
