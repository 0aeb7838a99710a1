import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Coverage } from '../../src/reduce/coverage.js';

const LENGTH = 40;
const range = fc.tuple(fc.nat(LENGTH), fc.nat(LENGTH)).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);

describe('what has arrived of a vector', () => {
  it('is known whatever the order, overlaps and repetitions', () => {
    fc.assert(
      fc.property(fc.array(range, { maxLength: 12 }), range, (parts, [start, end]) => {
        const coverage = new Coverage();
        const there = new Array<boolean>(LENGTH).fill(false);
        for (const [from, to] of parts) {
          coverage.add(from, to);
          there.fill(true, from, to);
        }
        expect(coverage.has(start, end)).toBe(there.slice(start, end).every(Boolean));
      }),
      { numRuns: 500 },
    );
  });

  it('is nothing at first and after it was cleared, and nothing is always there', () => {
    const coverage = new Coverage();
    expect([coverage.has(0, 1), coverage.has(3, 3)]).toEqual([false, true]);
    coverage.add(0, 5);
    expect(coverage.has(0, 5)).toBe(true);
    coverage.clear();
    expect(coverage.has(0, 1)).toBe(false);
  });

  it('joins parts that meet', () => {
    const coverage = new Coverage();
    coverage.add(0, 3);
    coverage.add(6, 9);
    expect(coverage.has(0, 9)).toBe(false);
    coverage.add(3, 6);
    expect(coverage.has(0, 9)).toBe(true);
    expect(coverage.has(0, 10)).toBe(false);
  });
});
