/**
 * Normally distributed numbers by inversion: one uniform number gives one normal number, so the n-th weight of a layer
 * depends on n alone. Only +, −, ×, ÷ and √ are used, all of which IEEE 754 rounds the same way everywhere.
 */
import { naturalLogarithm } from './logarithm.js';

type Coefficients = readonly [number, number, number, number, number, number, number, number];

/**
 * Coefficients of AS 241, highest power first (rounded to double): numerator and denominator of each range.
 */
const CENTRAL_NUMERATOR: Coefficients = [
  2509.0809287301227, 33430.57558358813, 67265.7709270087, 45921.95393154987, 13731.69376550946, 1971.5909503065513,
  133.14166789178438, 3.3871328727963665,
];
const CENTRAL_DENOMINATOR: Coefficients = [
  5226.495278852854, 28729.085735721943, 39307.89580009271, 21213.794301586597, 5394.196021424751, 687.1870074920579,
  42.31333070160091, 1,
];
const MIDDLE_NUMERATOR: Coefficients = [
  0.0007745450142783414, 0.022723844989269184, 0.2417807251774506, 1.2704582524523684, 3.6478483247632045,
  5.769497221460691, 4.630337846156546, 1.4234371107496835,
];
const MIDDLE_DENOMINATOR: Coefficients = [
  1.0507500716444169e-9, 0.0005475938084995345, 0.015198666563616457, 0.14810397642748008, 0.6897673349851,
  1.6763848301838038, 2.053191626637759, 1,
];
const TAIL_NUMERATOR: Coefficients = [
  2.0103343992922881e-7, 2.7115555687434876e-5, 0.0012426609473880784, 0.026532189526576124, 0.29656057182850487,
  1.7848265399172913, 5.463784911164114, 6.657904643501103,
];
const TAIL_DENOMINATOR: Coefficients = [
  2.0442631033899397e-15, 1.421511758316446e-7, 1.8463183175100548e-5, 0.0007868691311456133, 0.014875361290850615,
  0.1369298809227358, 0.599832206555888, 1,
];

/** By Horner's rule, written out: a large model draws its weights by the million, and a loop takes several times as long. */
function polynomial(c: Coefficients, x: number): number {
  let sum = c[0] * x + c[1];
  sum = sum * x + c[2];
  sum = sum * x + c[3];
  sum = sum * x + c[4];
  sum = sum * x + c[5];
  sum = sum * x + c[6];
  return sum * x + c[7];
}

/**
 * The inverse of the cumulative distribution function of the standard normal distribution, to about 1 part in 10¹⁶.
 * M. J. Wichura: Algorithm AS 241: the percentage points of the normal distribution. Applied Statistics 37 (1988);
 * PPND16.
 *
 * @param u - a probability, 0 < u < 1; NaN results from anything else.
 */
export function normal(u: number): number {
  const fromMedian = u - 0.5;
  if (Math.abs(fromMedian) <= 0.425) {
    const r = 0.180625 - fromMedian * fromMedian;
    return (fromMedian * polynomial(CENTRAL_NUMERATOR, r)) / polynomial(CENTRAL_DENOMINATOR, r);
  }
  const root = Math.sqrt(-naturalLogarithm(fromMedian < 0 ? u : 1 - u));
  const magnitude =
    root <= 5
      ? polynomial(MIDDLE_NUMERATOR, root - 1.6) / polynomial(MIDDLE_DENOMINATOR, root - 1.6)
      : polynomial(TAIL_NUMERATOR, root - 5) / polynomial(TAIL_DENOMINATOR, root - 5);
  return fromMedian < 0 ? -magnitude : magnitude;
}

/**
 * A uniform number strictly between 0 and 1 from two random words: one of the 2⁵² odd multiples of 2⁻⁵³, so that the
 * values lie symmetrically about ½ and neither end is ever reached.
 *
 * @param hi - hi, lo: unsigned 32-bit integers; the upper 27 bits of `hi` and the upper 25 of `lo` are used.
 */
export function uniform53(hi: number, lo: number): number {
  return ((hi >>> 5) * 2 ** 25 + (lo >>> 7) + 0.5) * 2 ** -52;
}
