import { describe, expect, it } from 'vitest';
import { criticalDifference, leastCritical, standardizedDifference } from '../../src/data/mean-difference.js';
import { indicatorMoments, momentsOf } from '../../src/data/split-sample.js';

const column = (...values: number[]) => momentsOf(Float64Array.from(values));
/** A column of this size with the moments of the normal distribution. */
const normalColumn = (count: number) => ({ count, mean: 0, second: 1, third: 0, fourth: 3 });

it('the standardised difference is that of a textbook', () => {
  // Means 4 and 7; sums of squares 2 + 8 over 3 + 3 − 2 degrees of freedom: s² = 2.5.
  expect(standardizedDifference(column(3, 4, 5), column(5, 7, 9))).toBeCloseTo(3 / Math.sqrt(2.5), 14);
  expect(standardizedDifference(column(1, 2), column(2, 1))).toBe(0);
  expect(standardizedDifference(column(1, 1), column(2, 2))).toBe(Infinity);
  expect(standardizedDifference(column(1), column(1))).toBe(0);
});

it('moments of an indicator are those of its zeros and ones', () => {
  const ones = column(1, 0, 0, 1, 0, 0, 0, 0, 0, 0);
  const wanted = indicatorMoments(10, 0.2);
  for (const moment of ['mean', 'second', 'third', 'fourth'] as const)
    expect(ones[moment]).toBeCloseTo(wanted[moment], 14);
});

describe('the critical difference', () => {
  // Quantiles of Student's t: tables of Abramowitz & Stegun, 26.10.
  it.each([
    [6, 6, 0.05, 2.228],
    [10, 10, 0.001, 3.922],
    [20, 12, 0.001, 3.646],
    [500, 500, 0.05, 1.962],
  ])('of %i and %i normal values at %d is that of Student: %d', (a, b, level, t) => {
    const scale = Math.sqrt(1 / a + 1 / b);
    const found = criticalDifference(normalColumn(a), normalColumn(b), level) / scale;
    expect(Math.abs(found / t - 1)).toBeLessThan(0.01);
    expect(leastCritical(a, b, level)).toBeLessThanOrEqual(found * scale);
  });

  it('is larger where a column is skewed and one split small, as its mean is then not normal', () => {
    const rare = (count: number) => indicatorMoments(count, 0.01);
    const normal = criticalDifference(normalColumn(400), normalColumn(50), 1e-5);
    expect(criticalDifference(rare(400), rare(50), 1e-5)).toBeGreaterThan(1.5 * normal);
    // In large splits it is.
    const large = criticalDifference(rare(1e6), rare(1e6), 1e-5);
    expect(large / criticalDifference(normalColumn(1e6), normalColumn(1e6), 1e-5)).toBeCloseTo(1, 3);
  });

  it('is raised by skewness alone where the splits differ in size; of equal ones it cancels', () => {
    const skewed = (count: number) => ({ ...normalColumn(count), third: 2 });
    const ratio = (a: number, b: number): number =>
      criticalDifference(skewed(a), skewed(b), 1e-5) / criticalDifference(normalColumn(a), normalColumn(b), 1e-5);
    expect(ratio(400, 50)).toBeGreaterThan(1.1);
    expect(ratio(200, 200)).toBe(1);
  });
});
