/**
 * Sums down the columns of X[rows,cols]. A column is summed in float32 over blocks of 32 rows, and the blocks in float64, so that
 * the error does not grow with the number of rows. Where there are 32 columns and more, ./wide-columns sums them; here, strips of
 * the others go down all rows. A column gets the same bits in a wide matrix and in a narrow one.
 */
import { passed } from './batch-norm';
import { loadOne, lowerHalf, splat, storeOne, upperHalf } from './vector';
import { WIDTH, wideDots, wideSquares, wideSums } from './wide-columns';

const BLOCK: i32 = 32;

/** As many of the columns as there are whole strips of a wide matrix. */
@inline
function wideOf(cols: i32): i32 {
  return cols - (cols % WIDTH);
}

/** Four column sums, two and two in float64, as float32. */
@inline
function rounded(lower: v128, upper: v128): v128 {
  return v128.shuffle<i64>(f32x4.demote_f64x2_zero(lower), f32x4.demote_f64x2_zero(upper), 0, 2);
}

/** Σ x, or Σ (x − center)² with `squares`, of four columns; with `single`, of one column that fills every lane. */
@inline
function sumStrip4(rows: i32, rowBytes: usize, x: usize, single: bool, squares: bool, center: v128): v128 {
  let lower = f64x2.splat(0), upper = f64x2.splat(0);
  for (let row = 0; row < rows; row += BLOCK) {
    let sum = f32x4.splat(0);
    for (let left = min(rows - row, BLOCK); left > 0; left--, x += rowBytes) {
      let value = single ? loadOne(x) : v128.load(x);
      if (squares) {
        value = f32x4.sub(value, center);
        value = f32x4.mul(value, value);
      }
      sum = f32x4.add(sum, value);
    }
    lower = f64x2.add(lower, lowerHalf(sum));
    upper = f64x2.add(upper, upperHalf(sum));
  }
  return rounded(lower, upper);
}

/** Sixteen columns, a cache line wide. */
function sumStrip16(rows: i32, rowBytes: usize, x: usize, out: usize): void {
  let lower0 = f64x2.splat(0), upper0 = f64x2.splat(0), lower1 = f64x2.splat(0), upper1 = f64x2.splat(0);
  let lower2 = f64x2.splat(0), upper2 = f64x2.splat(0), lower3 = f64x2.splat(0), upper3 = f64x2.splat(0);
  for (let row = 0; row < rows; row += BLOCK) {
    let sum0 = f32x4.splat(0), sum1 = f32x4.splat(0), sum2 = f32x4.splat(0), sum3 = f32x4.splat(0);
    for (let left = min(rows - row, BLOCK); left > 0; left--, x += rowBytes) {
      sum0 = f32x4.add(sum0, v128.load(x));
      sum1 = f32x4.add(sum1, v128.load(x, 16));
      sum2 = f32x4.add(sum2, v128.load(x, 32));
      sum3 = f32x4.add(sum3, v128.load(x, 48));
    }
    lower0 = f64x2.add(lower0, lowerHalf(sum0));
    upper0 = f64x2.add(upper0, upperHalf(sum0));
    lower1 = f64x2.add(lower1, lowerHalf(sum1));
    upper1 = f64x2.add(upper1, upperHalf(sum1));
    lower2 = f64x2.add(lower2, lowerHalf(sum2));
    upper2 = f64x2.add(upper2, upperHalf(sum2));
    lower3 = f64x2.add(lower3, lowerHalf(sum3));
    upper3 = f64x2.add(upper3, upperHalf(sum3));
  }
  v128.store(out, rounded(lower0, upper0));
  v128.store(out, rounded(lower1, upper1), 16);
  v128.store(out, rounded(lower2, upper2), 32);
  v128.store(out, rounded(lower3, upper3), 48);
}

export function columnSums(rows: i32, cols: i32, x: usize, out: usize): void {
  const rowBytes = <usize>cols << 2;
  const zero = f32x4.splat(0);
  const wide = wideOf(cols);
  const skipped = <usize>wide << 2;
  wideSums(rows, wide, rowBytes, x, out);
  cols -= wide;
  x += skipped;
  out += skipped;
  for (; cols >= 16; cols -= 16, x += 64, out += 64) sumStrip16(rows, rowBytes, x, out);
  for (; cols >= 4; cols -= 4, x += 16, out += 16) {
    v128.store(out, sumStrip4(rows, rowBytes, x, false, false, zero));
  }
  for (; cols > 0; cols--, x += 4, out += 4) storeOne(out, sumStrip4(rows, rowBytes, x, true, false, zero));
}

