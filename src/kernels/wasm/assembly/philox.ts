/**
 * Philox4x32-10 (Salmon, Moraes, Dror & Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3") for 4 counters at a
 * time. Lane l of word w is word w of counter l.
 */
const MULTIPLIER_0: u32 = 0xd2511f53;
const MULTIPLIER_1: u32 = 0xcd9e8d57;
const WEYL_0: u32 = 0x9e3779b9;
const WEYL_1: u32 = 0xbb67ae85;
const ROUNDS: i32 = 10;

/** The four words of the latest call. */
export let word0: v128 = i32x4.splat(0);
export let word1: v128 = i32x4.splat(0);
export let word2: v128 = i32x4.splat(0);
export let word3: v128 = i32x4.splat(0);

/** Ten rounds on four counters; the result is in word0 … word3. */
@inline
export function philox(c0: v128, c1: v128, c2: v128, c3: v128, keyLow: u32, keyHigh: u32): void {
  const multiplier0 = i32x4.splat(MULTIPLIER_0);
  const multiplier1 = i32x4.splat(MULTIPLIER_1);
  for (let round = 0; round < ROUNDS; round++) {
    const even0 = i64x2.extmul_low_i32x4_u(c0, multiplier0);
    const odd0 = i64x2.extmul_high_i32x4_u(c0, multiplier0);
    const even1 = i64x2.extmul_low_i32x4_u(c2, multiplier1);
    const odd1 = i64x2.extmul_high_i32x4_u(c2, multiplier1);
    const high0 = v128.shuffle<i32>(even0, odd0, 1, 3, 5, 7);
    const high1 = v128.shuffle<i32>(even1, odd1, 1, 3, 5, 7);
    c0 = v128.xor(v128.xor(high1, c1), i32x4.splat(keyLow));
    c1 = v128.shuffle<i32>(even1, odd1, 0, 2, 4, 6);
    c2 = v128.xor(v128.xor(high0, c3), i32x4.splat(keyHigh));
    c3 = v128.shuffle<i32>(even0, odd0, 0, 2, 4, 6);
    keyLow += WEYL_0;
    keyHigh += WEYL_1;
  }
  word0 = c0;
  word1 = c1;
  word2 = c2;
  word3 = c3;
}

/** The four words of one counter, written as unsigned integers to `out`: for comparison with the published vectors. */
export function philoxWords(c0: u32, c1: u32, c2: u32, c3: u32, keyLow: u32, keyHigh: u32, out: usize): void {
  philox(i32x4.splat(c0), i32x4.splat(c1), i32x4.splat(c2), i32x4.splat(c3), keyLow, keyHigh);
  v128.store_lane<u32>(out, word0, 0);
  v128.store_lane<u32>(out, word1, 0, 4);
  v128.store_lane<u32>(out, word2, 0, 8);
  v128.store_lane<u32>(out, word3, 0, 12);
}
