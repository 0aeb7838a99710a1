/** Softmax over rows, its derivative, and the cross-entropy of its result. Sums over a row are kept in float64. */
import { exp, log1p } from './math';
import { loadOne, lowerHalf, storeOne, total, upperHalf } from './vector';

/** Largest element of a row; where a NaN hides it, the exponentials still meet the NaN. */
function largest(cols: i32, x: usize): v128 {
  let best = f32x4.splat(f32.NEGATIVE_INFINITY);
  for (; cols >= 4; cols -= 4, x += 16) best = f32x4.pmax(best, v128.load(x));
  for (; cols > 0; cols--, x += 4) best = f32x4.pmax(best, loadOne(x));
  best = f32x4.pmax(best, v128.shuffle<i32>(best, best, 2, 3, 0, 1));
  return f32x4.pmax(best, v128.shuffle<i32>(best, best, 1, 0, 3, 2));
}

/** Σ e^(x − max); the powers themselves go to y unless y is 0. */
@inline
function powers(cols: i32, x: usize, max: v128, y: usize): f64 {
  let sum = f64x2.splat(0);
  for (; cols >= 4; cols -= 4, x += 16) {
    const e = exp(f32x4.sub(v128.load(x), max));
    sum = f64x2.add(sum, f64x2.add(lowerHalf(e), upperHalf(e)));
    if (y) {
      v128.store(y, e);
      y += 16;
    }
  }
  let result = total(sum);
  for (; cols > 0; cols--, x += 4) {
    const e = exp(f32x4.sub(loadOne(x), max));
    result += <f64>f32x4.extract_lane(e, 0);
    if (y) {
      storeOne(y, e);
      y += 4;
    }
  }
  return result;
}

function divide(cols: i32, divisor: f64, y: usize): void {
  const d = f32x4.splat(<f32>divisor);
  for (; cols >= 4; cols -= 4, y += 16) v128.store(y, f32x4.div(v128.load(y), d));
  for (; cols > 0; cols--, y += 4) storeOne(y, f32x4.div(loadOne(y), d));
}

export function softmax(rows: i32, cols: i32, x: usize, y: usize): void {
  const rowBytes = <usize>cols << 2;
  for (let row = 0; row < rows; row++) {
    const sum = powers(cols, x, largest(cols, x), y);
    divide(cols, sum, y);
    x += rowBytes;
    y += rowBytes;
  }
}

export function softmaxBackward(rows: i32, cols: i32, y: usize, dy: usize, dx: usize): void {
  for (let row = 0; row < rows; row++) {
    let sum = f64x2.splat(0);
    let at: usize = 0;
    let n = cols;
    for (; n >= 4; n -= 4, at += 16) {
      const a = v128.load(y + at);
      const b = v128.load(dy + at);
      sum = f64x2.add(sum, f64x2.mul(lowerHalf(a), lowerHalf(b)));
      sum = f64x2.add(sum, f64x2.mul(upperHalf(a), upperHalf(b)));
    }
    let dot = total(sum);
    for (; n > 0; n--, at += 4) dot += <f64>load<f32>(y + at) * <f64>load<f32>(dy + at);
    const d = f32x4.splat(<f32>dot);
    for (n = cols; n >= 4; n -= 4, y += 16, dy += 16, dx += 16) {
      v128.store(dx, f32x4.mul(v128.load(y), f32x4.sub(v128.load(dy), d)));
    }
    for (; n > 0; n--, y += 4, dy += 4, dx += 4) {
      storeOne(dx, f32x4.mul(loadOne(y), f32x4.sub(loadOne(dy), d)));
    }
  }
}

/**
 * log Σ e^x − x[label] = log(1 + s) − (x[label] − max), with s the powers of all but the largest: a confident
 * prediction has a small loss rather than 0.
 */
export function softmaxCrossEntropy(
  rows: i32, classes: i32, logits: usize, labels: usize, loss: usize, gradient: usize,
): void {
  const rowBytes = <usize>classes << 2;
  for (let row = 0; row < rows; row++) {
    const max = largest(classes, logits);
    const sum = powers(classes, logits, max, gradient);
    const labelAt = <usize>(<u32>load<f32>(labels)) << 2;
    const ofLabel = f32x4.extract_lane(f32x4.sub(loadOne(logits + labelAt), max), 0);
    const logSum = f32x4.extract_lane(log1p(f32x4.splat(<f32>(sum - 1))), 0);
    store<f32>(loss, logSum - ofLabel);
    if (gradient) {
      divide(classes, sum, gradient);
      store<f32>(gradient + labelAt, load<f32>(gradient + labelAt) - 1);
      gradient += rowBytes;
    }
    logits += rowBytes;
    labels += 4;
    loss += 4;
  }
}
