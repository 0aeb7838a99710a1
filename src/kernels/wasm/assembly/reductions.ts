/**
 * Sums of a whole block in float64: several elements at a time in pairs of running sums, joined in a fixed order at the
 * end.
 */
import { regularizedGradient } from './regularization';
import { loadOne, lowerHalf, lowerSquares, splat, total, upperHalf, upperSquares } from './vector';

@inline
function join(a: v128, b: v128, c: v128, d: v128): f64 {
  return total(f64x2.add(f64x2.add(a, b), f64x2.add(c, d)));
}

export function sum(n: i32, x: usize): f64 {
  let a = f64x2.splat(0), b = f64x2.splat(0), c = f64x2.splat(0), d = f64x2.splat(0);
  for (; n >= 8; n -= 8, x += 32) {
    const first = v128.load(x), second = v128.load(x, 16);
    a = f64x2.add(a, lowerHalf(first));
    b = f64x2.add(b, upperHalf(first));
    c = f64x2.add(c, lowerHalf(second));
    d = f64x2.add(d, upperHalf(second));
  }
  let result = join(a, b, c, d);
  for (; n > 0; n--, x += 4) result += <f64>load<f32>(x);
  return result;
}

export function sumSquares(n: i32, x: usize): f64 {
  let a = f64x2.splat(0), b = f64x2.splat(0), c = f64x2.splat(0), d = f64x2.splat(0);
  for (; n >= 8; n -= 8, x += 32) {
    const first = v128.load(x), second = v128.load(x, 16);
    a = f64x2.add(a, lowerSquares(first));
    b = f64x2.add(b, upperSquares(first));
    c = f64x2.add(c, lowerSquares(second));
    d = f64x2.add(d, upperSquares(second));
  }
  let result = join(a, b, c, d);
  for (; n > 0; n--, x += 4) {
    const value = <f64>load<f32>(x);
    result += value * value;
  }
  return result;
}

export function sumAbs(n: i32, x: usize): f64 {
  let a = f64x2.splat(0), b = f64x2.splat(0), c = f64x2.splat(0), d = f64x2.splat(0);
  for (; n >= 8; n -= 8, x += 32) {
    const first = f32x4.abs(v128.load(x)), second = f32x4.abs(v128.load(x, 16));
    a = f64x2.add(a, lowerHalf(first));
    b = f64x2.add(b, upperHalf(first));
    c = f64x2.add(c, lowerHalf(second));
    d = f64x2.add(d, upperHalf(second));
  }
  let result = join(a, b, c, d);
  for (; n > 0; n--, x += 4) result += <f64>abs(load<f32>(x));
  return result;
}

/** The gradient is rounded to float32 as the optimizers round it, then squared and summed in float64 as they do. */
export function gradientSumSquares(n: i32, weights: usize, gradient: usize, scale: f64, l2: f64, l1: f64): f64 {
  const s = splat(scale), two = splat(l2), one = splat(l1);
  let lower = f64x2.splat(0), upper = f64x2.splat(0);
  for (; n >= 4; n -= 4, weights += 16, gradient += 16) {
    const g = regularizedGradient(v128.load(weights), v128.load(gradient), s, two, one);
    lower = f64x2.add(lower, lowerSquares(g));
    upper = f64x2.add(upper, upperSquares(g));
  }
  let result = total(f64x2.add(lower, upper));
  for (; n > 0; n--, weights += 4, gradient += 4) {
    const g = regularizedGradient(loadOne(weights), loadOne(gradient), s, two, one);
    result += f64x2.extract_lane(lowerSquares(g), 0);
  }
  return result;
}
