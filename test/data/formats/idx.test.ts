import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { loadData, type LoadedData } from '../../../src/data/load.js';
import type { DataSpec } from '../../../src/job/job.js';
import { dataError, dataSpec, idxBytes, idxSource, labelsOf, rowsOf, temporaryFolder } from '../helpers.js';

const folder = temporaryFolder();
const options = { baseDir: folder.path, seed: 1 };

/** Loads a features and a labels file of this content. */
function load(features: Uint8Array, labels: Uint8Array, spec: Partial<DataSpec> = {}): Promise<LoadedData> {
  return loadData(
    dataSpec(idxSource(folder.write('features', features), folder.write('labels', labels)), spec),
    options,
  );
}

const images = idxBytes(0x08, [2, 2, 3], [0, 1, 2, 3, 4, 255, 6, 7, 8, 9, 10, 11]);
const labels = idxBytes(0x08, [2], [3, 0]);

describe('IDX', () => {
  it('reads images as bytes, with the label as class', async () => {
    const data = await load(images, labels);
    expect(data.featureShape).toEqual([2, 3, 1]);
    expect(data.splits.train.dtype).toBe('uint8');
    expect(rowsOf(data.splits.train)).toEqual([
      [0, 1, 2, 3, 4, 255],
      [6, 7, 8, 9, 10, 11],
    ]);
    expect(labelsOf(data.splits.train)).toEqual([3, 0]);
    expect(data.classes).toEqual(['0', '1', '2', '3']);
    expect([data.featureNames, data.labelName, data.splits.dev, data.splits.test]).toEqual([null, null, null, null]);
  });

  it('reads gzip whatever the file is called, with the same fingerprint', async () => {
    const plain = await load(images, labels);
    const packed = await load(gzipSync(images), gzipSync(labels));
    expect(rowsOf(packed.splits.train)).toEqual(rowsOf(plain.splits.train));
    expect(packed.fingerprint).toBe(plain.fingerprint);
  });

  it('reads float32, which is big-endian in the file, in all shapes', async () => {
    const values = [1.5, -2.25, 1e-3, 7];
    const flat = await load(idxBytes(0x0d, [2, 2], values), labels);
    expect(flat.splits.train.dtype).toBe('float32');
    expect(flat.featureShape).toEqual([2]);
    expect(rowsOf(flat.splits.train)).toEqual([
      [1.5, -2.25],
      [Math.fround(1e-3), 7],
    ]);
    expect((await load(idxBytes(0x0d, [2, 1, 1, 2], values), labels)).featureShape).toEqual([1, 1, 2]);
  });

  it('takes numbers as labels for regression', async () => {
    const data = await load(images, idxBytes(0x0d, [2], [-0.5, 12.25]), { task: 'regression' });
    expect(labelsOf(data.splits.train)).toEqual([-0.5, 12.25]);
    expect(data.classes).toBeNull();
    expect(
      labelsOf((await load(images, idxBytes(0x0c, [2], [-7, 70_000]), { task: 'regression' })).splits.train),
    ).toEqual([-7, 70_000]);
  });

  it.each<[string, Uint8Array, Uint8Array, string[]]>([
    [
      'a truncated file',
      images.subarray(0, 20),
      labels,
      ['features is truncated', 'expected 28 bytes', '2×2×3', 'found 20'],
    ],
    ['a truncated header', images.subarray(0, 10), labels, ['expected 16 bytes', 'found 10']],
    [
      'trailing bytes',
      new Uint8Array([...images, 0]),
      labels,
      ['longer than its header says', 'expected 28', 'found 29'],
    ],
    [
      'another kind of file',
      Buffer.from('\x89PNG\r\n'),
      labels,
      ['features is not an IDX file', '0xc289504e', '0x00000803'],
    ],
    ['an empty file', new Uint8Array(0), labels, ['it is empty']],
    ['no samples', idxBytes(0x08, [0, 2, 2], []), labels, ['holds no samples', '0×2×2']],
    [
      'an element type without support',
      idxBytes(0x0e, [2, 1], [1, 2]),
      labels,
      ['features of type float64', 'float32'],
    ],
    ['integer features', idxBytes(0x0c, [2, 1], [1, 2]), labels, ['features of type int32']],
    ['features without dimensions', labels, labels, ['is this the label file?']],
    ['images as labels', images, images, ['labels has 3 dimensions', 'exchanged']],
    ['counts that differ', images, idxBytes(0x08, [3], [0, 1, 2]), ['2 samples in', '3 labels in']],
    ['a label that is no class', images, idxBytes(0x0d, [2], [1, 1.5]), ['label of sample 1', 'is 1.5', 'regression']],
    ['a negative label', images, idxBytes(0x0c, [2], [-1, 1]), ['label of sample 0', 'is -1']],
    [
      'NaN in the features',
      idxBytes(0x0d, [2, 3], [1, 2, 3, 4, NaN, 6]),
      labels,
      ['feature 1 of sample 1', 'NaN', 'finite'],
    ],
    ['a damaged gzip file', gzipSync(images).subarray(0, 25), labels, ['damaged gzip file', 'unexpected end of file']],
  ])('names the fault: %s', async (_, featureBytes, labelBytes, parts) => {
    const message = await dataError(() => load(featureBytes, labelBytes));
    for (const part of [folder.path, ...parts]) expect(message).toContain(part);
  });

  it('refuses a NaN to be approximated', async () => {
    const message = await dataError(() => load(images, idxBytes(0x0d, [2], [1, NaN]), { task: 'regression' }));
    expect(message).toContain('label of sample 1 (from 0)');
  });

  it('refuses splits that do not fit the training split', async () => {
    const other = (name: string, bytes: Uint8Array): string => folder.write(name, bytes);
    const test = (features: Uint8Array, labelBytes: Uint8Array): Promise<string> =>
      dataError(() =>
        load(images, labels, { test: idxSource(other('features2', features), other('labels2', labelBytes)) }),
      );
    expect(await test(idxBytes(0x08, [1, 2, 2], [1, 2, 3, 4]), idxBytes(0x08, [1], [0]))).toContain(
      'has samples of 2×2×1, the training split of 2×3×1',
    );
    const outOfRange = await test(images, idxBytes(0x08, [2], [0, 4]));
    expect(outOfRange).toContain('label 4 of sample 1');
    expect(outOfRange).toContain('0 to 3');
    const floats = idxBytes(0x0d, [1, 2, 3], [1, 2, 3, 4, 5, 6]);
    expect(await test(floats, idxBytes(0x08, [1], [0]))).toContain('different element types');
  });
});
