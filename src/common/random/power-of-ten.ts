/**
 * 10^r and its inverse in plain double arithmetic, because `Math.pow` and `Math.log10` may round differently from engine to
 * engine. For whole r both are exact where doubles are: `powerOfTen(-3)` is the number that is written 0.001.
 */
import { naturalLogarithm } from './logarithm.js';

/** ln 2 in two parts: multiples of the first are exact (fdlibm, `e_exp.c`). */
const LN2_HIGH = 0.6931471803691238;
const LN2_LOW = 1.9082149292705877e-10;
/** ln 10, rounded to double. */
const LN10 = 2.302585092994046;
/** |g| ≤ ½·ln 2: the first term left out is below 1e-18. */
const TAYLOR_TERMS = 14;
/** The largest power of ten that a double holds exactly. */
const EXACT_EXPONENT = 22;
/** A logarithm so close to a whole number is that number, but for the rounding of what it was taken of. */
const WHOLE = 1e-12;

/** 10^r within 4 ulp. @throws RangeError for |r| > 300 and NaN */
export function powerOfTen(r: number): number {
  if (!(Math.abs(r) <= 300)) throw new RangeError(`10^${r} is out of range`);
  const whole = Math.round(r);
  const rest = exponential((r - whole) * LN10);
  return whole < 0 ? rest / wholePower(-whole) : rest * wholePower(whole);
}

/** log₁₀ x for x > 0; whole where x is a power of ten but for its rounding. NaN for anything else. */
export function decimalLogarithm(x: number): number {
  const r = naturalLogarithm(x) / LN10;
  const whole = Math.round(r);
  return Math.abs(r - whole) < WHOLE ? whole : r;
}

/** eʸ for |y| ≤ ½·ln 10: 2ᵐ·eᵍ, |g| ≤ ½·ln 2, with the Taylor polynomial of eᵍ. */
function exponential(y: number): number {
  const m = Math.round(y / Math.LN2);
  const g = y - m * LN2_HIGH - m * LN2_LOW;
  let sum = 1;
  for (let n = TAYLOR_TERMS; n > 0; n--) sum = 1 + (sum * g) / n;
  return m < 0 ? sum / (1 << -m) : sum * (1 << m);
}

function wholePower(exponent: number): number {
  let power = 1;
  let left = exponent;
  for (; left > EXACT_EXPONENT; left -= EXACT_EXPONENT) power *= 1e22;
  let exact = 1;
  for (; left > 0; left--) exact *= 10;
  return power * exact;
}
