import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { power } from '../../src/optim/power.js';

/** A float64 in (0, 1] as an exact fraction numerator / 2^bits. */
function exactFraction(value: number): { numerator: bigint; bits: number } {
  let bits = 0;
  let scaled = value;
  while (!Number.isInteger(scaled)) {
    scaled *= 2;
    bits += 1;
  }
  return { numerator: BigInt(scaled), bits };
}

/** |computed − base^exponent| / base^exponent, in exact integer arithmetic. */
function relativeError(computed: number, base: number, exponent: number): number {
  const exactBase = exactFraction(base);
  const exactComputed = exactFraction(computed);
  const bits = Math.max(exactBase.bits * exponent, exactComputed.bits);
  const expected = (exactBase.numerator ** BigInt(exponent)) << BigInt(bits - exactBase.bits * exponent);
  const actual = exactComputed.numerator << BigInt(bits - exactComputed.bits);
  const difference = actual > expected ? actual - expected : expected - actual;
  return Number((difference << 120n) / expected) / 2 ** 120;
}

describe('power', () => {
  it('is exact where the result has few digits', () => {
    expect(power(0.5, 10)).toBe(1 / 1024);
    expect(power(3, 30)).toBe(205_891_132_094_649);
    expect(power(0.999, 0)).toBe(1);
    expect(power(0, 0)).toBe(1);
    expect(power(0, 7)).toBe(0);
    expect(power(0.9, 1)).toBe(0.9);
  });

  it('stays within exponent · 2⁻⁵³ of the exact power', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 999 }), fc.integer({ min: 1, max: 90 }), (thousandths, exponent) => {
        const base = thousandths / 1000;
        expect(relativeError(power(base, exponent), base, exponent)).toBeLessThanOrEqual(exponent * 2 ** -53);
      }),
    );
    for (const exponent of [100, 1000, 4000]) {
      expect(relativeError(power(0.999, exponent), 0.999, exponent)).toBeLessThanOrEqual(exponent * 2 ** -53);
    }
  });

  it('reaches zero, not NaN, after very many updates', () => {
    expect(power(0.9, 10_000_000)).toBe(0);
    expect(power(0.999, Number.MAX_SAFE_INTEGER)).toBe(0);
  });

  it('refuses exponents that repeated multiplication does not have', () => {
    for (const exponent of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => power(2, exponent)).toThrow(RangeError);
    }
  });
});
