/**
 * Weight updates, one pass over memory each; formulas in the contract (src/kernels/kernels.ts). Coefficients arrive in
 * float64 and are combined there: 1 − 0.999 taken in float32 would be off by 5·10⁻⁵ of itself.
 */
import { regularizedGradient } from './regularization';
import { loadOne, splat, storeOne } from './vector';

/** beta·old + rest·current with rest = 1 − beta: the moving average. */
@inline
function average(beta: v128, old: v128, rest: v128, current: v128): v128 {
  return f32x4.add(f32x4.mul(beta, old), f32x4.mul(rest, current));
}

/** w − rate·v / (√(s·inverse) + epsilon) */
@inline
function normalizedStep(w: v128, rate: v128, v: v128, s: v128, inverse: v128, epsilon: v128): v128 {
  const deviation = f32x4.add(f32x4.sqrt(f32x4.mul(s, inverse)), epsilon);
  return f32x4.sub(w, f32x4.div(f32x4.mul(rate, v), deviation));
}

export function gradientDescent(
  n: i32, weights: usize, gradient: usize, scale: f64, l2: f64, l1: f64, rate: f64,
): void {
  const c = splat(scale), two = splat(l2), one = splat(l1), r = splat(rate);
  for (; n >= 4; n -= 4, weights += 16, gradient += 16) {
    const w = v128.load(weights);
    const g = regularizedGradient(w, v128.load(gradient), c, two, one);
    v128.store(weights, f32x4.sub(w, f32x4.mul(r, g)));
  }
  for (; n > 0; n--, weights += 4, gradient += 4) {
    const w = loadOne(weights);
    const g = regularizedGradient(w, loadOne(gradient), c, two, one);
    storeOne(weights, f32x4.sub(w, f32x4.mul(r, g)));
  }
}

export function momentum(
  n: i32, weights: usize, gradient: usize, velocity: usize, scale: f64, l2: f64, l1: f64, rate: f64, beta: f64,
): void {
  const c = splat(scale), two = splat(l2), one = splat(l1), r = splat(rate), b = splat(beta), rest = splat(1 - beta);
  for (; n >= 4; n -= 4, weights += 16, gradient += 16, velocity += 16) {
    const w = v128.load(weights);
    const g = regularizedGradient(w, v128.load(gradient), c, two, one);
    const v = average(b, v128.load(velocity), rest, g);
    v128.store(velocity, v);
    v128.store(weights, f32x4.sub(w, f32x4.mul(r, v)));
  }
  for (; n > 0; n--, weights += 4, gradient += 4, velocity += 4) {
    const w = loadOne(weights);
    const g = regularizedGradient(w, loadOne(gradient), c, two, one);
    const v = average(b, loadOne(velocity), rest, g);
    storeOne(velocity, v);
    storeOne(weights, f32x4.sub(w, f32x4.mul(r, v)));
  }
}

export function rmsprop(
  n: i32, weights: usize, gradient: usize, square: usize, scale: f64, l2: f64, l1: f64,
  rate: f64, beta: f64, epsilon: f64,
): void {
  const c = splat(scale), two = splat(l2), one = splat(l1), r = splat(rate), b = splat(beta), rest = splat(1 - beta);
  const e = splat(epsilon), unit = f32x4.splat(1);
  for (; n >= 4; n -= 4, weights += 16, gradient += 16, square += 16) {
    const w = v128.load(weights);
    const g = regularizedGradient(w, v128.load(gradient), c, two, one);
    const s = average(b, v128.load(square), rest, f32x4.mul(g, g));
    v128.store(square, s);
    v128.store(weights, normalizedStep(w, r, g, s, unit, e));
  }
  for (; n > 0; n--, weights += 4, gradient += 4, square += 4) {
    const w = loadOne(weights);
    const g = regularizedGradient(w, loadOne(gradient), c, two, one);
    const s = average(b, loadOne(square), rest, f32x4.mul(g, g));
    storeOne(square, s);
    storeOne(weights, normalizedStep(w, r, g, s, unit, e));
  }
}

export function adam(
  n: i32, weights: usize, gradient: usize, velocity: usize, square: usize, scale: f64, l2: f64, l1: f64,
  rate: f64, beta1: f64, beta2: f64, epsilon: f64, correction1: f64, correction2: f64,
): void {
  const c = splat(scale), two = splat(l2), one = splat(l1);
  const b1 = splat(beta1), rest1 = splat(1 - beta1), b2 = splat(beta2), rest2 = splat(1 - beta2);
  const r = splat(rate / correction1), inverse = splat(1 / correction2), e = splat(epsilon);
  for (; n >= 4; n -= 4, weights += 16, gradient += 16, velocity += 16, square += 16) {
    const w = v128.load(weights);
    const g = regularizedGradient(w, v128.load(gradient), c, two, one);
    const v = average(b1, v128.load(velocity), rest1, g);
    const s = average(b2, v128.load(square), rest2, f32x4.mul(g, g));
    v128.store(velocity, v);
    v128.store(square, s);
    v128.store(weights, normalizedStep(w, r, v, s, inverse, e));
  }
  for (; n > 0; n--, weights += 4, gradient += 4, velocity += 4, square += 4) {
    const w = loadOne(weights);
    const g = regularizedGradient(w, loadOne(gradient), c, two, one);
    const v = average(b1, loadOne(velocity), rest1, g);
    const s = average(b2, loadOne(square), rest2, f32x4.mul(g, g));
    storeOne(velocity, v);
    storeOne(square, s);
    storeOne(weights, normalizedStep(w, r, v, s, inverse, e));
  }
}
