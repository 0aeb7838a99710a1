import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { derivative, distance, norm, relativeError } from '../../src/gradients/differences.js';

const ROUNDING = 4 * Number.EPSILON;

function slopeOf(f: (t: number) => number, expected?: number): number | null {
  const found = derivative(f, {
    origin: f(0),
    rounding: ROUNDING * Math.max(1, Math.abs(f(0))),
    ...(expected === undefined ? {} : { expected }),
  });
  return found?.value ?? null;
}

describe('derivative', () => {
  it.each([
    ['sin(1 + t)', (t: number) => Math.sin(1 + t), Math.cos(1)],
    ['exp(3t)', (t: number) => Math.exp(3 * t), 3],
    ['log(2 + t)', (t: number) => Math.log(2 + t), 0.5],
    ['(t − 4)³', (t: number) => (t - 4) ** 3, 48],
    ['a constant', () => 7, 0],
  ])('of %s', (_name, f, expected) => {
    expect(slopeOf(f)).toBeCloseTo(expected, 9);
  });

  it('is not moved by the curvature that plain central differences see', () => {
    // (f(h) − f(−h))/(2h) of exp(100t) at h = 1e-4 is off by 100³·h²/6 = 1.7e-3.
    expect(slopeOf((t) => Math.exp(100 * t))).toBeCloseTo(100, 5);
  });

  it('of a function with a kink at 0 is not there', () => {
    expect(slopeOf((t) => Math.max(0, t))).toBeNull();
    expect(slopeOf((t) => 1 + Math.abs(t) + t * t)).toBeNull();
  });

  it('beside a kink is that of the side it lies on', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 2e-6, max: 1e-3, noNaN: true }),
        fc.double({ min: -2, max: 2, noNaN: true }),
        fc.double({ min: 0.1, max: 3, noNaN: true }),
        fc.boolean(),
        (kink, slope, jump, right) => {
          const at = right ? kink : -kink;
          const f = (t: number): number => slope * t + jump * Math.max(0, right ? t - at : at - t);
          expect(slopeOf(f)).toBeCloseTo(slope, 7);
        },
      ),
    );
  });

  it('takes an agreement for what it is, and a disagreement not', () => {
    let calls = 0;
    const f = (t: number): number => {
      calls += 1;
      return Math.sin(t);
    };
    derivative(f, { origin: 0, rounding: ROUNDING, expected: 1 });
    expect(calls).toBe(2);
    expect(slopeOf(Math.sin, 1.001)).toBeCloseTo(1, 9);
  });
});

it('relativeError is ‖a − b‖ / (‖a‖ + ‖b‖)', () => {
  expect(norm([3, 4])).toBe(5);
  expect(distance([1, 1], [4, 5])).toBe(5);
  expect(relativeError([3, 4], [3, 4])).toBe(0);
  expect(relativeError([3, 4], [-3, -4])).toBe(1);
  expect(relativeError([3, 4], [0, 0])).toBe(1);
  expect(relativeError([0], [0])).toBe(0);
  expect(relativeError([NaN], [1])).toBeNaN();
});
