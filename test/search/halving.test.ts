import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rungsOf } from '../../src/search/halving.js';

describe('the rungs of a bracket', () => {
  // Li et al., Hyperband, JMLR 18 (2018), table 1: R = 81, η = 3, brackets s = 4 … 0.
  it.each([
    [
      81,
      1,
      [
        [81, 1],
        [27, 3],
        [9, 9],
        [3, 27],
        [1, 81],
      ],
    ],
    [
      27,
      3,
      [
        [27, 3],
        [9, 9],
        [3, 27],
        [1, 81],
      ],
    ],
    [
      9,
      9,
      [
        [9, 9],
        [3, 27],
        [1, 81],
      ],
    ],
    [
      6,
      27,
      [
        [6, 27],
        [2, 81],
      ],
    ],
    [5, 81, [[5, 81]]],
  ])('are those of the Hyperband paper for n = %i, r = %i', (trials, minEpochs, expected) => {
    const rungs = rungsOf({ eta: 3, minEpochs }, trials, 81);
    expect(rungs.map((rung) => [rung.trials, rung.epochs])).toEqual(expected);
  });

  it('are one without halving', () => {
    expect(rungsOf(null, 7, 20)).toEqual([{ trials: 7, epochs: 20 }]);
  });

  it('are no more than there are trials to choose from', () => {
    expect(rungsOf({ eta: 3, minEpochs: 1 }, 5, 81)).toEqual([
      { trials: 5, epochs: 27 },
      { trials: 1, epochs: 81 },
    ]);
    expect(rungsOf({ eta: 3, minEpochs: 1 }, 2, 81)).toEqual([{ trials: 2, epochs: 81 }]);
  });

  it('end with the whole training, grow, begin with no less than the minimum, and never keep more than 1/η', () => {
    const numbers = fc.record({
      eta: fc.integer({ min: 2, max: 5 }),
      minEpochs: fc.integer({ min: 1, max: 30 }),
      trials: fc.integer({ min: 1, max: 300 }),
      epochs: fc.integer({ min: 1, max: 200 }),
    });
    fc.assert(
      fc.property(numbers, ({ eta, minEpochs, trials, epochs }) => {
        const rungs = rungsOf({ eta, minEpochs }, trials, epochs);
        expect(rungs[0]?.trials).toBe(trials);
        expect(rungs.at(-1)?.epochs).toBe(epochs);
        expect(rungs[0]?.epochs).toBeGreaterThanOrEqual(Math.min(minEpochs, epochs));
        for (const [index, rung] of rungs.entries()) {
          const next = rungs[index + 1];
          if (next === undefined) continue;
          expect(next.epochs).toBeGreaterThan(rung.epochs);
          expect(next.trials).toBe(Math.floor(rung.trials / eta));
        }
      }),
    );
  });
});
