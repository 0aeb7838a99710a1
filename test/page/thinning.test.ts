import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isDrawn, thinned, type Point } from '../../src/page/thinning.js';

const points = (ys: readonly (number | null)[]): Point[] => ys.map((y, x) => ({ x, y }));
const value = fc.oneof(
  { weight: 9, arbitrary: fc.double({ noNaN: true, noDefaultInfinity: true }) },
  { weight: 1, arbitrary: fc.constantFrom(null, Number.NaN, Infinity) },
);
const unit = fc.double({ min: 0, max: 1, noNaN: true });

describe('thinned', () => {
  it('keeps the first, the last, the lowest and the highest point, in order, within the limit', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.array(value, { maxLength: 300 }), fc.array(unit, { maxLength: 300 })),
        fc.integer({ min: 5, max: 60 }),
        (ys, limit) => {
          const all = points(ys);
          const kept = thinned(all, limit);
          expect(kept.length).toBeLessThanOrEqual(Math.max(limit, 0));
          expect(kept.every((point) => all.includes(point))).toBe(true);
          expect(kept.map(({ x }) => x)).toEqual([...kept.map(({ x }) => x)].sort((a, b) => a - b));
          expect([kept[0], kept.at(-1)]).toEqual([all[0], all.at(-1)]);
          const drawnYs = (list: readonly Point[]) => list.filter(isDrawn).map(({ y }) => y);
          const [before, after] = [drawnYs(all), drawnYs(kept)];
          if (before.length > 0) {
            expect([Math.min(...after), Math.max(...after)]).toEqual([Math.min(...before), Math.max(...before)]);
          }
        },
      ),
    );
  });

  it('keeps a single spike and a single gap among 100,000 values', () => {
    const ys = Array.from({ length: 100_000 }, (_, i): number | null => 1 + (i % 7) / 100);
    ys[77_777] = 50;
    ys[12_345] = null;
    const kept = thinned(points(ys), 500);
    expect(kept.length).toBeLessThanOrEqual(500);
    expect(kept.find(({ x }) => x === 77_777)?.y).toBe(50);
    expect(kept.some(({ y }) => y === null)).toBe(true);
  });

  it('leaves a short series as it is', () => {
    const few = points([3, 1, 2]);
    expect(thinned(few, 5)).toBe(few);
  });
});
