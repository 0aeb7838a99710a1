import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SubsetDataset } from '../../src/data/subset.js';
import { denseDataset } from './helpers.js';

function sharedRows(...rows: number[]): Uint32Array<SharedArrayBuffer> {
  const shared = new Uint32Array(new SharedArrayBuffer(rows.length * 4));
  shared.set(rows);
  return shared;
}

const bytes = denseDataset([2], Uint8Array.of(0, 1, 10, 11, 20, 21, 30, 31), [5, 6, 7, 8]);

describe.each([
  ['DenseDataset', bytes, (id: number) => id],
  ['SubsetDataset', new SubsetDataset(bytes, sharedRows(3, 1)), (id: number) => [3, 1][id] ?? NaN],
])('%s', (_, dataset, rowOf) => {
  it('copies the samples asked for to the place asked for, and nothing else', () => {
    const features = new Float32Array(8).fill(-1);
    const labels = new Float64Array(4).fill(-1);
    const ids = [0, 1, 1, 0];
    dataset.copyFeatures(ids, 1, 2, features, 2);
    dataset.copyLabels(ids, 1, 2, labels, 1);
    const row = rowOf(1);
    expect([...features]).toEqual([-1, -1, row * 10, row * 10 + 1, row * 10, row * 10 + 1, -1, -1]);
    expect([...labels]).toEqual([-1, row + 5, row + 5, -1]);
  });

  it('refuses samples that do not exist and destinations that are too small', () => {
    for (const id of [-1, 4, NaN]) {
      expect(() => dataset.copyFeatures([id], 0, 1, new Uint8Array(2), 0)).toThrow(RangeError);
      expect(() => dataset.copyLabels([id], 0, 1, new Float32Array(1), 0)).toThrow(RangeError);
    }
    expect(() => dataset.copyFeatures([0], 0, 2, new Uint8Array(4), 0)).toThrow(RangeError);
    expect(() => dataset.copyFeatures([0, 1], 0, 2, new Uint8Array(4), 1)).toThrow(RangeError);
    expect(() => dataset.copyLabels([0], 0, 1, new Float32Array(1), 1)).toThrow(RangeError);
  });
});

describe('data sets', () => {
  it('copy narrow and wide rows alike', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.boolean(), (width, float) => {
        const values = Array.from({ length: width * 5 }, (_, i) => i % 256);
        const features = float ? Float32Array.from(values, (value) => value / 8) : Uint8Array.from(values);
        const dataset = denseDataset([width], features, [0, 0, 0, 0, 0]);
        const out = float ? new Float32Array(width * 2) : new Uint8Array(width * 2);
        dataset.copyFeatures([4, 2], 0, 2, out, 0);
        expect([...out]).toEqual([...features.subarray(width * 4), ...features.subarray(width * 2, width * 3)]);
      }),
    );
  });

  it('refuse to squeeze float32 features into bytes', () => {
    const floats = denseDataset([1], Float32Array.of(0.5), [0]);
    expect(() => floats.copyFeatures([0], 0, 1, new Uint8Array(1), 0)).toThrow(TypeError);
  });

  it('refuse features that are not a whole number of samples', () => {
    expect(() => denseDataset([2], Uint8Array.of(1, 2, 3), [0])).toThrow(RangeError);
  });
});
