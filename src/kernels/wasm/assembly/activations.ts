/** Activations and their derivatives, element by element. Addresses in bytes; contract: src/kernels/contract/activations.ts. */
import { mapOne, mapTwo, Operation } from './elements';
import * as math from './math';
import { loadOne, splat, storeOne } from './vector';

export function relu(n: i32, x: usize, y: usize): void {
  mapOne(Operation.Relu, n, f32x4.splat(0), x, y);
}

export function reluBackward(n: i32, y: usize, dy: usize, dx: usize): void {
  mapTwo(Operation.ReluBackward, n, f32x4.splat(0), y, dy, dx);
}

export function leakyRelu(n: i32, slope: f64, x: usize, y: usize): void {
  mapOne(Operation.LeakyRelu, n, splat(slope), x, y);
}

export function leakyReluBackward(n: i32, slope: f64, y: usize, dy: usize, dx: usize): void {
  mapTwo(Operation.LeakyReluBackward, n, splat(slope), y, dy, dx);
}

export function sigmoid(n: i32, x: usize, y: usize): void {
  for (; n >= 4; n -= 4, x += 16, y += 16) v128.store(y, math.sigmoid(v128.load(x)));
  for (; n > 0; n--, x += 4, y += 4) storeOne(y, math.sigmoid(loadOne(x)));
}

export function sigmoidBackward(n: i32, y: usize, dy: usize, dx: usize): void {
  mapTwo(Operation.SigmoidBackward, n, f32x4.splat(0), y, dy, dx);
}

export function tanh(n: i32, x: usize, y: usize): void {
  for (; n >= 4; n -= 4, x += 16, y += 16) v128.store(y, math.tanh(v128.load(x)));
  for (; n > 0; n--, x += 4, y += 4) storeOne(y, math.tanh(loadOne(x)));
}

export function tanhBackward(n: i32, y: usize, dy: usize, dx: usize): void {
  mapTwo(Operation.TanhBackward, n, f32x4.splat(0), y, dy, dx);
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
