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
    for (; n >= 16; n -= 16, at += 64, bytes += 16, y += 64) {
      const sixteen = v128.load(bytes);
      const lower = i16x8.extend_low_i8x16_u(sixteen), upper = i16x8.extend_high_i8x16_u(sixteen);
      const x0 = f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_u(lower));
      const x1 = f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_u(lower));
      const x2 = f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_u(upper));
      const x3 = f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_u(upper));
      const mean0 = mean + at, inverse0 = inverseDeviation + at;
      v128.store(y, standardized(x0, v128.load(mean0), v128.load(inverse0)));
      v128.store(y, standardized(x1, v128.load(mean0, 16), v128.load(inverse0, 16)), 16);
      v128.store(y, standardized(x2, v128.load(mean0, 32), v128.load(inverse0, 32)), 32);
      v128.store(y, standardized(x3, v128.load(mean0, 48), v128.load(inverse0, 48)), 48);
    }
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
    for (; n >= 8; n -= 8, at += 32, x += 32, y += 32) {
      const mean0 = mean + at, inverse0 = inverseDeviation + at;
      v128.store(y, standardized(v128.load(x), v128.load(mean0), v128.load(inverse0)));
      v128.store(y, standardized(v128.load(x, 16), v128.load(mean0, 16), v128.load(inverse0, 16)), 16);
    }
    for (; n >= 4; n -= 4, at += 16, x += 16, y += 16) {
      v128.store(y, standardized(v128.load(x), v128.load(mean + at), v128.load(inverseDeviation + at)));
    }
    for (; n > 0; n--, at += 4, x += 4, y += 4) {
      storeOne(y, standardized(loadOne(x), loadOne(mean + at), loadOne(inverseDeviation + at)));
    }
  }
}
