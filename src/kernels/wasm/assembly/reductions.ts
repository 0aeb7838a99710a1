/**
 * Sums of a whole block in float64: several elements at a time in pairs of running sums, joined in a fixed order at the
 * end.
 */
import { regularizedGradient } from './regularization';
import { loadOne, loadTwo, lowerHalf, lowerSquares, splat, total, upperSquares } from './vector';

@inline
function join(a: v128, b: v128, c: v128, d: v128): f64 {
  return total(f64x2.add(f64x2.add(a, b), f64x2.add(c, d)));
}

/** What is summed: a constant of each call. */
const enum Term {
  Plain,
  Square,
  Magnitude,
}

@inline
function termOf(term: Term, x: v128): v128 {
  if (term == Term.Plain) return x;
  if (term == Term.Square) return f64x2.mul(x, x);
  return f64x2.abs(x);
}

@inline
function sumOf(term: Term, n: i32, x: usize): f64 {
  let a = f64x2.splat(0), b = f64x2.splat(0), c = f64x2.splat(0), d = f64x2.splat(0);
  for (; n >= 8; n -= 8, x += 32) {
    a = f64x2.add(a, termOf(term, loadTwo(x)));
    b = f64x2.add(b, termOf(term, loadTwo(x + 8)));
    c = f64x2.add(c, termOf(term, loadTwo(x + 16)));
    d = f64x2.add(d, termOf(term, loadTwo(x + 24)));
  }
  let result = join(a, b, c, d);
  for (; n > 0; n--, x += 4) result += f64x2.extract_lane(termOf(term, lowerHalf(loadOne(x))), 0);
  return result;
}

export function sum(n: i32, x: usize): f64 {
  return sumOf(Term.Plain, n, x);
}

export function sumSquares(n: i32, x: usize): f64 {
  return sumOf(Term.Square, n, x);
}

export function sumAbs(n: i32, x: usize): f64 {
  return sumOf(Term.Magnitude, n, x);
}

/** The gradient is rounded to float32 as the optimizers round it, then squared and summed in float64 as they do. */
@inline
function gradientSum(n: i32, weights: usize, gradient: usize, s: v128, two: v128, one: v128, lasso: bool): f64 {
  let lower = f64x2.splat(0), upper = f64x2.splat(0);
  for (; n >= 4; n -= 4, weights += 16, gradient += 16) {
    const g = regularizedGradient(v128.load(weights), v128.load(gradient), s, two, one, lasso);
    lower = f64x2.add(lower, lowerSquares(g));
    upper = f64x2.add(upper, upperSquares(g));
  }
  let result = total(f64x2.add(lower, upper));
  for (; n > 0; n--, weights += 4, gradient += 4) {
    const g = regularizedGradient(loadOne(weights), loadOne(gradient), s, two, one, lasso);
    result += f64x2.extract_lane(lowerSquares(g), 0);
  }
  return result;
}

export function gradientSumSquares(n: i32, weights: usize, gradient: usize, scale: f64, l2: f64, l1: f64): f64 {
  const s = splat(scale), two = splat(l2), one = splat(l1);
  return l1 == 0
    ? gradientSum(n, weights, gradient, s, two, one, false)
    : gradientSum(n, weights, gradient, s, two, one, true);
}
