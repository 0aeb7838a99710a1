/**
 * Weight updates, one pass over memory each; formulas in the contract (src/kernels/kernels.ts). Coefficients arrive in
 * float64 and are combined there: 1 − 0.999 taken in float32 would be off by 5·10⁻⁵ of itself.
 *
 * Every loop takes 4 elements at a time, then single ones, and an element goes through the same operations in both. The
 * squares of the gradient are summed as `gradientSumSquares` sums them, so both give the same norm.
 */
import { regularizedGradient } from './regularization';
import { loadOne, lowerSquares, splat, storeOne, total, upperSquares } from './vector';

/** beta·old + rest·current with rest = 1 − beta: the moving average. */
@inline
function average(beta: v128, old: v128, rest: v128, current: v128): v128 {
  return f32x4.add(f32x4.mul(beta, old), f32x4.mul(rest, current));
}

/** w − rate·v / (√s + epsilon) */
@inline
function normalizedStep(w: v128, rate: v128, v: v128, s: v128, epsilon: v128): v128 {
  return f32x4.sub(w, f32x4.div(f32x4.mul(rate, v), f32x4.add(f32x4.sqrt(s), epsilon)));
}

/** Four elements, or one in every lane. */
@inline
function read(address: usize, single: bool): v128 {
  return single ? loadOne(address) : v128.load(address);
}

@inline
function write(address: usize, x: v128, single: bool): void {
  if (single) storeOne(address, x);
  else v128.store(address, x);
}

/** Returns the gradient that was used, as do the three below. */
@inline
function gradientDescentOf(
  weights: usize, gradient: usize, newWeights: usize,
  scale: v128, l2: v128, l1: v128, rate: v128, single: bool,
): v128 {
  const w = read(weights, single);
  const g = regularizedGradient(w, read(gradient, single), scale, l2, l1);
  write(newWeights, f32x4.sub(w, f32x4.mul(rate, g)), single);
  return g;
}

export function gradientDescent(
  n: i32, weights: usize, gradient: usize, newWeights: usize,
  scale: f64, l2: f64, l1: f64, rate: f64,
): f64 {
  const factor = splat(scale), two = splat(l2), one = splat(l1), r = splat(rate);
  let lower = f64x2.splat(0), upper = f64x2.splat(0);
  for (; n >= 4; n -= 4) {
    const g = gradientDescentOf(weights, gradient, newWeights, factor, two, one, r, false);
    lower = f64x2.add(lower, lowerSquares(g));
    upper = f64x2.add(upper, upperSquares(g));
    weights += 16;
    gradient += 16;
    newWeights += 16;
  }
  let result = total(f64x2.add(lower, upper));
  for (; n > 0; n--) {
    const g = gradientDescentOf(weights, gradient, newWeights, factor, two, one, r, true);
    result += f64x2.extract_lane(lowerSquares(g), 0);
    weights += 4;
    gradient += 4;
    newWeights += 4;
  }
  return result;
}

@inline
function momentumOf(
  weights: usize, gradient: usize, velocity: usize, newWeights: usize, newVelocity: usize,
  scale: v128, l2: v128, l1: v128, rate: v128, beta: v128, rest: v128, single: bool,
): v128 {
  const w = read(weights, single);
  const g = regularizedGradient(w, read(gradient, single), scale, l2, l1);
  const v = average(beta, read(velocity, single), rest, g);
  write(newVelocity, v, single);
  write(newWeights, f32x4.sub(w, f32x4.mul(rate, v)), single);
  return g;
}

export function momentum(
  n: i32, weights: usize, gradient: usize, velocity: usize, newWeights: usize, newVelocity: usize,
  scale: f64, l2: f64, l1: f64, rate: f64, beta: f64,
): f64 {
  const factor = splat(scale), two = splat(l2), one = splat(l1), r = splat(rate);
  const kept = splat(beta), rest = splat(1 - beta);
  let lower = f64x2.splat(0), upper = f64x2.splat(0);
  for (; n >= 4; n -= 4) {
    const g = momentumOf(weights, gradient, velocity, newWeights, newVelocity, factor, two, one, r, kept, rest, false);
    lower = f64x2.add(lower, lowerSquares(g));
    upper = f64x2.add(upper, upperSquares(g));
    weights += 16;
    gradient += 16;
    velocity += 16;
    newWeights += 16;
    newVelocity += 16;
  }
  let result = total(f64x2.add(lower, upper));
  for (; n > 0; n--) {
    const g = momentumOf(weights, gradient, velocity, newWeights, newVelocity, factor, two, one, r, kept, rest, true);
    result += f64x2.extract_lane(lowerSquares(g), 0);
    weights += 4;
    gradient += 4;
    velocity += 4;
    newWeights += 4;
    newVelocity += 4;
  }
  return result;
}

