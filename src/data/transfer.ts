/**
 * Handing data sets to another thread as plain objects, for `workerData` or `postMessage`: the samples are shared, not
 * copied.
 */
import type { Dataset, DatasetTransfer, DenseTransfer, Splits } from './dataset.js';
import { DenseDataset } from './dense.js';
import { SubsetDataset } from './subset.js';

export interface SplitsTransfer {
  readonly train: DatasetTransfer;
  readonly dev: DatasetTransfer | null;
  readonly test: DatasetTransfer | null;
}

export function splitsToTransfer({ train, dev, test }: Splits): SplitsTransfer {
  return { train: train.toTransfer(), dev: dev?.toTransfer() ?? null, test: test?.toTransfer() ?? null };
}

/** The same splits, on the memory of the thread that they come from. */
export function splitsFromTransfer({ train, dev, test }: SplitsTransfer): Splits {
  return {
    train: datasetFromTransfer(train),
    dev: dev === null ? null : datasetFromTransfer(dev),
    test: test === null ? null : datasetFromTransfer(test),
  };
}

export function datasetFromTransfer(transfer: DatasetTransfer): Dataset {
  if (transfer.kind === 'dense') return denseFromTransfer(transfer);
  return new SubsetDataset(denseFromTransfer(transfer.parent), transfer.rows);
}

function denseFromTransfer(transfer: DenseTransfer): DenseDataset {
  return new DenseDataset(transfer.featureShape, transfer.features, transfer.labels);
}
