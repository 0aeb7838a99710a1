import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { drawTrial } from '../../src/search/draw.js';
import { isInside, wholeRegion, zoom, type Range } from '../../src/search/region.js';
import { BATCH, BETA, parameter, RATE, UNITS } from './plans.js';

const PARAMETERS = [RATE, BETA, UNITS, BATCH];

function contains(outer: Range | undefined, inner: Range | undefined): boolean {
  if (outer?.type === 'indices' && inner?.type === 'indices') {
    return inner.indices.length > 0 && inner.indices.every((index) => outer.indices.includes(index));
  }
  if (outer === undefined || inner === undefined || outer.type === 'indices' || inner.type === 'indices') return false;
  return outer.low <= inner.low && inner.low <= inner.high && inner.high <= outer.high;
}

describe('zooming in', () => {
  it('stays within the old region, and keeps the best trials inside, for several rounds', () => {
    fc.assert(
      fc.property(
        fc.nat(1000),
        fc.integer({ min: 2, max: 12 }),
        fc.integer({ min: 1, max: 4 }),
        (seed, trials, keep) => {
          let region = wholeRegion(PARAMETERS);
          for (let round = 0; round < 3; round++) {
            const drawn = Array.from({ length: trials }, (_, index) =>
              drawTrial(PARAMETERS, region, seed, round, round * trials + index + 1),
            );
            for (const values of drawn) expect(isInside(PARAMETERS, region, values)).toBe(true);
            const best = drawn.slice(0, keep);
            const next = zoom(PARAMETERS, region, best, trials);
            for (const [index] of PARAMETERS.entries()) expect(contains(region[index], next[index])).toBe(true);
            for (const values of best) expect(isInside(PARAMETERS, next, values)).toBe(true);
            region = next;
          }
        },
      ),
      { numRuns: 50 },
    );
  });

  it('is the hull of the best, and half a mean distance more on either side', () => {
    const best = [
      [0.01, 0.99, 10, 32],
      [0.1, 0.9, 20, 32],
    ];
    const [rate, beta, units, batch] = zoom(PARAMETERS, wholeRegion(PARAMETERS), best, 10);
    // Positions of 0.01 and 0.1 in 1e-4 … 1 are 1/2 and 3/4; the margin is 1/20.
    expect(rate).toEqual({
      type: 'positions',
      low: expect.closeTo(0.45, 12) as number,
      high: expect.closeTo(0.8, 12) as number,
    });
    // 0.9 is the end of the space.
    expect(beta).toEqual({ type: 'positions', low: 0, high: expect.closeTo(0.55, 12) as number });
    // (64 − 4) / 20 = 3.
    expect(units).toEqual({ type: 'integers', low: 7, high: 23 });
    expect(batch).toEqual({ type: 'indices', indices: [1] });
  });

  it('leaves room around a single best trial', () => {
    const [rate] = zoom([RATE], wholeRegion([RATE]), [[0.01]], 5);
    expect(rate).toMatchObject({ low: expect.closeTo(0.4, 12) as number, high: expect.closeTo(0.6, 12) as number });
  });

  it('finds mappings of a choice that come from a file again', () => {
    const optimizer = parameter('training.optimizer', {
      type: 'choice',
      values: ['adam', { type: 'momentum', beta: 0.9 }],
    });
    const again: unknown = JSON.parse('{ "type": "momentum", "beta": 0.9 }');
    expect(zoom([optimizer], wholeRegion([optimizer]), [[again]], 4)).toEqual([{ type: 'indices', indices: [1] }]);
  });

  it('leaves everything as it is where there is no best', () => {
    expect(zoom(PARAMETERS, wholeRegion(PARAMETERS), [], 4)).toEqual(wholeRegion(PARAMETERS));
  });
});
