/**
 * Sums down the columns of a wide matrix, with the bits of ./columns, which takes what is left of 32 columns.
 *
 * A block of rows is walked in spans of rows, and a span in strips of columns that keep their sums in registers: no more streams
 * than the processor fetches ahead, and no more pages than it knows the addresses of. In between, the vectors of results hold the
 * sums of a block, and the scratch block the totals of all blocks, in float64.
 */
import { passed } from './batch-norm';
import { scratch } from './scratch';
import { lowerHalf, upperHalf } from './vector';

/** Columns of a wide matrix come in multiples of so many. */
export const WIDTH: i32 = 32;
/** Rows that are summed in float32. */
const BLOCK: i32 = 32;
/** Rows of a span: 8 of two matrices are 16 streams. */
const SPAN: i32 = 8;
/** Columns up to which the rows of a block share their pages: it is a span. */
const NARROW: i32 = 128;
/** Columns whose totals are kept at a time: two vectors of them fill the scratch block. */
const COLUMNS: i32 = 1 << 18;

@inline
function spanOf(cols: i32): i32 {
  return cols > NARROW ? SPAN : BLOCK;
}

/** Σ x of 32 columns: enough accumulators to hide how long an addition takes. */
function sumStrip32(rows: i32, rowBytes: usize, x: usize, sums: usize): void {
  let a = v128.load(sums), b = v128.load(sums, 16), c = v128.load(sums, 32), d = v128.load(sums, 48);
  let e = v128.load(sums, 64), f = v128.load(sums, 80), g = v128.load(sums, 96), h = v128.load(sums, 112);
  for (; rows > 0; rows--, x += rowBytes) {
    a = f32x4.add(a, v128.load(x));
    b = f32x4.add(b, v128.load(x, 16));
    c = f32x4.add(c, v128.load(x, 32));
    d = f32x4.add(d, v128.load(x, 48));
    e = f32x4.add(e, v128.load(x, 64));
    f = f32x4.add(f, v128.load(x, 80));
    g = f32x4.add(g, v128.load(x, 96));
    h = f32x4.add(h, v128.load(x, 112));
  }
  v128.store(sums, a);
  v128.store(sums, b, 16);
  v128.store(sums, c, 32);
  v128.store(sums, d, 48);
  v128.store(sums, e, 64);
  v128.store(sums, f, 80);
  v128.store(sums, g, 96);
  v128.store(sums, h, 112);
}

/** sum + (x − mean)² */
@inline
function addSquare(sum: v128, x: v128, mean: v128): v128 {
  const difference = f32x4.sub(x, mean);
  return f32x4.add(sum, f32x4.mul(difference, difference));
}

/** Σ (x − mean)² of 16 columns. */
function squareStrip16(rows: i32, rowBytes: usize, x: usize, mean: usize, sums: usize): void {
  const mean0 = v128.load(mean), mean1 = v128.load(mean, 16), mean2 = v128.load(mean, 32), mean3 = v128.load(mean, 48);
  let a = v128.load(sums), b = v128.load(sums, 16), c = v128.load(sums, 32), d = v128.load(sums, 48);
  for (; rows > 0; rows--, x += rowBytes) {
    a = addSquare(a, v128.load(x), mean0);
    b = addSquare(b, v128.load(x, 16), mean1);
    c = addSquare(c, v128.load(x, 32), mean2);
    d = addSquare(d, v128.load(x, 48), mean3);
  }
  v128.store(sums, a);
  v128.store(sums, b, 16);
  v128.store(sums, c, 32);
  v128.store(sums, d, 48);
}

/** Σ x and Σ x·y of eight columns; with `relu`, x counts only where γ·y + β > 0. */
@inline
function dotStrip8(
  rows: i32, rowBytes: usize, x: usize, y: usize, gamma: usize, beta: usize, sumX: usize, sumXY: usize, relu: bool,
): void {
  const scale0 = v128.load(gamma), scale1 = v128.load(gamma, 16);
  const shift0 = v128.load(beta), shift1 = v128.load(beta, 16);
  let a = v128.load(sumX), b = v128.load(sumX, 16), c = v128.load(sumXY), d = v128.load(sumXY, 16);
  for (; rows > 0; rows--, x += rowBytes, y += rowBytes) {
    const y0 = v128.load(y), y1 = v128.load(y, 16);
    let x0 = v128.load(x), x1 = v128.load(x, 16);
    if (relu) {
      x0 = passed(x0, y0, scale0, shift0);
      x1 = passed(x1, y1, scale1, shift1);
    }
    a = f32x4.add(a, x0);
    b = f32x4.add(b, x1);
    c = f32x4.add(c, f32x4.mul(x0, y0));
    d = f32x4.add(d, f32x4.mul(x1, y1));
  }
  v128.store(sumX, a);
  v128.store(sumX, b, 16);
  v128.store(sumXY, c);
  v128.store(sumXY, d, 16);
}

