import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { naturalLogarithm } from '../../../src/common/random/logarithm.js';
import { normal, uniform53 } from '../../../src/common/random/normal.js';
import { philox4x32 } from '../../../src/common/random/philox.js';

const bits = new DataView(new ArrayBuffer(8));

/** Position of a double among all doubles, so that a difference counts units in the last place. */
function ordinal(x: number): bigint {
  bits.setFloat64(0, x);
  const pattern = bits.getBigInt64(0);
  return pattern < 0n ? -(pattern & 0x7fffffffffffffffn) : pattern;
}

function ulpsApart(a: number, b: number): number {
  const distance = ordinal(a) - ordinal(b);
  return Number(distance < 0n ? -distance : distance);
}

/** Φ(x) from the power series of its integral; accurate to about 1e-15 for |x| ≤ 5. */
function cumulative(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; n < 200; n++) {
    term *= (x * x) / (2 * n + 1);
    sum += term;
  }
  return 0.5 + (sum * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI);
}

describe('naturalLogarithm', () => {
  it('is within 2 ulp of Math.log', () => {
    const anyPositive = fc.double({ min: Number.MIN_VALUE, max: Number.MAX_VALUE, noNaN: true });
    const nearOne = fc.double({ min: 0.5, max: 2, noNaN: true });
    fc.assert(
      fc.property(fc.oneof(anyPositive, nearOne), (x) => {
        expect(ulpsApart(naturalLogarithm(x), Math.log(x))).toBeLessThanOrEqual(2);
      }),
      { numRuns: 5000 },
    );
  });

  it('knows its special values', () => {
    expect(naturalLogarithm(1)).toBe(0);
    expect(naturalLogarithm(2)).toBe(Math.LN2);
    expect(naturalLogarithm(Number.MIN_VALUE)).toBeCloseTo(-744.4400719213812, 10);
    for (const x of [0, -1, Infinity, NaN]) expect(naturalLogarithm(x)).toBeNaN();
  });
});

describe('normal', () => {
  it.each([
    [0.5, 0],
    [0.25, -0.6744897501960817],
    [0.75, 0.6744897501960817],
    [0.9, 1.2815515655446],
    [0.975, 1.95996398454005],
    [0.001, -3.090232306167813],
    [1e-20, -9.2623400897984],
    [1e-100, -21.2734535609653],
  ])('has the quantile of %d at %d', (u, quantile) => {
    expect(Math.abs(normal(u) - quantile)).toBeLessThanOrEqual(8e-15 * Math.max(1, Math.abs(quantile)));
  });

  it('undoes the cumulative distribution function', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-5, max: 1 - 1e-5, noNaN: true }), (u) => {
        expect(Math.abs(cumulative(normal(u)) - u)).toBeLessThan(1e-14);
      }),
      { numRuns: 2000 },
    );
  });

  it('is odd about the median', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 30 }), (n) => {
        const u = n / 2 ** 31;
        expect(normal(1 - u)).toBe(-normal(u) + 0);
      }),
    );
  });

  it('gives the bits that every platform must give', () => {
    const pattern = (x: number): string => {
      bits.setFloat64(0, x);
      return bits.getBigUint64(0).toString(16);
    };
    expect([0.3, 0.05, 1e-12].map((u) => pattern(normal(u)))).toEqual([
      'bfe0c7e39582c5fa',
      'bffa515209676abd',
      'c01c234fba57a32a',
    ]);
  });

  it('has mean 0, variance 1 and kurtosis 3 over Philox words', () => {
    const count = 40_000;
    const out = new Uint32Array(4);
    let mean = 0;
    let square = 0;
    let fourth = 0;
    for (let i = 0; i < count; i++) {
      philox4x32(i, 0, 0, 0, 1, 1, out);
      const x = normal(uniform53(out[0] as number, out[1] as number));
      mean += x / count;
      square += (x * x) / count;
      fourth += x ** 4 / count;
    }
    expect(Math.abs(mean)).toBeLessThan(5 / Math.sqrt(count));
    expect(Math.abs(square - 1)).toBeLessThan(5 * Math.sqrt(2 / count));
    expect(Math.abs(fourth - 3)).toBeLessThan(5 * Math.sqrt(96 / count));
  });
});

describe('uniform53', () => {
  it('stays strictly inside (0, 1) and is symmetric', () => {
    const top = 0xffffffff;
    expect(uniform53(0, 0)).toBe(2 ** -53);
    expect(uniform53(top, top)).toBe(1 - 2 ** -53);
    const word = fc.integer({ min: 0, max: top });
    fc.assert(
      fc.property(word, word, (hi, lo) => {
        expect(uniform53(hi, lo) + uniform53(top - hi, top - lo)).toBe(1);
      }),
    );
  });
});
