/** Walks along blocks that an operation treats element by element, 16 elements at a time: fewer pointers to move. Addresses in bytes. */
import { loadOne, storeOne } from './vector';

/** What is done to an element: a constant of each call, so that every one becomes a loop of its own. */
export const enum Operation {
  Scale,
  Relu,
  LeakyRelu,
  Multiply,
  ReluBackward,
  LeakyReluBackward,
  SigmoidBackward,
  TanhBackward,
}

/** A comparison with 0 that is false keeps x, so that NaN passes. */
@inline
export function reluOf(x: v128): v128 {
  return f32x4.pmax(x, f32x4.splat(0));
}

@inline
export function reluGradient(y: v128, dy: v128): v128 {
  return v128.and(dy, f32x4.gt(y, f32x4.splat(0)));
}

@inline
function leakyOf(slope: v128, sign: v128, x: v128): v128 {
  return v128.bitselect(x, f32x4.mul(slope, x), f32x4.gt(sign, f32x4.splat(0)));
}

@inline
function ofOne(operation: Operation, factor: v128, x: v128): v128 {
  if (operation == Operation.Scale) return f32x4.mul(factor, x);
  if (operation == Operation.Relu) return reluOf(x);
  return leakyOf(factor, x, x);
}

@inline
function ofTwo(operation: Operation, factor: v128, x: v128, y: v128): v128 {
  if (operation == Operation.Multiply) return f32x4.mul(x, y);
  if (operation == Operation.ReluBackward) return reluGradient(x, y);
  if (operation == Operation.LeakyReluBackward) return leakyOf(factor, x, y);
  if (operation == Operation.SigmoidBackward) {
    return f32x4.mul(f32x4.mul(y, x), f32x4.sub(f32x4.splat(1), x));
  }
  return f32x4.mul(y, f32x4.sub(f32x4.splat(1), f32x4.mul(x, x)));
}

/** y = operation(x); y may be x. */
@inline
export function mapOne(operation: Operation, n: i32, factor: v128, x: usize, y: usize): void {
  for (; n >= 16; n -= 16, x += 64, y += 64) {
    v128.store(y, ofOne(operation, factor, v128.load(x)));
    v128.store(y, ofOne(operation, factor, v128.load(x, 16)), 16);
    v128.store(y, ofOne(operation, factor, v128.load(x, 32)), 32);
    v128.store(y, ofOne(operation, factor, v128.load(x, 48)), 48);
  }
  for (; n >= 4; n -= 4, x += 16, y += 16) v128.store(y, ofOne(operation, factor, v128.load(x)));
  for (; n > 0; n--, x += 4, y += 4) storeOne(y, ofOne(operation, factor, loadOne(x)));
}

/** z = operation(x, y); z may be x or y. */
@inline
export function mapTwo(operation: Operation, n: i32, factor: v128, x: usize, y: usize, z: usize): void {
  for (; n >= 16; n -= 16, x += 64, y += 64, z += 64) {
    v128.store(z, ofTwo(operation, factor, v128.load(x), v128.load(y)));
    v128.store(z, ofTwo(operation, factor, v128.load(x, 16), v128.load(y, 16)), 16);
    v128.store(z, ofTwo(operation, factor, v128.load(x, 32), v128.load(y, 32)), 32);
    v128.store(z, ofTwo(operation, factor, v128.load(x, 48), v128.load(y, 48)), 48);
  }
  for (; n >= 4; n -= 4, x += 16, y += 16, z += 16) {
    v128.store(z, ofTwo(operation, factor, v128.load(x), v128.load(y)));
  }
  for (; n > 0; n--, x += 4, y += 4, z += 4) storeOne(z, ofTwo(operation, factor, loadOne(x), loadOne(y)));
}
