import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mergeMoments, mergeSums, momentsToVariance } from '../../src/reduce/moments.js';

function momentsOf(samples: readonly number[]): { count: number; values: Float64Array } {
  const mean = samples.reduce((sum, x) => sum + x, 0) / samples.length;
  return {
    count: samples.length,
    values: Float64Array.of(
      mean,
      samples.reduce((sum, x) => sum + (x - mean) ** 2, 0),
    ),
  };
}

describe('merging moments', () => {
  it('equals the moments of all samples together', () => {
    const samples = fc.array(fc.double({ min: -1e3, max: 1e3, noNaN: true }), { minLength: 1, maxLength: 50 });
    fc.assert(
      fc.property(samples, samples, (a, b) => {
        const merged = mergeMoments(momentsOf(a), momentsOf(b));
        const whole = momentsOf([...a, ...b]);
        expect(merged.count).toBe(whole.count);
        expect(merged.values[0]).toBeCloseTo(whole.values[0] ?? NaN, 8);
        expect(merged.values[1]).toBeCloseTo(whole.values[1] ?? NaN, 4);
      }),
    );
  });

  it('keeps a small variance around a large mean, where the sum of squares would lose it', () => {
    const left = { count: 2, values: Float32Array.of(10_000, 0.5) };
    const right = { count: 2, values: Float32Array.of(10_001, 0.5) };
    expect([...momentsToVariance(mergeMoments(left, right))]).toEqual([10_000.5, 0.5]);
  });

  it('rounds an inner node to the precision it travels in', () => {
    const merged = mergeMoments(
      { count: 1, values: Float32Array.of(1, 0) },
      { count: 2, values: Float32Array.of(2, 0) },
    );
    expect(merged.values).toBeInstanceOf(Float32Array);
    expect(merged.values[0]).toBe(Math.fround(1 + 2 / 3));
  });

  it('adds plain sums', () => {
    const sum = mergeSums({ count: 1, values: Float32Array.of(1, 2) }, { count: 3, values: Float32Array.of(10, 20) });
    expect(sum).toEqual({ count: 4, values: Float32Array.of(11, 22) });
  });
});
