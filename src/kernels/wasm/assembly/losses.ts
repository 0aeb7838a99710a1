/** Losses that are sums over the columns of a row, and argmax. A row is summed in float64. */
import { exp, log1p } from './math';
import { loadOne, lowerHalf, splat, storeOne, total, upperHalf } from './vector';

/** σ(x) and log(1 + e^−|x|) come from one power. */
@inline
function logisticGradient(x: v128, e: v128, target: v128): v128 {
  const one = f32x4.splat(1);
  const numerator = v128.bitselect(e, one, f32x4.lt(x, f32x4.splat(0)));
  return f32x4.sub(f32x4.div(numerator, f32x4.add(e, one)), target);
}

/** max(x,0) − x·t + log(1 + e^−|x|) */
@inline
function logisticLoss(x: v128, e: v128, target: v128): v128 {
  const linear = f32x4.sub(f32x4.pmax(x, f32x4.splat(0)), f32x4.mul(x, target));
  return f32x4.add(linear, log1p(e));
}

export function sigmoidCrossEntropy(
  rows: i32, cols: i32, logits: usize, targets: usize, loss: usize, gradient: usize,
): void {
  for (let row = 0; row < rows; row++) {
    let sum = f64x2.splat(0);
    let n = cols;
    for (; n >= 4; n -= 4, logits += 16, targets += 16) {
      const x = v128.load(logits);
      const target = v128.load(targets);
      const e = exp(f32x4.neg(f32x4.abs(x)));
      const l = logisticLoss(x, e, target);
      sum = f64x2.add(sum, f64x2.add(lowerHalf(l), upperHalf(l)));
      if (gradient) {
        v128.store(gradient, logisticGradient(x, e, target));
        gradient += 16;
      }
    }
    let result = total(sum);
    for (; n > 0; n--, logits += 4, targets += 4) {
      const x = loadOne(logits);
      const target = loadOne(targets);
      const e = exp(f32x4.neg(f32x4.abs(x)));
      result += <f64>f32x4.extract_lane(logisticLoss(x, e, target), 0);
      if (gradient) {
        storeOne(gradient, logisticGradient(x, e, target));
        gradient += 4;
      }
    }
    store<f32>(loss, <f32>result);
    loss += 4;
  }
}

export function squaredError(rows: i32, cols: i32, x: usize, targets: usize, loss: usize, gradient: usize): void {
  const factor = splat(2 / <f64>cols);
  for (let row = 0; row < rows; row++) {
    let sum = f64x2.splat(0);
    let n = cols;
    for (; n >= 4; n -= 4, x += 16, targets += 16) {
      const error = f32x4.sub(v128.load(x), v128.load(targets));
      const lower = lowerHalf(error);
      const upper = upperHalf(error);
      sum = f64x2.add(sum, f64x2.add(f64x2.mul(lower, lower), f64x2.mul(upper, upper)));
      if (gradient) {
        v128.store(gradient, f32x4.mul(factor, error));
        gradient += 16;
      }
    }
    let result = total(sum);
    for (; n > 0; n--, x += 4, targets += 4) {
      const error = f32x4.sub(loadOne(x), loadOne(targets));
      const e = <f64>f32x4.extract_lane(error, 0);
      result += e * e;
      if (gradient) {
        storeOne(gradient, f32x4.mul(factor, error));
        gradient += 4;
      }
    }
    store<f32>(loss, <f32>(result / <f64>cols));
    loss += 4;
  }
}

export function argmax(rows: i32, cols: i32, x: usize, out: usize): void {
  for (let row = 0; row < rows; row++) {
    let best = 0;
    let largest = load<f32>(x);
    for (let column = 1; column < cols; column++) {
      const value = load<f32>(x + (<usize>column << 2));
      if (value > largest) {
        largest = value;
        best = column;
      }
    }
    store<f32>(out, <f32>best);
    x += <usize>cols << 2;
    out += 4;
  }
}
