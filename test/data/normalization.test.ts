import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { computeNormalization } from '../../src/data/normalization.js';
import { SubsetDataset } from '../../src/data/subset.js';
import { denseDataset } from './helpers.js';

/** Mean and population deviation by the definition, in two passes. */
function moments(values: readonly number[]): { mean: number; deviation: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return { mean, deviation: Math.sqrt(variance) };
}

function expectClose(actual: number | undefined, expected: number): void {
  expect(Math.abs((actual ?? NaN) - expected)).toBeLessThanOrEqual(2e-7 * Math.max(Math.abs(expected), 1e-30));
}

describe('computeNormalization', () => {
  it('agrees with the definition for bytes and floats, by feature and by channel', () => {
    const matrix = fc
      .integer({ min: 1, max: 200 })
      .chain((rows) => fc.array(fc.integer({ min: 0, max: 255 }), { minLength: rows * 6, maxLength: rows * 6 }));
    fc.assert(
      fc.property(
        matrix,
        fc.boolean(),
        fc.constantFrom('feature' as const, 'channel' as const),
        (bytes, float, mode) => {
          const values = float ? Float32Array.from(bytes, (byte) => byte * 0.37 + 1000) : Uint8Array.from(bytes);
          const labels = new Array<number>(bytes.length / 6).fill(0);
          const result = computeNormalization(denseDataset([1, 2, 3], values, labels), mode);
          for (let feature = 0; feature < 6; feature++) {
            const group = [...values].filter((_, i) =>
              mode === 'feature' ? i % 6 === feature : i % 3 === feature % 3,
            );
            const { mean, deviation } = moments(group);
            expectClose(result.mean[feature], Math.fround(mean));
            const constant = group.every((value) => value === group[0]);
            expectClose(result.inverseDeviation[feature], constant ? 1 : 1 / deviation);
          }
        },
      ),
    );
  });

  it('has the same bits for bytes of one channel as for the same numbers in float32', () => {
    const drawings = fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 300 })).chain(([width, rows]) =>
      fc.tuple(
        fc.constant(width),
        fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 255 })), {
          minLength: rows * width,
          maxLength: rows * width,
        }),
      ),
    );
    fc.assert(
      fc.property(drawings, ([width, bytes]) => {
        const labels = new Array<number>(bytes.length / width).fill(0);
        const ofBytes = computeNormalization(denseDataset([width, 1], Uint8Array.from(bytes), labels), 'channel');
        const ofFloats = computeNormalization(denseDataset([width, 1], Float32Array.from(bytes), labels), 'channel');
        expect(ofBytes).toEqual(ofFloats);
      }),
    );
  });

  it('takes every block of a large data set once', () => {
    const rows = 100_003;
    const bytes = Uint8Array.from({ length: 3 * rows }, (_, i) => (i % 7 === 0 ? 0 : (i * 2_654_435_761) >>> 24));
    const dataset = denseDataset([3, 1], bytes, new Array<number>(rows).fill(0));
    const { mean, deviation } = moments([...bytes]);
    const result = computeNormalization(dataset, 'channel');
    expectClose(result.mean[0], Math.fround(mean));
    expectClose(result.inverseDeviation[0], 1 / deviation);
  });

  it('makes constant features 0, also where their value is no binary fraction', () => {
    const rows = 10_000;
    const constants = [0.1, 0.7, 1e6];
    const values = Float32Array.from({ length: 3 * rows }, (_, i) => constants[i % 3] as number);
    const labels = new Array<number>(rows).fill(0);
    const result = computeNormalization(denseDataset([3], values, labels), 'feature');
    expect([...result.mean]).toEqual(constants.map(Math.fround));
    expect([...result.inverseDeviation]).toEqual([1, 1, 1]);
  });

  it('stays accurate for values far from 0, and when the first one is an outlier', () => {
    for (const first of [1e6, 1e6 + 5e4]) {
      const values = Float32Array.from({ length: 5000 }, (_, i) => (i === 0 ? first : 1e6 + (i % 7)));
      const result = computeNormalization(denseDataset([1], values, new Array<number>(5000).fill(0)), 'feature');
      const { mean, deviation } = moments([...values]);
      expectClose(result.mean[0], Math.fround(mean));
      expectClose(result.inverseDeviation[0], 1 / deviation);
    }
  });

  it('looks at the samples of the training split only', () => {
    const all = denseDataset([2], Float32Array.of(1, 10, 999, 999, 3, 30), [0, 0, 0]);
    const rows = new Uint32Array(new SharedArrayBuffer(8));
    rows.set([0, 2]);
    const result = computeNormalization(new SubsetDataset(all, rows), 'feature');
    expect([...result.mean]).toEqual([2, 20]);
    expect([...result.inverseDeviation]).toEqual([1, Math.fround(0.1)]);
  });

  it('changes nothing in mode none', () => {
    const result = computeNormalization(denseDataset([2], Uint8Array.of(7, 9), [0]), 'none');
    expect([...result.mean, ...result.inverseDeviation]).toEqual([0, 0, 1, 1]);
  });
});
