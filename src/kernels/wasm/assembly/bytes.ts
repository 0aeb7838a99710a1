/** Sums over bytes: integers, so exact in any order. */

/** 16 bytes at a time; a lane's sum of squares grows by at most 4·255² each time and must stay below 2³¹. */
const VECTORS_AT_ONCE: i32 = 8192;

@inline
function sumOfLanes(x: v128): i64 {
  return (
    <i64>i32x4.extract_lane(x, 0) + <i64>i32x4.extract_lane(x, 1) + <i64>i32x4.extract_lane(x, 2) +
    <i64>i32x4.extract_lane(x, 3)
  );
}

/** Σx and Σx² of n unsigned bytes, as two float64 at `out`. */
export function byteMoments(n: i32, x: usize, out: usize): void {
  let sum: i64 = 0;
  let squares: i64 = 0;
  let vectors = n >> 4;
  while (vectors > 0) {
    const now = min(vectors, VECTORS_AT_ONCE);
    vectors -= now;
    let laneSums = i32x4.splat(0);
    let laneSquares = i32x4.splat(0);
    for (let i = 0; i < now; i++, x += 16) {
      const bytes = v128.load(x);
      const low = i16x8.extend_low_i8x16_u(bytes);
      const high = i16x8.extend_high_i8x16_u(bytes);
      laneSums = i32x4.add(laneSums, i32x4.extadd_pairwise_i16x8_u(i16x8.add(low, high)));
      laneSquares = i32x4.add(laneSquares, i32x4.add(i32x4.dot_i16x8_s(low, low), i32x4.dot_i16x8_s(high, high)));
    }
    sum += sumOfLanes(laneSums);
    squares += sumOfLanes(laneSquares);
  }
  for (let i = 0; i < (n & 15); i++) {
    const value = <i64>load<u8>(x + i);
    sum += value;
    squares += value * value;
  }
  store<f64>(out, <f64>sum);
  store<f64>(out, <f64>squares, 8);
}
