/** Standardising raw features: (x − mean)·inverseDeviation, both per column. Addresses in bytes. */
import { loadOne, storeOne } from './vector';

@inline
function standardized(x: v128, mean: v128, inverseDeviation: v128): v128 {
  return f32x4.mul(f32x4.sub(x, mean), inverseDeviation);
}

export function standardizeBytes(
  rows: i32, cols: i32, bytes: usize, mean: usize, inverseDeviation: usize, y: usize,
): void {
  for (let row = 0; row < rows; row++) {
    let at: usize = 0;
    let n = cols;
    for (; n >= 4; n -= 4, at += 16, bytes += 4, y += 16) {
      const words = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(bytes)));
      const x = f32x4.convert_i32x4_s(words);
      v128.store(y, standardized(x, v128.load(mean + at), v128.load(inverseDeviation + at)));
    }
    for (; n > 0; n--, at += 4, bytes++, y += 4) {
      const x = f32x4.splat(<f32>load<u8>(bytes));
      storeOne(y, standardized(x, loadOne(mean + at), loadOne(inverseDeviation + at)));
    }
  }
}

export function standardize(rows: i32, cols: i32, x: usize, mean: usize, inverseDeviation: usize, y: usize): void {
  for (let row = 0; row < rows; row++) {
    let at: usize = 0;
    let n = cols;
    for (; n >= 4; n -= 4, at += 16, x += 16, y += 16) {
      v128.store(y, standardized(v128.load(x), v128.load(mean + at), v128.load(inverseDeviation + at)));
    }
    for (; n > 0; n--, at += 4, x += 4, y += 4) {
      storeOne(y, standardized(loadOne(x), loadOne(mean + at), loadOne(inverseDeviation + at)));
    }
  }
}
