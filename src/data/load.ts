import { LockstepError } from '../common/errors.js';
import type { Shape } from '../common/shape.js';
import type { DataSource, DataSpec } from '../job/job.js';
import type { Dataset, Splits } from './dataset.js';
import type { DenseDataset } from './dense.js';
import { DataFiles } from './files.js';
import type { Encoder, TrainingSource } from './formats/format.js';
import { splitRows } from './splits.js';
import { SubsetDataset } from './subset.js';

export interface LoadedData {
  readonly splits: Splits;
  /** Dimensions of one sample, the same in all splits. */
  readonly featureShape: Shape;
  /** Names of the classes, by index; null for regression. */
  readonly classes: readonly string[] | null;
  /** What the label is called, where the format has names. */
  readonly labelName: string | null;
  /** One name per feature, where the format has names. */
  readonly featureNames: readonly string[] | null;
  /** 64 hexadecimal digits, from the content of all files: machines that agree on it hold the same data. */
  readonly fingerprint: string;
}

export interface LoadOptions {
  /** Folder of the job file, which relative paths start from. */
  readonly baseDir: string;
  /** Seed of the job; decides which samples are held out. */
  readonly seed: number;
}

/**
 * Reads everything that a job trains and evaluates on. The result depends on the files, the spec and the seed alone.
 *
 * @throws LockstepError `data`: a file is missing or malformed, sources do not fit each other, or a split is empty.
 */
export async function loadData(spec: DataSpec, options: LoadOptions): Promise<LoadedData> {
  const files = new DataFiles(options.baseDir);
  const source = await openSource(spec.train, spec, files);

  const devShare = spec.dev === null ? spec.split.dev : 0;
  const testShare = spec.test === null ? spec.split.test : 0;
  const rows =
    devShare + testShare > 0
      ? splitRows({ size: source.size, strata: source.strata, dev: devShare, test: testShare, seed: options.seed })
      : null;
  const encoder = source.fit(rows?.train ?? null);
  const all = encoder.encode();

  const heldOut = (split: 'dev' | 'test', share: number): Dataset | null => {
    if (rows === null || share === 0) return null;
    if (rows[split].length === 0) throw emptySplit(split, share, source.size);
    return new SubsetDataset(all, rows[split]);
  };
  const other = async (split: 'dev' | 'test'): Promise<DenseDataset | null> => {
    const otherSource = spec[split];
    return otherSource === null ? null : encodeOther(encoder, otherSource, split, spec, files);
  };
  // One after the other: the fingerprint is taken in this order.
  const dev = (await other('dev')) ?? heldOut('dev', devShare);
  const test = (await other('test')) ?? heldOut('test', testShare);

  const splits: Splits = { train: rows === null ? all : new SubsetDataset(all, rows.train), dev, test };
  return {
    splits,
    featureShape: encoder.featureShape,
    classes: encoder.classes,
    labelName: encoder.labelName,
    featureNames: encoder.featureNames,
    fingerprint: files.fingerprint(),
  };
}

/** Loads the code of a format with the first source that has it. */
async function openSource(source: DataSource, spec: DataSpec, files: DataFiles): Promise<TrainingSource> {
  switch (source.format) {
    case 'idx': {
      const { idx } = await import('./formats/idx.js');
      return idx.open(source, spec.task, files);
    }
    case 'csv': {
      const { csv } = await import('./formats/csv.js');
      return csv.open(source, spec.task, files);
    }
  }
}

function encodeOther(
  encoder: Encoder,
  source: DataSource,
  split: 'dev' | 'test',
  spec: DataSpec,
  files: DataFiles,
): Promise<DenseDataset> {
  if (source.format !== spec.train.format) {
    throw new LockstepError('data', `data.${split} is in format ${source.format}, data.train in ${spec.train.format}`, {
      hint: 'Convert one of them: all sources of a job have the same format.',
    });
  }
  return encoder.encodeOther(source, split, files);
}

function emptySplit(split: string, share: number, size: number): LockstepError {
  return new LockstepError('data', `the ${split} split is empty: a share of ${share} of ${size} samples is none`, {
    hint: `Raise data.split.${split}, set it to 0, or give data.${split} a source of its own.`,
  });
}
