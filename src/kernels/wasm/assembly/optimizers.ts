/**
 * Weight updates, one pass over memory each; formulas in the contract (src/kernels/contract/optimizers.ts). Coefficients arrive in
 * float64 and are combined there: 1 − 0.999 taken in float32 would be off by 5·10⁻⁵ of itself.
 *
 * Every loop takes 8 elements at a time, then 4, then single ones, and an element goes through the same operations in all. The
 * squares of the gradient are summed as `gradientSumSquares` sums them, so both give the same norm.
 */
import { regularizedGradient } from './regularization';
import { loadOne, lowerSquares, splat, storeOne, total, upperSquares } from './vector';

/** What an update does: a constant of each call, so that every optimizer becomes a loop of its own. */
const enum Rule {
  GradientDescent,
  Momentum,
  Rmsprop,
  Adam,
}

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

/** Which elements: the first or the second four at the addresses, or one, in every lane. */
const enum Part {
  First,
  Second,
  Single,
}

@inline
function read(address: usize, part: Part): v128 {
  if (part == Part.Single) return loadOne(address);
  return part == Part.Second ? v128.load(address, 16) : v128.load(address);
}

@inline
function write(address: usize, x: v128, part: Part): void {
  if (part == Part.Single) storeOne(address, x);
  else if (part == Part.Second) v128.store(address, x, 16);
  else v128.store(address, x);
}

/** Updates the elements and returns their gradient. What a rule has no use for is not touched. */
@inline
function step(
  rule: Rule, part: Part, lasso: bool,
  weights: usize, gradient: usize, velocity: usize, square: usize, newWeights: usize, newVelocity: usize,
  newSquare: usize,
  scale: v128, l2: v128, l1: v128, rate: v128, beta1: v128, rest1: v128, beta2: v128, rest2: v128, epsilon: v128,
): v128 {
  const w = read(weights, part);
  const g = regularizedGradient(w, read(gradient, part), scale, l2, l1, lasso);
  let v = g;
  if (rule == Rule.Momentum || rule == Rule.Adam) {
    v = average(beta1, read(velocity, part), rest1, g);
    write(newVelocity, v, part);
  }
  if (rule == Rule.Rmsprop || rule == Rule.Adam) {
    const s = average(beta2, read(square, part), rest2, f32x4.mul(g, g));
    write(newSquare, s, part);
    write(newWeights, normalizedStep(w, rate, v, s, epsilon), part);
  } else {
    write(newWeights, f32x4.sub(w, f32x4.mul(rate, v)), part);
  }
  return g;
}

@inline
function update(
  rule: Rule, lasso: bool, n: i32,
  weights: usize, gradient: usize, velocity: usize, square: usize, newWeights: usize, newVelocity: usize,
  newSquare: usize,
  scale: v128, l2: v128, l1: v128, rate: v128, beta1: v128, rest1: v128, beta2: v128, rest2: v128, epsilon: v128,
): f64 {
  let lower = f64x2.splat(0), upper = f64x2.splat(0);
  for (; n >= 8; n -= 8) {
    const g0 = step(
      rule, Part.First, lasso, weights, gradient, velocity, square, newWeights, newVelocity, newSquare,
      scale, l2, l1, rate, beta1, rest1, beta2, rest2, epsilon,
    );
    lower = f64x2.add(lower, lowerSquares(g0));
    upper = f64x2.add(upper, upperSquares(g0));
    const g1 = step(
      rule, Part.Second, lasso, weights, gradient, velocity, square, newWeights, newVelocity, newSquare,
      scale, l2, l1, rate, beta1, rest1, beta2, rest2, epsilon,
    );
    lower = f64x2.add(lower, lowerSquares(g1));
    upper = f64x2.add(upper, upperSquares(g1));
    weights += 32;
    gradient += 32;
    velocity += 32;
    square += 32;
    newWeights += 32;
    newVelocity += 32;
    newSquare += 32;
  }
  if (n >= 4) {
    const g = step(
      rule, Part.First, lasso, weights, gradient, velocity, square, newWeights, newVelocity, newSquare,
      scale, l2, l1, rate, beta1, rest1, beta2, rest2, epsilon,
    );
    lower = f64x2.add(lower, lowerSquares(g));
    upper = f64x2.add(upper, upperSquares(g));
    n -= 4;
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
    const g = step(
      rule, Part.Single, lasso, weights, gradient, velocity, square, newWeights, newVelocity, newSquare,
      scale, l2, l1, rate, beta1, rest1, beta2, rest2, epsilon,
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

/** With a loop of its own where there is no l1, which is nearly always. */
@inline
function chosen(
  rule: Rule, n: i32,
  weights: usize, gradient: usize, velocity: usize, square: usize, newWeights: usize, newVelocity: usize,
  newSquare: usize,
  scale: f64, l2: f64, l1: f64, rate: f64, beta1: f64, beta2: f64, epsilon: f64,
): f64 {
  const factor = splat(scale), two = splat(l2), one = splat(l1), r = splat(rate), e = splat(epsilon);
  const kept1 = splat(beta1), rest1 = splat(1 - beta1), kept2 = splat(beta2), rest2 = splat(1 - beta2);
  if (l1 == 0) {
    return update(
      rule, false, n, weights, gradient, velocity, square, newWeights, newVelocity, newSquare,
      factor, two, one, r, kept1, rest1, kept2, rest2, e,
    );
  }
  return update(
    rule, true, n, weights, gradient, velocity, square, newWeights, newVelocity, newSquare,
    factor, two, one, r, kept1, rest1, kept2, rest2, e,
  );
}

export function gradientDescent(
  n: i32, weights: usize, gradient: usize, newWeights: usize,
  scale: f64, l2: f64, l1: f64, rate: f64,
): f64 {
  return chosen(
    Rule.GradientDescent, n, weights, gradient, 0, 0, newWeights, 0, 0, scale, l2, l1, rate, 0, 0, 0,
  );
}

export function momentum(
  n: i32, weights: usize, gradient: usize, velocity: usize, newWeights: usize, newVelocity: usize,
  scale: f64, l2: f64, l1: f64, rate: f64, beta: f64,
): f64 {
  return chosen(
    Rule.Momentum, n, weights, gradient, velocity, 0, newWeights, newVelocity, 0, scale, l2, l1, rate, beta, 0, 0,
  );
}

export function rmsprop(
  n: i32, weights: usize, gradient: usize, square: usize, newWeights: usize, newSquare: usize,
  scale: f64, l2: f64, l1: f64, rate: f64, beta: f64, epsilon: f64,
): f64 {
  return chosen(
    Rule.Rmsprop, n, weights, gradient, 0, square, newWeights, 0, newSquare, scale, l2, l1, rate, 0, beta, epsilon,
  );
}

export function adam(
  n: i32, weights: usize, gradient: usize, velocity: usize, square: usize, newWeights: usize, newVelocity: usize,
  newSquare: usize,
  scale: f64, l2: f64, l1: f64, rate: f64, beta1: f64, beta2: f64, epsilon: f64, correction1: f64, correction2: f64,
): f64 {
  // (rate·v/correction1) / (√(s/correction2) + epsilon), multiplied by √correction2 above and below
  const root = Math.sqrt(correction2);
  return chosen(
    Rule.Adam, n, weights, gradient, velocity, square, newWeights, newVelocity, newSquare,
    scale, l2, l1, (rate * root) / correction1, beta1, beta2, epsilon * root,
  );
}
