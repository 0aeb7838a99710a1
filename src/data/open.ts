/** Data sets that another thread has loaded. */
import type { Dataset, DatasetParts, Splits } from './dataset.js';
import { DenseDataset } from './dense.js';
import { SubsetDataset } from './subset.js';

/** The data sets of a job as plain data. */
export interface SplitParts {
  readonly train: DatasetParts;
  readonly dev: DatasetParts | null;
  readonly test: DatasetParts | null;
}

export function partsOf({ train, dev, test }: Splits): SplitParts {
  return { train: train.parts, dev: dev?.parts ?? null, test: test?.parts ?? null };
}

export function openDataset({ featureShape, features, labels, rows }: DatasetParts): Dataset {
  const all = new DenseDataset(featureShape, features, labels);
  return rows === null ? all : new SubsetDataset(all, rows);
}

export function openSplits({ train, dev, test }: SplitParts): Splits {
  return {
    train: openDataset(train),
    dev: dev === null ? null : openDataset(dev),
    test: test === null ? null : openDataset(test),
  };
}
