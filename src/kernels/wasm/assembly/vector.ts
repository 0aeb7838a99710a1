/** Loads and stores of fewer than 4 elements, and sums across the lanes of a vector. */

/** The first `count` (1–3) elements at `address`, then zeros; reads nothing behind them. */
@inline
export function partialLoad(address: usize, count: i32): v128 {
  let x = v128.load32_zero(address);
  if (count > 1) x = v128.load_lane<f32>(address, x, 1, 4);
  if (count > 2) x = v128.load_lane<f32>(address, x, 2, 8);
  return x;
}

/** One element of a tail in every lane: it goes through the same vector code as the elements before it. */
@inline
export function loadOne(address: usize): v128 {
  return v128.load32_splat(address);
}

@inline
export function storeOne(address: usize, x: v128): void {
  v128.store_lane<f32>(address, x, 0);
}

/** The two lower lanes in float64. */
@inline
export function lowerHalf(x: v128): v128 {
  return f64x2.promote_low_f32x4(x);
}

/** The two upper lanes in float64. */
@inline
export function upperHalf(x: v128): v128 {
  return f64x2.promote_low_f32x4(v128.shuffle<i64>(x, x, 1, 1));
}

/** Two elements at `address` in float64: what {@link lowerHalf} makes of a vector, without the shuffle that its other half takes. */
@inline
export function loadTwo(address: usize): v128 {
  return f64x2.promote_low_f32x4(v128.load64_zero(address));
}

/** Sum of both lanes. */
@inline
export function total(x: v128): f64 {
  return f64x2.extract_lane(x, 0) + f64x2.extract_lane(x, 1);
}

/** `x` in every lane, rounded to float32. */
@inline
export function splat(x: f64): v128 {
  return f32x4.splat(<f32>x);
}

/** Squares of the two lower lanes, in float64. */
@inline
export function lowerSquares(x: v128): v128 {
  const half = lowerHalf(x);
  return f64x2.mul(half, half);
}

/** Squares of the two upper lanes, in float64. */
@inline
export function upperSquares(x: v128): v128 {
  const half = upperHalf(x);
  return f64x2.mul(half, half);
}
