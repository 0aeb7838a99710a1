/** The mask of inverted dropout, a pure function of key, row and column; contract: src/kernels/contract/dropout.ts. */
import { philox, word0, word1, word2, word3 } from './philox';
import { scratch } from './scratch';
import { splat } from './vector';

/** `value` where the word is at most `last`, else 0. */
@inline
function kept(words: v128, last: v128, value: v128): v128 {
  return v128.and(value, i32x4.le_u(words, last));
}

/** The masks of 16 columns, from four counters, at `out`. */
@inline
function maskOfFour(
  counters: v128, row: v128, c2: v128, c3: v128, keyLow: u32, keyHigh: u32, last: v128, value: v128, out: usize,
): void {
  philox(counters, row, c2, c3, keyLow, keyHigh);
  const x0 = kept(word0, last, value), x1 = kept(word1, last, value);
  const x2 = kept(word2, last, value), x3 = kept(word3, last, value);
  const low01 = v128.shuffle<i32>(x0, x1, 0, 4, 1, 5), low23 = v128.shuffle<i32>(x2, x3, 0, 4, 1, 5);
  const high01 = v128.shuffle<i32>(x0, x1, 2, 6, 3, 7), high23 = v128.shuffle<i32>(x2, x3, 2, 6, 3, 7);
  v128.store(out, v128.shuffle<i64>(low01, low23, 0, 2));
  v128.store(out, v128.shuffle<i64>(low01, low23, 1, 3), 16);
  v128.store(out, v128.shuffle<i64>(high01, high23, 0, 2), 32);
  v128.store(out, v128.shuffle<i64>(high01, high23, 1, 3), 48);
}

/** 0 < keepProb ≤ 1. word·2⁻³² < keepProb is the same as word ≤ ⌈keepProb·2³²⌉ − 1, exactly. */
export function dropoutMask(
  rows: i32, cols: i32, keepProb: f64, keyLow: u32, keyHigh: u32, firstRow: u32, counter2: u32, counter3: u32,
  mask: usize,
): void {
  const last = i32x4.splat(<u32>(Math.ceil(keepProb * 4294967296) - 1));
  const value = splat(1 / keepProb);
  const c2 = i32x4.splat(counter2);
  const c3 = i32x4.splat(counter3);
  const border = scratch();
  for (let r = 0; r < rows; r++) {
    const row = i32x4.splat(firstRow + r);
    let counters = i32x4(0, 1, 2, 3);
    let left = cols;
    for (; left >= 16; left -= 16, mask += 64) {
      maskOfFour(counters, row, c2, c3, keyLow, keyHigh, last, value, mask);
      counters = i32x4.add(counters, i32x4.splat(4));
    }
    if (left > 0) {
      maskOfFour(counters, row, c2, c3, keyLow, keyHigh, last, value, border);
      memory.copy(mask, border, <usize>left << 2);
      mask += <usize>left << 2;
    }
  }
}
