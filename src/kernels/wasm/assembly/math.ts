/**
 * e^x, log x, log(1+x), tanh x and 1/(1+e^−x) for 4 lanes of float32, to within 2 ulp (the sigmoid 3). Additions,
 * multiplications and divisions only, so every processor gets the same bits. NaN stays NaN.
 *
 * Polynomials of the Cephes library (S. L. Moshier, Methods and Programs for Mathematical Functions, 1989; expf, logf,
 * tanhf).
 */

/** ln 2 in two parts; the first has 9 significant bits, so that its product with an exponent is exact. */
const LN2_HIGH: f32 = 0.693359375;
const LN2_LOW: f32 = -2.12194440e-4;
/** Adding 1.5·2²³ leaves a small number rounded to an integer in the low bits. */
const ROUNDER: f32 = 12582912;

/** x·c + d */
@inline
function step(x: v128, c: v128, d: f32): v128 {
  return f32x4.add(f32x4.mul(x, c), f32x4.splat(d));
}

/** 2ⁿ for integers −126 ≤ n ≤ 127. */
@inline
function powerOfTwo(n: v128): v128 {
  return i32x4.shl(i32x4.add(n, i32x4.splat(127)), 23);
}

/** x·2ⁿ = e^x with x reduced to |r| ≤ ln 2 / 2. Beyond the clamps the result is 0 or ∞ anyway; a NaN passes them. */
@inline
export function exp(input: v128): v128 {
  const x = f32x4.pmax(f32x4.pmin(input, f32x4.splat(89)), f32x4.splat(-105));
  const shifted = step(x, f32x4.splat(1.44269504088896341), ROUNDER);
  const n = i32x4.sub(shifted, f32x4.splat(ROUNDER));
  const exponent = f32x4.sub(shifted, f32x4.splat(ROUNDER));
  let r = f32x4.sub(x, f32x4.mul(exponent, f32x4.splat(LN2_HIGH)));
  r = f32x4.sub(r, f32x4.mul(exponent, f32x4.splat(LN2_LOW)));
  let p = step(r, f32x4.splat(1.9875691500e-4), 1.3981999507e-3);
  p = step(r, p, 8.3334519073e-3);
  p = step(r, p, 4.1665795894e-2);
  p = step(r, p, 1.6666665459e-1);
  p = step(r, p, 5.0000001201e-1);
  const y = f32x4.add(f32x4.add(f32x4.mul(p, f32x4.mul(r, r)), r), f32x4.splat(1));
  // Two factors, because 2ⁿ itself is not a normal number for n < −126 or n = 128. Only the last product can round.
  const half = i32x4.shr_s(n, 1);
  return f32x4.mul(f32x4.mul(y, powerOfTwo(half)), powerOfTwo(i32x4.sub(n, half)));
}

/** log x: −∞ at 0, NaN below. */
@inline
export function log(input: v128): v128 {
  const smallest = f32x4.splat(1.17549435e-38);
  const denormal = f32x4.lt(input, smallest);
  const x = v128.bitselect(f32x4.mul(input, f32x4.splat(8388608)), input, denormal);
  // x = m·2ⁿ with √½ ≤ m < √2
  const offset = i32x4.sub(x, i32x4.splat(0x3f3504f3));
  const n = i32x4.shr_s(offset, 23);
  const m = i32x4.sub(x, i32x4.shl(n, 23));
  const exponent = f32x4.sub(f32x4.convert_i32x4_s(n), v128.and(denormal, f32x4.splat(23)));
  const t = f32x4.sub(m, f32x4.splat(1));
  const square = f32x4.mul(t, t);
  let p = step(t, f32x4.splat(7.0376836292e-2), -1.1514610310e-1);
  p = step(t, p, 1.1676998740e-1);
  p = step(t, p, -1.2420140846e-1);
  p = step(t, p, 1.4249322787e-1);
  p = step(t, p, -1.6668057665e-1);
  p = step(t, p, 2.0000714765e-1);
  p = step(t, p, -2.4999993993e-1);
  p = step(t, p, 3.3333331174e-1);
  let y = f32x4.mul(f32x4.mul(p, t), square);
  y = f32x4.add(y, f32x4.mul(exponent, f32x4.splat(LN2_LOW)));
  y = f32x4.sub(y, f32x4.mul(square, f32x4.splat(0.5)));
  y = f32x4.add(f32x4.add(t, y), f32x4.mul(exponent, f32x4.splat(LN2_HIGH)));
  // The ends of the range: ∞ → ∞, NaN → NaN, 0 → −∞, negative → NaN.
  const infinity = f32x4.splat(f32.POSITIVE_INFINITY);
  y = v128.bitselect(y, input, f32x4.lt(input, infinity));
  y = v128.bitselect(f32x4.neg(infinity), y, f32x4.eq(input, f32x4.splat(0)));
  return v128.or(y, f32x4.lt(input, f32x4.splat(0)));
}

/** log(1 + x) for 0 ≤ x < ∞. The second term is what rounding 1 + x has lost (Higham 2002, Problem 1.5). */
@inline
export function log1p(x: v128): v128 {
  const one = f32x4.splat(1);
  const u = f32x4.add(x, one);
  return f32x4.add(log(u), f32x4.div(f32x4.sub(x, f32x4.sub(u, one)), u));
}

/** 1/(1+e^−x) = e^min(x,0) / (1 + e^−|x|): no power above 1. */
@inline
export function sigmoid(x: v128): v128 {
  const one = f32x4.splat(1);
  const e = exp(f32x4.neg(f32x4.abs(x)));
  const numerator = v128.bitselect(e, one, f32x4.lt(x, f32x4.splat(0)));
  return f32x4.div(numerator, f32x4.add(e, one));
}

/** tanh x: a polynomial below 0.625, where the difference of powers would cancel, and 1 − 2/(e^2|x| + 1) above. */
@inline
export function tanh(x: v128): v128 {
  const z = f32x4.mul(x, x);
  let p = step(z, f32x4.splat(-5.70498872745e-3), 2.06390887954e-2);
  p = step(z, p, -5.37397155531e-2);
  p = step(z, p, 1.33314422036e-1);
  p = step(z, p, -3.33332819422e-1);
  const small = f32x4.add(f32x4.mul(f32x4.mul(p, z), x), x);
  const one = f32x4.splat(1);
  const magnitude = f32x4.abs(x);
  const e = exp(f32x4.add(magnitude, magnitude));
  const large = f32x4.sub(one, f32x4.div(f32x4.splat(2), f32x4.add(e, one)));
  const signBit = i32x4.splat(0x80000000);
  const signed = v128.or(large, v128.and(x, signBit));
  return v128.bitselect(small, signed, f32x4.lt(magnitude, f32x4.splat(0.625)));
}