/** Σ (x − mean)² for eight columns. */
function squareStrip8(rows: i32, rowBytes: usize, x: usize, mean: usize, m2: usize): void {
  const mean0 = v128.load(mean), mean1 = v128.load(mean, 16);
  let lower0 = f64x2.splat(0), upper0 = f64x2.splat(0), lower1 = f64x2.splat(0), upper1 = f64x2.splat(0);
  for (let row = 0; row < rows; row += BLOCK) {
    let sum0 = f32x4.splat(0), sum1 = f32x4.splat(0);
    for (let left = min(rows - row, BLOCK); left > 0; left--, x += rowBytes) {
      const difference0 = f32x4.sub(v128.load(x), mean0);
      const difference1 = f32x4.sub(v128.load(x, 16), mean1);
      sum0 = f32x4.add(sum0, f32x4.mul(difference0, difference0));
      sum1 = f32x4.add(sum1, f32x4.mul(difference1, difference1));
    }
    lower0 = f64x2.add(lower0, lowerHalf(sum0));
    upper0 = f64x2.add(upper0, upperHalf(sum0));
    lower1 = f64x2.add(lower1, lowerHalf(sum1));
    upper1 = f64x2.add(upper1, upperHalf(sum1));
  }
  v128.store(m2, rounded(lower0, upper0));
  v128.store(m2, rounded(lower1, upper1), 16);
}

/** Two passes: the mean first, then the squares of the distances from it (no cancellation of large sums). */
export function columnMoments(rows: i32, cols: i32, x: usize, mean: usize, m2: usize): void {
  const rowBytes = <usize>cols << 2;
  columnSums(rows, cols, x, mean);
  const count = splat(<f64>rows);
  let n = cols;
  let at = mean;
  for (; n >= 4; n -= 4, at += 16) v128.store(at, f32x4.div(v128.load(at), count));
  for (; n > 0; n--, at += 4) storeOne(at, f32x4.div(loadOne(at), count));
  const wide = wideOf(cols);
  const skipped = <usize>wide << 2;
  wideSquares(rows, wide, rowBytes, x, mean, m2);
  cols -= wide;
  x += skipped;
  mean += skipped;
  m2 += skipped;
  for (; cols >= 8; cols -= 8, x += 32, mean += 32, m2 += 32) squareStrip8(rows, rowBytes, x, mean, m2);
  for (; cols >= 4; cols -= 4, x += 16, mean += 16, m2 += 16) {
    v128.store(m2, sumStrip4(rows, rowBytes, x, false, true, v128.load(mean)));
  }
  for (; cols > 0; cols--, x += 4, mean += 4, m2 += 4) {
    storeOne(m2, sumStrip4(rows, rowBytes, x, true, true, loadOne(mean)));
  }
}

/** Σ x and Σ x·y for four columns; `single`: one column in every lane. `relu`: as {@link batchNormReluDots}. */
@inline
function dotStrip4(
  rows: i32, rowBytes: usize, x: usize, y: usize, gamma: usize, beta: usize, sumX: usize, sumXY: usize, single: bool,
  relu: bool,
): void {
  const scale = single ? loadOne(gamma) : v128.load(gamma), shift = single ? loadOne(beta) : v128.load(beta);
  let lowerX = f64x2.splat(0), upperX = f64x2.splat(0), lowerXY = f64x2.splat(0), upperXY = f64x2.splat(0);
  for (let row = 0; row < rows; row += BLOCK) {
    let plain = f32x4.splat(0), product = f32x4.splat(0);
    for (let left = min(rows - row, BLOCK); left > 0; left--, x += rowBytes, y += rowBytes) {
      const other = single ? loadOne(y) : v128.load(y);
      let value = single ? loadOne(x) : v128.load(x);
      if (relu) value = passed(value, other, scale, shift);
      plain = f32x4.add(plain, value);
      product = f32x4.add(product, f32x4.mul(value, other));
    }
    lowerX = f64x2.add(lowerX, lowerHalf(plain));
    upperX = f64x2.add(upperX, upperHalf(plain));
    lowerXY = f64x2.add(lowerXY, lowerHalf(product));
    upperXY = f64x2.add(upperXY, upperHalf(product));
  }
  if (single) {
    storeOne(sumX, rounded(lowerX, upperX));
    storeOne(sumXY, rounded(lowerXY, upperXY));
  } else {
    v128.store(sumX, rounded(lowerX, upperX));
    v128.store(sumXY, rounded(lowerXY, upperXY));
  }
}

