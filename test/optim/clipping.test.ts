import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clipFactor } from '../../src/optim/clipping.js';

describe('clipFactor', () => {
  it('shortens a gradient that is too long to the length allowed', () => {
    expect(clipFactor(20, 5)).toBe(0.25);
    expect(clipFactor(1e38, 1)).toBe(1e-38);
    fc.assert(
      fc.property(
        fc.double({ min: 1e-6, max: 1e6, noNaN: true }),
        fc.double({ min: 1.001, max: 1e6, noNaN: true }),
        (clip, excess) => {
          const norm = clip * excess;
          expect(Math.abs((norm * clipFactor(norm, clip)) / clip - 1)).toBeLessThan(1e-15);
        },
      ),
    );
  });

  it('leaves a gradient alone that is short enough', () => {
    expect(clipFactor(5, 5)).toBe(1);
    expect(clipFactor(4.999, 5)).toBe(1);
    expect(clipFactor(0, 5)).toBe(1);
  });

  it('leaves every gradient alone when clipping is off', () => {
    expect(clipFactor(1e30, null)).toBe(1);
  });

  it('does not hide a gradient that is not finite', () => {
    expect(clipFactor(Number.POSITIVE_INFINITY, 5)).toBe(1);
    expect(clipFactor(Number.NaN, 5)).toBe(1);
  });
});
