import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decimalLogarithm, powerOfTen } from '../../../src/common/random/power-of-ten.js';

const relative = (a: number, b: number) => Math.abs(a - b) / b;

describe('powerOfTen', () => {
  it('agrees with Math.pow to 4 ulp', () => {
    fc.assert(
      fc.property(fc.double({ min: -12, max: 12, noNaN: true }), (r) => {
        expect(relative(powerOfTen(r), Math.pow(10, r))).toBeLessThan(4 * Number.EPSILON);
      }),
      { numRuns: 5000 },
    );
  });

  it('is exact where r is whole', () => {
    for (let r = -22; r <= 22; r++) expect(powerOfTen(r)).toBe(Number(`1e${r}`));
  });

  it('gives published values: √10, 10^0.3, 10^-2.5', () => {
    // OEIS A010467, A189244 (10^0.3 = 1.99526231496887960135…), A010467 / 1000.
    expect(relative(powerOfTen(0.5), 3.1622776601683795)).toBeLessThan(4 * Number.EPSILON);
    expect(relative(powerOfTen(0.3), 1.9952623149688795)).toBeLessThan(4 * Number.EPSILON);
    expect(relative(powerOfTen(-2.5), 0.0031622776601683794)).toBeLessThan(4 * Number.EPSILON);
  });

  it('never falls', () => {
    fc.assert(
      fc.property(
        fc.double({ min: -8, max: 8, noNaN: true }),
        fc.double({ min: 1e-9, max: 1, noNaN: true }),
        (r, step) => {
          expect(powerOfTen(r + step)).toBeGreaterThan(powerOfTen(r));
        },
      ),
    );
  });

  it.each([301, -301, NaN, Infinity])('refuses %d', (r) => {
    expect(() => powerOfTen(r)).toThrow(RangeError);
  });
});

describe('decimalLogarithm', () => {
  it('is the inverse of powerOfTen', () => {
    fc.assert(
      fc.property(fc.double({ min: -12, max: 12, noNaN: true }), (r) => {
        expect(Math.abs(decimalLogarithm(powerOfTen(r)) - r)).toBeLessThan(1e-11);
      }),
    );
  });

  it('is whole for powers of ten, and for 1 − 0.999, which is one but for its rounding', () => {
    for (let r = -12; r <= 12; r++) expect(decimalLogarithm(Number(`1e${r}`))).toBe(r);
    expect(decimalLogarithm(1 - 0.999)).toBe(-3);
    expect(decimalLogarithm(1 - 0.9)).toBe(-1);
    expect(decimalLogarithm(2)).toBeCloseTo(0.3010299956639812, 15);
  });

  it.each([0, -1, NaN])('of %d is NaN', (x) => expect(decimalLogarithm(x)).toBeNaN());
});
