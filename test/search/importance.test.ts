import { describe, expect, it } from 'vitest';
import { wholeRegion } from '../../src/search/region.js';
import { drawTrial } from '../../src/search/draw.js';
import { importances } from '../../src/search/importance.js';
import { BATCH, BETA, parameter, RATE } from './plans.js';

const PARAMETERS = [RATE, BETA, BATCH];
const trials = (seed: number, count: number) =>
  Array.from({ length: count }, (_, index) => drawTrial(PARAMETERS, wholeRegion(PARAMETERS), seed, 0, index + 1));
const shares = (of: readonly (readonly unknown[])[]) => importances(PARAMETERS, of).map(({ share }) => share ?? NaN);

describe('importance', () => {
  it('agrees with a table of variance worked out by hand', () => {
    const kind = parameter('kind', { type: 'choice', values: ['a', 'b'] });
    // Ranks 0 1 3 of a and 2 4 5 of b. SST 17.5; means 4/3 and 11/3, SSB 2·3·(7/6)² = 49/6, SSW 28/3; ε² = 1 − (28/3/4)/(17.5/5).
    const [found] = importances(
      [kind],
      ['a', 'a', 'b', 'a', 'b', 'b'].map((value) => [value]),
    );
    expect(found?.share).toBeCloseTo(1 - 28 / 12 / 3.5, 12);
  });

  it('is near 1 for what alone decides, and near 0 for the others', () => {
    const drawn = [...trials(1, 60)].sort(([a], [b]) => Number(a) - Number(b));
    const [rate = 0, beta = 1, batch = 1] = shares(drawn);
    expect(rate).toBeGreaterThan(0.9);
    expect(Math.max(beta, batch)).toBeLessThan(0.25);
  });

  it('finds a best value in the middle, where a correlation would see nothing', () => {
    const off = ([rate]: readonly unknown[]) => Math.abs(Math.log10(Number(rate)) + 2);
    const drawn = [...trials(2, 60)].sort((a, b) => off(a) - off(b));
    expect(shares(drawn)[0]).toBeGreaterThan(0.6);
  });

  it('is small on average where nothing matters', () => {
    const means = Array.from(
      { length: 40 },
      (_, seed) => shares(trials(seed + 10, 25)).reduce((sum, share) => sum + share, 0) / 3,
    );
    expect(means.reduce((sum, mean) => sum + mean, 0) / means.length).toBeLessThan(0.1);
  });

  it('is not known of one value, or of too few trials', () => {
    expect(importances([BATCH], [[16], [16], [16]])).toEqual([{ key: BATCH.key, share: null }]);
    expect(importances([RATE], [[0.1], [0.2]])).toEqual([{ key: RATE.key, share: null }]);
    expect(importances([RATE], [])).toEqual([{ key: RATE.key, share: null }]);
  });
});
