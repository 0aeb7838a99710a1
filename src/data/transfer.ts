import type { Dataset, DatasetTransfer, DenseTransfer } from './dataset.js';
import { DenseDataset } from './dense.js';
import type { LoadedData } from './load.js';
import { SubsetDataset } from './subset.js';

/** A data set on the memory of another thread. */
export function datasetFromTransfer(transfer: DatasetTransfer): Dataset {
  if (transfer.kind === 'dense') return denseFromTransfer(transfer);
  return new SubsetDataset(denseFromTransfer(transfer.parent), transfer.rows);
}

function denseFromTransfer(transfer: DenseTransfer): DenseDataset {
  return new DenseDataset(transfer.featureShape, transfer.features, transfer.labels);
}

/** {@link LoadedData} as a plain object for `workerData` or `postMessage`: the samples are shared, not copied. */
export type LoadedDataTransfer = Omit<LoadedData, 'splits'> & {
  readonly splits: {
    readonly train: DatasetTransfer;
    readonly dev: DatasetTransfer | null;
    readonly test: DatasetTransfer | null;
  };
};

export function toTransfer(data: LoadedData): LoadedDataTransfer {
  const { train, dev, test } = data.splits;
  return {
    ...data,
    splits: {
      train: train.toTransfer(),
      dev: dev === null ? null : dev.toTransfer(),
      test: test === null ? null : test.toTransfer(),
    },
  };
}

export function fromTransfer(transfer: LoadedDataTransfer): LoadedData {
  const { train, dev, test } = transfer.splits;
  return {
    ...transfer,
    splits: {
      train: datasetFromTransfer(train),
      dev: dev === null ? null : datasetFromTransfer(dev),
      test: test === null ? null : datasetFromTransfer(test),
    },
  };
}
