/**
 * Batch normalisation (Ioffe & Szegedy 2015), forward and backward, from statistics that the caller has; by itself or with
 * a ReLU behind it.
 */
import { reluGradient, reluOf } from './elements';
import { scratch } from './scratch';
import { loadOne, splat, storeOne } from './vector';

/** γ·x̂ + β */
@inline
function affine(normalized: v128, gamma: v128, beta: v128): v128 {
  return f32x4.add(f32x4.mul(gamma, normalized), beta);
}

/** dy where the output γ·x̂ + β passed a ReLU, else 0. */
@inline
export function passed(dy: v128, normalized: v128, gamma: v128, beta: v128): v128 {
  return reluGradient(affine(normalized, gamma, beta), dy);
}

@inline
function forward(
  rows: i32, cols: i32, x: usize, mean: usize, inverseDeviation: usize, gamma: usize, beta: usize,
  normalized: usize, y: usize, relu: bool,
): void {
  for (let row = 0; row < rows; row++) {
    let at: usize = 0;
    let n = cols;
    for (; n >= 8; n -= 8, at += 32, x += 32, normalized += 32, y += 32) {
      const mean0 = v128.load(mean + at), mean1 = v128.load(mean + at, 16);
      const inverse0 = v128.load(inverseDeviation + at), inverse1 = v128.load(inverseDeviation + at, 16);
      const value0 = f32x4.mul(f32x4.sub(v128.load(x), mean0), inverse0);
      const value1 = f32x4.mul(f32x4.sub(v128.load(x, 16), mean1), inverse1);
      v128.store(normalized, value0);
      v128.store(normalized, value1, 16);
      const output0 = affine(value0, v128.load(gamma + at), v128.load(beta + at));
      const output1 = affine(value1, v128.load(gamma + at, 16), v128.load(beta + at, 16));
      v128.store(y, relu ? reluOf(output0) : output0);
      v128.store(y, relu ? reluOf(output1) : output1, 16);
    }
    for (; n > 0; n--, at += 4, x += 4, normalized += 4, y += 4) {
      const value = f32x4.mul(f32x4.sub(loadOne(x), loadOne(mean + at)), loadOne(inverseDeviation + at));
      storeOne(normalized, value);
      const output = affine(value, loadOne(gamma + at), loadOne(beta + at));
      storeOne(y, relu ? reluOf(output) : output);
    }
  }
}

export function batchNorm(
  rows: i32, cols: i32, x: usize, mean: usize, inverseDeviation: usize, gamma: usize, beta: usize,
  normalized: usize, y: usize,
): void {
  forward(rows, cols, x, mean, inverseDeviation, gamma, beta, normalized, y, false);
}

export function batchNormRelu(
  rows: i32, cols: i32, x: usize, mean: usize, inverseDeviation: usize, gamma: usize, beta: usize,
  normalized: usize, y: usize,
): void {
  forward(rows, cols, x, mean, inverseDeviation, gamma, beta, normalized, y, true);
}

/** Columns whose three coefficients are prepared at a time; their vectors fill three quarters of the scratch block. */
const COLUMNS: i32 = 1 << 18;

/**
 * dx = a·(dy − b − x̂·d) with a = γ·inverseDeviation, b = sumDy/count, d = sumDyX̂/count, prepared once for all rows.
 * `relu`: with dy only where γ·x̂ + β > 0; beta is not read otherwise.
 */
@inline
function backward(
  rows: i32, cols: i32, dy: usize, normalized: usize, gamma: usize, beta: usize, inverseDeviation: usize,
  sumDy: usize, sumDyNormalized: usize, count: f64, dx: usize, relu: bool,
): void {
  const rowBytes = <usize>cols << 2;
  const divisor = splat(count);
  const a = scratch();
  const b = a + (<usize>COLUMNS << 2);
  const d = b + (<usize>COLUMNS << 2);
  for (let first = 0; first < cols; first += COLUMNS) {
    const width = min(cols - first, COLUMNS);
    const start = <usize>first << 2;
    const end = <usize>width << 2;
    for (let at: usize = 0; at < end; at += 4) {
      const column = start + at;
      storeOne(a + at, f32x4.mul(loadOne(gamma + column), loadOne(inverseDeviation + column)));
      storeOne(b + at, f32x4.div(loadOne(sumDy + column), divisor));
      storeOne(d + at, f32x4.div(loadOne(sumDyNormalized + column), divisor));
    }
    for (let row = 0; row < rows; row++) {
      const offset = start + <usize>row * rowBytes;
      backwardRow(
        width, dy + offset, normalized + offset, gamma + start, beta + start, a, b, d, dx + offset, relu,
      );
    }
  }
}

/** a·(dy − b − x̂·d) */
@inline
function derivative(dy: v128, normalized: v128, a: v128, b: v128, d: v128): v128 {
  return f32x4.mul(a, f32x4.sub(f32x4.sub(dy, b), f32x4.mul(normalized, d)));
}

@inline
function backwardRow(
  n: i32, dy: usize, normalized: usize, gamma: usize, beta: usize, a: usize, b: usize, d: usize, dx: usize, relu: bool,
): void {
  let at: usize = 0;
  for (; n >= 8; n -= 8, at += 32) {
    const x0 = v128.load(normalized + at), x1 = v128.load(normalized + at, 16);
    let g0 = v128.load(dy + at), g1 = v128.load(dy + at, 16);
    if (relu) {
      g0 = passed(g0, x0, v128.load(gamma + at), v128.load(beta + at));
      g1 = passed(g1, x1, v128.load(gamma + at, 16), v128.load(beta + at, 16));
    }
    v128.store(dx + at, derivative(g0, x0, v128.load(a + at), v128.load(b + at), v128.load(d + at)));
    v128.store(dx + at, derivative(g1, x1, v128.load(a + at, 16), v128.load(b + at, 16), v128.load(d + at, 16)), 16);
  }
  for (; n > 0; n--, at += 4) {
    const x = loadOne(normalized + at);
    let g = loadOne(dy + at);
    if (relu) g = passed(g, x, loadOne(gamma + at), loadOne(beta + at));
    storeOne(dx + at, derivative(g, x, loadOne(a + at), loadOne(b + at), loadOne(d + at)));
  }
}

export function batchNormBackward(
  rows: i32, cols: i32, dy: usize, normalized: usize, gamma: usize, inverseDeviation: usize,
  sumDy: usize, sumDyNormalized: usize, count: f64, dx: usize,
): void {
  backward(rows, cols, dy, normalized, gamma, gamma, inverseDeviation, sumDy, sumDyNormalized, count, dx, false);
}

export function batchNormReluBackward(
  rows: i32, cols: i32, dy: usize, normalized: usize, gamma: usize, beta: usize, inverseDeviation: usize,
  sumDy: usize, sumDyNormalized: usize, count: f64, dx: usize,
): void {
  backward(rows, cols, dy, normalized, gamma, beta, inverseDeviation, sumDy, sumDyNormalized, count, dx, true);
}
