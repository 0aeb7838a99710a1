/** Copies, sums and products, element by element. Addresses in bytes; contract: src/kernels/contract/elementwise.ts. */
import { mapOne, mapTwo, Operation, reluOf } from './elements';
import { loadOne, splat, storeOne } from './vector';

export function copy(n: i32, x: usize, y: usize): void {
  memory.copy(y, x, <usize>n << 2);
}

export function fill(n: i32, value: f64, y: usize): void {
  const v = splat(value);
  for (; n >= 16; n -= 16, y += 64) {
    v128.store(y, v);
    v128.store(y, v, 16);
    v128.store(y, v, 32);
    v128.store(y, v, 48);
  }
  for (; n >= 4; n -= 4) {
    v128.store(y, v);
    y += 16;
  }
  for (; n > 0; n--) {
    storeOne(y, v);
    y += 4;
  }
}

export function scale(n: i32, factor: f64, y: usize): void {
  mapOne(Operation.Scale, n, splat(factor), y, y);
}

export function add(n: i32, x: usize, y: usize): void {
  for (; n >= 16; n -= 16) {
    v128.store(y, f32x4.add(v128.load(y), v128.load(x)));
    v128.store(y, f32x4.add(v128.load(y, 16), v128.load(x, 16)), 16);
    v128.store(y, f32x4.add(v128.load(y, 32), v128.load(x, 32)), 32);
    v128.store(y, f32x4.add(v128.load(y, 48), v128.load(x, 48)), 48);
    x += 64;
    y += 64;
  }
  for (; n >= 4; n -= 4) {
    v128.store(y, f32x4.add(v128.load(y), v128.load(x)));
    x += 16;
    y += 16;
  }
  for (; n > 0; n--) {
    store<f32>(y, load<f32>(y) + load<f32>(x));
    x += 4;
    y += 4;
  }
}

export function addRect(rows: i32, cols: i32, x: usize, ldx: i32, y: usize, ldy: i32): void {
  for (let row = 0; row < rows; row++) {
    add(cols, x, y);
    x += <usize>ldx << 2;
    y += <usize>ldy << 2;
  }
}

export function multiply(n: i32, x: usize, y: usize, z: usize): void {
  mapTwo(Operation.Multiply, n, f32x4.splat(0), x, y, z);
}

export function addBias(rows: i32, cols: i32, bias: usize, y: usize): void {
  for (let row = 0; row < rows; row++) {
    add(cols, bias, y);
    y += <usize>cols << 2;
  }
}

export function addBiasRelu(rows: i32, cols: i32, bias: usize, y: usize): void {
  for (let row = 0; row < rows; row++) {
    let at = bias;
    let n = cols;
    for (; n >= 16; n -= 16, at += 64, y += 64) {
      v128.store(y, reluOf(f32x4.add(v128.load(y), v128.load(at))));
      v128.store(y, reluOf(f32x4.add(v128.load(y, 16), v128.load(at, 16))), 16);
      v128.store(y, reluOf(f32x4.add(v128.load(y, 32), v128.load(at, 32))), 32);
      v128.store(y, reluOf(f32x4.add(v128.load(y, 48), v128.load(at, 48))), 48);
    }
    for (; n >= 4; n -= 4, at += 16, y += 16) v128.store(y, reluOf(f32x4.add(v128.load(y), v128.load(at))));
    for (; n > 0; n--, at += 4, y += 4) storeOne(y, reluOf(f32x4.add(loadOne(y), loadOne(at))));
  }
}
