/** Activations and their derivatives, element by element. Addresses in bytes; contract: src/kernels/kernels.ts. */
import * as math from './math';
import { loadOne, splat, storeOne } from './vector';

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
function sigmoidGradient(y: v128, dy: v128): v128 {
  return f32x4.mul(f32x4.mul(dy, y), f32x4.sub(f32x4.splat(1), y));
}

@inline
function tanhGradient(y: v128, dy: v128): v128 {
  return f32x4.mul(dy, f32x4.sub(f32x4.splat(1), f32x4.mul(y, y)));
}

export function relu(n: i32, x: usize, y: usize): void {
  for (; n >= 4; n -= 4, x += 16, y += 16) v128.store(y, reluOf(v128.load(x)));
  for (; n > 0; n--, x += 4, y += 4) storeOne(y, reluOf(loadOne(x)));
}

export function reluBackward(n: i32, y: usize, dy: usize, dx: usize): void {
  for (; n >= 4; n -= 4, y += 16, dy += 16, dx += 16) v128.store(dx, reluGradient(v128.load(y), v128.load(dy)));
  for (; n > 0; n--, y += 4, dy += 4, dx += 4) storeOne(dx, reluGradient(loadOne(y), loadOne(dy)));
}

export function leakyRelu(n: i32, slope: f64, x: usize, y: usize): void {
  const s = splat(slope);
  for (; n >= 4; n -= 4, x += 16, y += 16) v128.store(y, leakyOf(s, v128.load(x), v128.load(x)));
  for (; n > 0; n--, x += 4, y += 4) storeOne(y, leakyOf(s, loadOne(x), loadOne(x)));
}

export function leakyReluBackward(n: i32, slope: f64, y: usize, dy: usize, dx: usize): void {
  const s = splat(slope);
  for (; n >= 4; n -= 4, y += 16, dy += 16, dx += 16) v128.store(dx, leakyOf(s, v128.load(y), v128.load(dy)));
  for (; n > 0; n--, y += 4, dy += 4, dx += 4) storeOne(dx, leakyOf(s, loadOne(y), loadOne(dy)));
}

export function sigmoid(n: i32, x: usize, y: usize): void {
  for (; n >= 4; n -= 4, x += 16, y += 16) v128.store(y, math.sigmoid(v128.load(x)));
  for (; n > 0; n--, x += 4, y += 4) storeOne(y, math.sigmoid(loadOne(x)));
}

export function sigmoidBackward(n: i32, y: usize, dy: usize, dx: usize): void {
  for (; n >= 4; n -= 4, y += 16, dy += 16, dx += 16) v128.store(dx, sigmoidGradient(v128.load(y), v128.load(dy)));
  for (; n > 0; n--, y += 4, dy += 4, dx += 4) storeOne(dx, sigmoidGradient(loadOne(y), loadOne(dy)));
}

export function tanh(n: i32, x: usize, y: usize): void {
  for (; n >= 4; n -= 4, x += 16, y += 16) v128.store(y, math.tanh(v128.load(x)));
  for (; n > 0; n--, x += 4, y += 4) storeOne(y, math.tanh(loadOne(x)));
}

export function tanhBackward(n: i32, y: usize, dy: usize, dx: usize): void {
  for (; n >= 4; n -= 4, y += 16, dy += 16, dx += 16) v128.store(dx, tanhGradient(v128.load(y), v128.load(dy)));
  for (; n > 0; n--, y += 4, dy += 4, dx += 4) storeOne(dx, tanhGradient(loadOne(y), loadOne(dy)));
}

/** e^x and log x of whole blocks: for whoever wants to know how accurate they are. */
export function exponential(n: i32, x: usize, y: usize): void {
  for (; n >= 4; n -= 4, x += 16, y += 16) v128.store(y, math.exp(v128.load(x)));
  for (; n > 0; n--, x += 4, y += 4) storeOne(y, math.exp(loadOne(x)));
}

export function logarithm(n: i32, x: usize, y: usize): void {
  for (; n >= 4; n -= 4, x += 16, y += 16) v128.store(y, math.log(v128.load(x)));
  for (; n > 0; n--, x += 4, y += 4) storeOne(y, math.log(loadOne(x)));
}