/** The same for eight columns, half a cache line. */
@inline
function dotStrip8(
  rows: i32, rowBytes: usize, x: usize, y: usize, gamma: usize, beta: usize, sumX: usize, sumXY: usize, relu: bool,
): void {
  const scale0 = v128.load(gamma), scale1 = v128.load(gamma, 16);
  const shift0 = v128.load(beta), shift1 = v128.load(beta, 16);
  let lowerX0 = f64x2.splat(0), upperX0 = f64x2.splat(0), lowerXY0 = f64x2.splat(0), upperXY0 = f64x2.splat(0);
  let lowerX1 = f64x2.splat(0), upperX1 = f64x2.splat(0), lowerXY1 = f64x2.splat(0), upperXY1 = f64x2.splat(0);
  for (let row = 0; row < rows; row += BLOCK) {
    let plain0 = f32x4.splat(0), product0 = f32x4.splat(0), plain1 = f32x4.splat(0), product1 = f32x4.splat(0);
    for (let left = min(rows - row, BLOCK); left > 0; left--, x += rowBytes, y += rowBytes) {
      const other0 = v128.load(y), other1 = v128.load(y, 16);
      let value0 = v128.load(x), value1 = v128.load(x, 16);
      if (relu) {
        value0 = passed(value0, other0, scale0, shift0);
        value1 = passed(value1, other1, scale1, shift1);
      }
      plain0 = f32x4.add(plain0, value0);
      plain1 = f32x4.add(plain1, value1);
      product0 = f32x4.add(product0, f32x4.mul(value0, other0));
      product1 = f32x4.add(product1, f32x4.mul(value1, other1));
    }
    lowerX0 = f64x2.add(lowerX0, lowerHalf(plain0));
    upperX0 = f64x2.add(upperX0, upperHalf(plain0));
    lowerX1 = f64x2.add(lowerX1, lowerHalf(plain1));
    upperX1 = f64x2.add(upperX1, upperHalf(plain1));
    lowerXY0 = f64x2.add(lowerXY0, lowerHalf(product0));
    upperXY0 = f64x2.add(upperXY0, upperHalf(product0));
    lowerXY1 = f64x2.add(lowerXY1, lowerHalf(product1));
    upperXY1 = f64x2.add(upperXY1, upperHalf(product1));
  }
  v128.store(sumX, rounded(lowerX0, upperX0));
  v128.store(sumX, rounded(lowerX1, upperX1), 16);
  v128.store(sumXY, rounded(lowerXY0, upperXY0));
  v128.store(sumXY, rounded(lowerXY1, upperXY1), 16);
}

@inline
function dots(
  rows: i32, cols: i32, x: usize, y: usize, gamma: usize, beta: usize, sumX: usize, sumXY: usize, relu: bool,
): void {
  const rowBytes = <usize>cols << 2;
  const wide = wideOf(cols);
  const skipped = <usize>wide << 2;
  wideDots(rows, wide, rowBytes, x, y, gamma, beta, sumX, sumXY, relu);
  cols -= wide;
  x += skipped;
  y += skipped;
  gamma += skipped;
  beta += skipped;
  sumX += skipped;
  sumXY += skipped;
  for (; cols >= 8; cols -= 8) {
    dotStrip8(rows, rowBytes, x, y, gamma, beta, sumX, sumXY, relu);
    x += 32;
    y += 32;
    gamma += 32;
    beta += 32;
    sumX += 32;
    sumXY += 32;
  }
  if (cols >= 4) {
    dotStrip4(rows, rowBytes, x, y, gamma, beta, sumX, sumXY, false, relu);
    cols -= 4;
    x += 16;
    y += 16;
    gamma += 16;
    beta += 16;
    sumX += 16;
    sumXY += 16;
  }
  for (; cols > 0; cols--) {
    dotStrip4(rows, rowBytes, x, y, gamma, beta, sumX, sumXY, true, relu);
    x += 4;
    y += 4;
    gamma += 4;
    beta += 4;
    sumX += 4;
    sumXY += 4;
  }
}

export function columnDots(rows: i32, cols: i32, x: usize, y: usize, sumX: usize, sumXY: usize): void {
  // What is read as γ and β is not used.
  dots(rows, cols, x, y, sumX, sumX, sumX, sumXY, false);
}

/** Σ g and Σ g·x̂ with g = dy where γ·x̂ + β > 0, else 0. */
export function batchNormReluDots(
  rows: i32, cols: i32, dy: usize, normalized: usize, gamma: usize, beta: usize, sumDy: usize, sumDyNormalized: usize,
): void {
  dots(rows, cols, dy, normalized, gamma, beta, sumDy, sumDyNormalized, true);
}