@inline
function rmspropOf(
  weights: usize, gradient: usize, square: usize, newWeights: usize, newSquare: usize,
  scale: v128, l2: v128, l1: v128, rate: v128, beta: v128, rest: v128, epsilon: v128, single: bool,
): v128 {
  const w = read(weights, single);
  const g = regularizedGradient(w, read(gradient, single), scale, l2, l1);
  const s = average(beta, read(square, single), rest, f32x4.mul(g, g));
  write(newSquare, s, single);
  write(newWeights, normalizedStep(w, rate, g, s, epsilon), single);
  return g;
}

export function rmsprop(
  n: i32, weights: usize, gradient: usize, square: usize, newWeights: usize, newSquare: usize,
  scale: f64, l2: f64, l1: f64, rate: f64, beta: f64, epsilon: f64,
): f64 {
  const factor = splat(scale), two = splat(l2), one = splat(l1), r = splat(rate);
  const kept = splat(beta), rest = splat(1 - beta), e = splat(epsilon);
  let lower = f64x2.splat(0), upper = f64x2.splat(0);
  for (; n >= 4; n -= 4) {
    const g = rmspropOf(weights, gradient, square, newWeights, newSquare, factor, two, one, r, kept, rest, e, false);
    lower = f64x2.add(lower, lowerSquares(g));
    upper = f64x2.add(upper, upperSquares(g));
    weights += 16;
    gradient += 16;
    square += 16;
    newWeights += 16;
    newSquare += 16;
  }
  let result = total(f64x2.add(lower, upper));
  for (; n > 0; n--) {
    const g = rmspropOf(weights, gradient, square, newWeights, newSquare, factor, two, one, r, kept, rest, e, true);
    result += f64x2.extract_lane(lowerSquares(g), 0);
    weights += 4;
    gradient += 4;
    square += 4;
    newWeights += 4;
    newSquare += 4;
  }
  return result;
}

@inline
function adamOf(
  weights: usize, gradient: usize, velocity: usize, square: usize, newWeights: usize, newVelocity: usize,
  newSquare: usize,
  scale: v128, l2: v128, l1: v128, rate: v128, beta1: v128, rest1: v128, beta2: v128, rest2: v128, epsilon: v128,
  single: bool,
): v128 {
  const w = read(weights, single);
  const g = regularizedGradient(w, read(gradient, single), scale, l2, l1);
  const v = average(beta1, read(velocity, single), rest1, g);
  const s = average(beta2, read(square, single), rest2, f32x4.mul(g, g));
  write(newVelocity, v, single);
  write(newSquare, s, single);
  write(newWeights, normalizedStep(w, rate, v, s, epsilon), single);
  return g;
}

export function adam(
  n: i32, weights: usize, gradient: usize, velocity: usize, square: usize, newWeights: usize, newVelocity: usize,
  newSquare: usize,
  scale: f64, l2: f64, l1: f64, rate: f64, beta1: f64, beta2: f64, epsilon: f64, correction1: f64, correction2: f64,
): f64 {
  const factor = splat(scale), two = splat(l2), one = splat(l1);
  const kept1 = splat(beta1), rest1 = splat(1 - beta1), kept2 = splat(beta2), rest2 = splat(1 - beta2);
  // (rate·v/correction1) / (√(s/correction2) + epsilon), multiplied by √correction2 above and below
  const root = Math.sqrt(correction2);
  const r = splat((rate * root) / correction1), e = splat(epsilon * root);
  let lower = f64x2.splat(0), upper = f64x2.splat(0);
  for (; n >= 4; n -= 4) {
    const g = adamOf(
      weights, gradient, velocity, square, newWeights, newVelocity, newSquare, factor, two, one, r, kept1, rest1,
      kept2, rest2, e, false,
    );
    lower = f64x2.add(lower, lowerSquares(g));
    upper = f64x2.add(upper, upperSquares(g));
    weights += 16;
    gradient += 16;
    velocity += 16;
    square += 16;
    newWeights += 16;
    newVelocity += 16;
    newSquare += 16;
  }
  let result = total(f64x2.add(lower, upper));
  for (; n > 0; n--) {
    const g = adamOf(
      weights, gradient, velocity, square, newWeights, newVelocity, newSquare, factor, two, one, r, kept1, rest1,
      kept2, rest2, e, true,
    );
    result += f64x2.extract_lane(lowerSquares(g), 0);
    weights += 4;
    gradient += 4;
    velocity += 4;
    square += 4;
    newWeights += 4;
    newVelocity += 4;
    newSquare += 4;
  }
  return result;
}