function clear(n: i32, sums: usize): void {
  for (; n > 0; n -= 4, sums += 16) v128.store(sums, f32x4.splat(0));
}

/** Adds the sums of a block to the totals, which the first one begins, and clears them. */
function addBlock(n: i32, sums: usize, totals: usize, first: bool): void {
  for (; n > 0; n -= 4, sums += 16, totals += 32) {
    const sum = v128.load(sums);
    v128.store(sums, f32x4.splat(0));
    let lower = lowerHalf(sum), upper = upperHalf(sum);
    if (!first) {
      lower = f64x2.add(v128.load(totals), lower);
      upper = f64x2.add(v128.load(totals, 16), upper);
    }
    v128.store(totals, lower);
    v128.store(totals, upper, 16);
  }
}

/** Adds the last block to the totals, and rounds them to float32. */
function finish(n: i32, sums: usize, totals: usize): void {
  for (; n > 0; n -= 4, sums += 16, totals += 32) {
    const sum = v128.load(sums);
    const lower = f64x2.add(v128.load(totals), lowerHalf(sum));
    const upper = f64x2.add(v128.load(totals, 16), upperHalf(sum));
    v128.store(sums, v128.shuffle<i64>(f32x4.demote_f64x2_zero(lower), f32x4.demote_f64x2_zero(upper), 0, 2));
  }
}

function sumSpan(rows: i32, cols: i32, rowBytes: usize, x: usize, sums: usize): void {
  for (; cols > 0; cols -= 32, x += 128, sums += 128) sumStrip32(rows, rowBytes, x, sums);
}

function squareSpan(rows: i32, cols: i32, rowBytes: usize, x: usize, mean: usize, sums: usize): void {
  for (; cols > 0; cols -= 16, x += 64, mean += 64, sums += 64) squareStrip16(rows, rowBytes, x, mean, sums);
}

/** Of as many columns as there are totals. */
@inline
function sumsOf(rows: i32, cols: i32, rowBytes: usize, x: usize, mean: usize, sums: usize, squares: bool): void {
  const totals = scratch();
  const span = spanOf(cols);
  clear(cols, sums);
  for (let row = 0; row < rows; row += span, x += <usize>span * rowBytes) {
    if (row > 0 && row % BLOCK == 0) addBlock(cols, sums, totals, row == BLOCK);
    const count = min(rows - row, span);
    if (squares) squareSpan(count, cols, rowBytes, x, mean, sums);
    else sumSpan(count, cols, rowBytes, x, sums);
  }
  if (rows > BLOCK) finish(cols, sums, totals);
}

/** Σ x; cols is a multiple of {@link WIDTH}, here and below. */
export function wideSums(rows: i32, cols: i32, rowBytes: usize, x: usize, sums: usize): void {
  for (; cols > 0; cols -= COLUMNS, x += <usize>COLUMNS << 2, sums += <usize>COLUMNS << 2) {
    sumsOf(rows, min(cols, COLUMNS), rowBytes, x, 0, sums, false);
  }
}

/** Σ (x − mean)² */
export function wideSquares(rows: i32, cols: i32, rowBytes: usize, x: usize, mean: usize, sums: usize): void {
  const bytes = <usize>COLUMNS << 2;
  for (; cols > 0; cols -= COLUMNS, x += bytes, mean += bytes, sums += bytes) {
    sumsOf(rows, min(cols, COLUMNS), rowBytes, x, mean, sums, true);
  }
}

/** Σ x and Σ x·y; with `relu`, x counts only where γ·y + β > 0. */
@inline
export function wideDots(
  rows: i32, cols: i32, rowBytes: usize, x: usize, y: usize, gamma: usize, beta: usize, sumX: usize, sumXY: usize,
  relu: bool,
): void {
  const span = spanOf(cols);
  const totalsX = scratch();
  const totalsXY = totalsX + (<usize>COLUMNS << 3);
  for (let first = 0; first < cols; first += COLUMNS) {
    const width = min(cols - first, COLUMNS);
    const start = <usize>first << 2;
    const end = start + (<usize>width << 2);
    clear(width, sumX + start);
    clear(width, sumXY + start);
    for (let row = 0; row < rows; row += span) {
      if (row > 0 && row % BLOCK == 0) {
        addBlock(width, sumX + start, totalsX, row == BLOCK);
        addBlock(width, sumXY + start, totalsXY, row == BLOCK);
      }
      const count = min(rows - row, span);
      const above = <usize>row * rowBytes;
      for (let at = start; at < end; at += 32) {
        const place = above + at;
        dotStrip8(
          count, rowBytes, x + place, y + place, gamma + at, beta + at, sumX + at, sumXY + at, relu,
        );
      }
    }
    if (rows > BLOCK) {
      finish(width, sumX + start, totalsX);
      finish(width, sumXY + start, totalsXY);
    }
  }
}
