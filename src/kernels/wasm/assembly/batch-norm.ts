/** Batch normalisation (Ioffe & Szegedy 2015), forward and backward, from statistics that the caller has. */
import { scratch } from './scratch';
import { loadOne, splat, storeOne } from './vector';

export function batchNorm(
  rows: i32, cols: i32, x: usize, mean: usize, inverseDeviation: usize, gamma: usize, beta: usize,
  normalized: usize, y: usize,
): void {
  for (let row = 0; row < rows; row++) {
    let at: usize = 0;
    let n = cols;
    for (; n >= 4; n -= 4, at += 16, x += 16, normalized += 16, y += 16) {
      const centered = f32x4.sub(v128.load(x), v128.load(mean + at));
      const value = f32x4.mul(centered, v128.load(inverseDeviation + at));
      v128.store(normalized, value);
      v128.store(y, f32x4.add(f32x4.mul(v128.load(gamma + at), value), v128.load(beta + at)));
    }
    for (; n > 0; n--, at += 4, x += 4, normalized += 4, y += 4) {
      const value = (load<f32>(x) - load<f32>(mean + at)) * load<f32>(inverseDeviation + at);
      store<f32>(normalized, value);
      store<f32>(y, load<f32>(gamma + at) * value + load<f32>(beta + at));
    }
  }
}

/** Columns whose three coefficients are prepared at a time; their vectors fill three quarters of the scratch block. */
const COLUMNS: i32 = 1 << 18;

/**
 * dx = a·(dy − b − x̂·d) with a = γ·inverseDeviation, b = sumDy/count, d = sumDyX̂/count, prepared once for all rows.
 */
export function batchNormBackward(
  rows: i32, cols: i32, dy: usize, normalized: usize, gamma: usize, inverseDeviation: usize,
  sumDy: usize, sumDyNormalized: usize, count: f64, dx: usize,
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
      backwardRow(width, dy + offset, normalized + offset, a, b, d, dx + offset);
    }
  }
}

@inline
function backwardRow(n: i32, dy: usize, normalized: usize, a: usize, b: usize, d: usize, dx: usize): void {
  let at: usize = 0;
  for (; n >= 4; n -= 4, at += 16) {
    const correction = f32x4.mul(v128.load(normalized + at), v128.load(d + at));
    const rest = f32x4.sub(f32x4.sub(v128.load(dy + at), v128.load(b + at)), correction);
    v128.store(dx + at, f32x4.mul(v128.load(a + at), rest));
  }
  for (; n > 0; n--, at += 4) {
    const correction = f32x4.mul(loadOne(normalized + at), loadOne(d + at));
    const rest = f32x4.sub(f32x4.sub(loadOne(dy + at), loadOne(b + at)), correction);
    storeOne(dx + at, f32x4.mul(loadOne(a + at), rest));
  }
}
