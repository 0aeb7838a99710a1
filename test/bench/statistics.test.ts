import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { median, medianRatio, summarize } from '../../src/bench/statistics.js';

const times = fc.array(fc.double({ min: 0.001, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 50 });

describe('median', () => {
  it.each([
    [[3], 3],
    [[4, 1], 2.5],
    [[9, 1, 5], 5],
    [[10, 2, 8, 4], 6],
  ])('of %j is %d', (values, expected) => expect(median(values)).toBe(expected));

  it('has as many values below it as above it, in any order', () => {
    fc.assert(
      fc.property(times, (values) => {
        const middle = median(values);
        const below = values.filter((value) => value < middle).length;
        const above = values.filter((value) => value > middle).length;
        expect(Math.max(below, above)).toBeLessThanOrEqual(values.length / 2);
        expect(median([...values].reverse())).toBe(middle);
      }),
    );
  });

  it('of nothing is not a number', () => expect(median([])).toBeNaN());
});

describe('summary', () => {
  it('leaves out the rounds that were sat out', () => {
    expect(summarize([5, null, 1, 3])).toEqual({ median: 3, best: 1, rounds: [5, null, 1, 3] });
  });

  it('of no round is not a number', () => {
    expect(summarize([null])).toEqual({ median: NaN, best: NaN, rounds: [null] });
  });
});

describe('ratio', () => {
  it('compares what ran in the same round', () => {
    // A machine that slows down tenfold from round to round: the ratio does not notice.
    expect(medianRatio([2, 20, 200], [1, 10, 100])).toBe(2);
    expect(medianRatio([2, null, 200, 8], [1, 10, null, 2])).toBe(3);
  });

  it('of contestants that never met is not a number', () => expect(medianRatio([1, null], [null, 1])).toBeNaN());
});
