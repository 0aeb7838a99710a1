import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { drawTrial, gridSize, gridTrials } from '../../src/search/draw.js';
import { drawFrom, wholeRegion } from '../../src/search/region.js';
import { gridValues, positionOf, valueAtPosition, type ContinuousSpace } from '../../src/search/space.js';
import { BATCH, BETA, parameter, RATE, UNITS } from './plans.js';

const log = (from: number, to: number, points: number | null = null): ContinuousSpace => ({
  type: 'log',
  from,
  to,
  points,
});
const oneMinusLog = (from: number, to: number, points: number | null = null): ContinuousSpace => ({
  type: 'oneMinusLog',
  from,
  to,
  points,
});
const continuous = fc.oneof(
  fc
    .tuple(fc.double({ min: -1e6, max: 1e6, noNaN: true }), fc.double({ min: 1e-6, max: 1e6, noNaN: true }))
    .map(([from, width]): ContinuousSpace => ({ type: 'linear', from, to: from + width, points: null })),
  fc
    .tuple(fc.double({ min: 1e-9, max: 10, noNaN: true }), fc.double({ min: 1.001, max: 1e6, noNaN: true }))
    .map(([from, ratio]) => log(from, from * ratio)),
  fc
    .tuple(fc.double({ min: 1e-7, max: 0.5, noNaN: true }), fc.double({ min: 1.001, max: 1.9, noNaN: true }))
    .map(([rest, ratio]) => oneMinusLog(1 - rest * ratio, 1 - rest)),
);

describe('a position on a scale', () => {
  it('is a value within the bounds, and comes back from it', () => {
    fc.assert(
      fc.property(continuous, fc.double({ min: 0, max: 1, noNaN: true }), (space, position) => {
        const value = valueAtPosition(space, position);
        expect(value).toBeGreaterThanOrEqual(space.from);
        expect(value).toBeLessThanOrEqual(space.to);
        expect(positionOf(space, value)).toBeCloseTo(position, 4);
      }),
    );
  });

  it('grows with the position, and has the bounds at its ends', () => {
    fc.assert(
      fc.property(continuous, (space) => {
        const values = Array.from({ length: 21 }, (_, index) => valueAtPosition(space, index / 20));
        expect(values).toEqual([...values].sort((a, b) => a - b));
        expect([values[0], values[20]]).toEqual([space.from, space.to]);
      }),
    );
  });

  it('is halfway between decades in the middle of one', () => {
    expect(valueAtPosition(log(0.0001, 1), 0.5)).toBe(0.01);
    expect(valueAtPosition(log(0.0001, 1), 0.625)).toBeCloseTo(Math.sqrt(0.001), 15);
    expect(valueAtPosition(oneMinusLog(0.9, 0.999), 0.5)).toBe(0.99);
    expect(valueAtPosition({ type: 'linear', from: 2, to: 4, points: null }, 0.25)).toBe(2.5);
  });
});

/** Draws of one parameter, as the trials of one round get them. */
function draws(of: typeof RATE, count: number, seed = 1): unknown[] {
  return Array.from({ length: count }, (_, trial) => drawTrial([of], wholeRegion([of]), seed, 0, trial + 1)[0]);
}

/** The share of the numbers below a bound. */
const shareBelow = (values: readonly number[], bound: number) =>
  values.filter((value) => value < bound).length / values.length;

