import fc from 'fast-check';
import { expect, it } from 'vitest';
import { EMPTY_SPREAD, mergeSpreads, spreadOf } from '../../src/scores/spread.js';

it('the spread of two parts merges into that of the whole', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -1_000, max: 1_000 })), fc.nat(), (values, cut) => {
      const at = values.length === 0 ? 0 : cut % (values.length + 1);
      const merged = mergeSpreads(spreadOf(values, 0, at), spreadOf(values, at, values.length));
      const mean = values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
      const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
      expect(merged.count).toBe(values.length);
      expect(merged.mean).toBeCloseTo(mean, 8);
      expect(merged.squares).toBeCloseTo(squares, 4);
    }),
  );
});

it('nothing has no spread', () => {
  expect(spreadOf([], 0, 0)).toEqual(EMPTY_SPREAD);
  expect(mergeSpreads(EMPTY_SPREAD, { count: 2, mean: 3, squares: 4 })).toEqual({ count: 2, mean: 3, squares: 4 });
});
