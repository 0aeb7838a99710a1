import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect } from 'vitest';
import { LockstepError } from '../../src/common/errors.js';
import { sizeOf } from '../../src/common/shape.js';
import type { Dataset } from '../../src/data/dataset.js';
import { DenseDataset } from '../../src/data/dense.js';
import type { DataSource, DataSpec } from '../../src/job/job.js';

/** A folder for the files of one test file, removed at its end. */
export function temporaryFolder(): {
  readonly path: string;
  write(name: string, content: string | Uint8Array): string;
} {
  const folder = mkdtempSync(path.join(tmpdir(), 'lockstep-data-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  return {
    path: folder,
    write(name, content) {
      writeFileSync(path.join(folder, name), content);
      return name;
    },
  };
}

const ELEMENT_BYTES: Readonly<Record<number, number>> = { 0x08: 1, 0x0c: 4, 0x0d: 4, 0x0e: 8 };

/** The bytes of an IDX file. */
export function idxBytes(
  type: 0x08 | 0x0c | 0x0d | 0x0e,
  shape: readonly number[],
  values: readonly number[],
): Uint8Array {
  const headerBytes = 4 + 4 * shape.length;
  const elementBytes = ELEMENT_BYTES[type] ?? 0;
  const view = new DataView(new ArrayBuffer(headerBytes + values.length * elementBytes));
  view.setUint32(0, (type << 8) | shape.length);
  shape.forEach((dimension, i) => view.setUint32(4 + 4 * i, dimension));
  values.forEach((value, i) => {
    const at = headerBytes + i * elementBytes;
    if (type === 0x08) view.setUint8(at, value);
    else if (type === 0x0c) view.setInt32(at, value);
    else if (type === 0x0d) view.setFloat32(at, value);
    else view.setFloat64(at, value);
  });
  return new Uint8Array(view.buffer);
}

export function csvSource(file: string, label: string, options: Partial<DataSource> = {}): DataSource {
  return { format: 'csv', path: file, label, delimiter: ',', categorical: [], ignore: [], ...options } as DataSource;
}

export function idxSource(features: string, labels: string): DataSource {
  return { format: 'idx', features, labels };
}

/** A spec with one source, no held-out splits and no normalisation, unless told otherwise. */
export function dataSpec(train: DataSource, options: Partial<DataSpec> = {}): DataSpec {
  return {
    task: 'classification',
    train,
    dev: null,
    test: null,
    split: { dev: 0, test: 0 },
    normalize: 'none',
    augmentation: null,
    ...options,
  };
}

export function denseDataset(
  featureShape: readonly number[],
  features: Uint8Array | Float32Array,
  labels: readonly number[],
): DenseDataset {
  const shared = new SharedArrayBuffer(features.byteLength);
  const copy = features instanceof Uint8Array ? new Uint8Array(shared) : new Float32Array(shared);
  copy.set(features);
  const sharedLabels = new Float64Array(new SharedArrayBuffer(labels.length * 8));
  sharedLabels.set(labels);
  return new DenseDataset(featureShape, copy, sharedLabels);
}

/** All samples, a row each. */
export function rowsOf(dataset: Dataset): number[][] {
  const width = sizeOf(dataset.featureShape);
  const all = new Float32Array(dataset.size * width);
  dataset.copyFeatures(
    Array.from({ length: dataset.size }, (_, i) => i),
    0,
    dataset.size,
    all,
    0,
  );
  return Array.from({ length: dataset.size }, (_, i) => [...all.subarray(i * width, (i + 1) * width)]);
}

export function labelsOf(dataset: Dataset | null): number[] {
  if (dataset === null) throw new Error('there is no such split');
  const labels = new Float64Array(dataset.size);
  dataset.copyLabels(
    Array.from({ length: dataset.size }, (_, i) => i),
    0,
    dataset.size,
    labels,
    0,
  );
  return [...labels];
}

/** The error of code `data` that an action ends with, as message and hint in one text. */
export async function dataError(action: () => unknown): Promise<string> {
  try {
    await action();
  } catch (error) {
    expect(error).toBeInstanceOf(LockstepError);
    const { code, message, hint } = error as LockstepError;
    expect(code).toBe('data');
    expect(hint).toBeTruthy();
    return `${message} | ${hint}`;
  }
  throw new Error('no error was thrown');
}
