/**
 * The natural logarithm in plain double arithmetic, because `Math.log` may round differently from engine to engine.
 *
 * The method is that of fdlibm (Sun Microsystems, `e_log.c`): x = 2ᵏ·(1 + f) with √½ < 1 + f < √2, then
 * log(1 + f) = 2s + 2s³/3 + … with s = f / (2 + f), the tail of the series as a minimax polynomial in s².
 * Error below 1 ulp.
 */

const LN2_HIGH = 0.6931471803691238;
const LN2_LOW = 1.9082149292705877e-10;
const L1 = 0.6666666666666735;
const L2 = 0.3999999999940942;
const L3 = 0.2857142874366239;
const L4 = 0.22222198432149784;
const L5 = 0.1818357216161805;
const L6 = 0.15313837699209373;
const L7 = 0.14798198605116586;

const SMALLEST_NORMAL = 2 ** -1022;
const bits = new DataView(new ArrayBuffer(8));

/** ln x for x > 0 and finite; NaN for anything else. */
export function naturalLogarithm(x: number): number {
  if (!(x > 0) || x === Infinity) return NaN;
  let exponent = 0;
  let scaled = x;
  if (scaled < SMALLEST_NORMAL) {
    scaled *= 2 ** 54;
    exponent = -54;
  }
  bits.setFloat64(0, scaled);
  const highWord = bits.getUint32(0);
  exponent += (highWord >>> 20) - 1023;
  bits.setUint32(0, (highWord & 0x000fffff) | 0x3ff00000);
  let mantissa = bits.getFloat64(0);
  if (mantissa > Math.SQRT2) {
    mantissa *= 0.5;
    exponent += 1;
  }

  const f = mantissa - 1;
  const s = f / (2 + f);
  const z = s * s;
  const tail = z * (L1 + z * (L2 + z * (L3 + z * (L4 + z * (L5 + z * (L6 + z * L7))))));
  const halfSquare = 0.5 * f * f;
  return exponent * LN2_HIGH - (halfSquare - (s * (halfSquare + tail) + exponent * LN2_LOW) - f);
}