describe('random values', () => {
  const COUNT = 4000;
  /** Six standard deviations of a share of about a half. */
  const TOLERANCE = (6 * 0.5) / Math.sqrt(COUNT);

  it('of log fall into every decade alike', () => {
    const values = draws(RATE, COUNT) as number[];
    for (const [bound, share] of [
      [0.001, 0.25],
      [0.01, 0.5],
      [0.1, 0.75],
    ] as const)
      expect(Math.abs(shareBelow(values, bound) - share)).toBeLessThan(TOLERANCE);
    // Kolmogorov–Smirnov against the uniform distribution of log₁₀, at a level of about 1e-6.
    const exponents = values.map((value) => (Math.log10(value) + 4) / 4).sort((a, b) => a - b);
    const distance = Math.max(...exponents.map((share, index) => Math.abs(share - (index + 0.5) / COUNT)));
    expect(distance * Math.sqrt(COUNT)).toBeLessThan(2.7);
  });

  it('of oneMinusLog: as many between 0.9 and 0.99 as between 0.99 and 0.999', () => {
    const values = draws(BETA, COUNT) as number[];
    expect(Math.abs(shareBelow(values, 0.99) - 0.5)).toBeLessThan(TOLERANCE);
    expect(Math.min(...values)).toBeGreaterThanOrEqual(0.9);
    expect(Math.max(...values)).toBeLessThanOrEqual(0.999);
  });

  it('of integer take both ends, and every number alike', () => {
    const values = draws(parameter('x', { type: 'integer', from: -1, to: 2, points: null }), COUNT) as number[];
    for (const number of [-1, 0, 1, 2]) {
      const share = values.filter((value) => value === number).length / COUNT;
      expect(Math.abs(share - 0.25)).toBeLessThan(TOLERANCE);
    }
  });

  it('of choice take every value alike', () => {
    const values = draws(BATCH, COUNT);
    for (const size of [16, 32, 64]) {
      expect(Math.abs(values.filter((value) => value === size).length / COUNT - 1 / 3)).toBeLessThan(TOLERANCE);
    }
  });

  it('are a function of seed, round, trial and parameter, each of which changes them', () => {
    const parameters = [RATE, BETA, UNITS, BATCH];
    const region = wholeRegion(parameters);
    const values = drawTrial(parameters, region, 1, 0, 1);
    expect(drawTrial(parameters, region, 1, 0, 1)).toEqual(values);
    expect(drawTrial(parameters, region, 2, 0, 1)).not.toEqual(values);
    expect(drawTrial(parameters, region, 1, 1, 1)).not.toEqual(values);
    expect(drawTrial(parameters, region, 1, 0, 2)).not.toEqual(values);
    // A parameter added at the end leaves the others as they are.
    expect(drawTrial([RATE, BETA], region, 1, 0, 1)).toEqual(values.slice(0, 2));
    expect(drawTrial([RATE, RATE], [...region.slice(0, 1), ...region.slice(0, 1)], 1, 0, 1)[1]).not.toBe(values[0]);
  });

  it('stay what they were: a search can be repeated with another version', () => {
    expect(drawTrial([RATE, BETA, UNITS, BATCH], wholeRegion([RATE, BETA, UNITS, BATCH]), 1, 0, 1))
      .toMatchInlineSnapshot(`
      [
        0.08946118572794096,
        0.9247343135601791,
        22,
        32,
      ]
    `);
  });

  it('need a range that fits the space', () => {
    expect(() => drawFrom(BATCH.space, { type: 'positions', low: 0, high: 1 }, 0.5)).toThrow(RangeError);
  });
});

describe('a grid', () => {
  it('has its points evenly along the scale, both ends included', () => {
    expect(gridValues(log(0.0001, 1, 5))).toEqual([0.0001, 0.001, 0.01, 0.1, 1]);
    expect(gridValues(oneMinusLog(0.9, 0.999, 3))).toEqual([0.9, 0.99, 0.999]);
    expect(gridValues({ type: 'linear', from: 0, to: 1, points: 3 })).toEqual([0, 0.5, 1]);
    expect(gridValues({ type: 'integer', from: 2, to: 5, points: null })).toEqual([2, 3, 4, 5]);
    expect(gridValues({ type: 'integer', from: 0, to: 10, points: 3 })).toEqual([0, 5, 10]);
    expect(gridValues({ type: 'integer', from: 1, to: 2, points: 9 })).toEqual([1, 2]);
    expect(gridValues(BATCH.space)).toEqual([16, 32, 64]);
  });

  it('has every combination once, the last parameter changing fastest', () => {
    const [a, b] = [
      parameter('a', { type: 'integer', from: 1, to: 2, points: null }),
      parameter('b', { type: 'choice', values: ['x', 'y', 'z'] }),
    ];
    expect(gridTrials([a, b])).toEqual([
      [1, 'x'],
      [1, 'y'],
      [1, 'z'],
      [2, 'x'],
      [2, 'y'],
      [2, 'z'],
    ]);
  });

  it('is counted without being made', () => {
    const sizes = fc.tuple(
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 1, max: 8 }),
      fc.integer({ min: 2, max: 4 }),
    );
    fc.assert(
      fc.property(sizes, ([width, points, steps]) => {
        const parameters = [
          parameter('a', { type: 'integer', from: 3, to: 3 + width, points }),
          parameter('b', log(1, 10, steps)),
          BATCH,
        ];
        const trials = gridTrials(parameters);
        expect(trials).toHaveLength(gridSize(parameters));
        expect(new Set(trials.map((values) => JSON.stringify(values))).size).toBe(trials.length);
      }),
    );
  });
});
