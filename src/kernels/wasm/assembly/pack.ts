/**
 * Packing: blocks of A and B are copied once into panels that the innermost loop then reads front to back, whatever the
 * orientation and leading dimension they are stored with. A panel holds 4 or 8 lines (rows of op(A), columns of op(B)),
 * interleaved: element (p, line) is at p·width + line. Missing lines of the last panel are zeros.
 *
 * Addresses and distances are in bytes.
 */
import { partialLoad } from './vector';

/** 4 lines that are contiguous along k (A as stored, B transposed): a 4×4 transposition for every 4 steps of k. */
function interleave4(kc: i32, source: usize, lineBytes: usize, target: usize, stepBytes: usize): void {
  let line0 = source;
  let line1 = line0 + lineBytes;
  let line2 = line1 + lineBytes;
  let line3 = line2 + lineBytes;
  for (; kc >= 4; kc -= 4) {
    const x0 = v128.load(line0), x1 = v128.load(line1), x2 = v128.load(line2), x3 = v128.load(line3);
    const low01 = v128.shuffle<i32>(x0, x1, 0, 4, 1, 5), low23 = v128.shuffle<i32>(x2, x3, 0, 4, 1, 5);
    const high01 = v128.shuffle<i32>(x0, x1, 2, 6, 3, 7), high23 = v128.shuffle<i32>(x2, x3, 2, 6, 3, 7);
    v128.store(target, v128.shuffle<i64>(low01, low23, 0, 2));
    target += stepBytes;
    v128.store(target, v128.shuffle<i64>(low01, low23, 1, 3));
    target += stepBytes;
    v128.store(target, v128.shuffle<i64>(high01, high23, 0, 2));
    target += stepBytes;
    v128.store(target, v128.shuffle<i64>(high01, high23, 1, 3));
    target += stepBytes;
    line0 += 16;
    line1 += 16;
    line2 += 16;
    line3 += 16;
  }
  for (; kc > 0; kc--) {
    store<f32>(target, load<f32>(line0));
    store<f32>(target, load<f32>(line1), 4);
    store<f32>(target, load<f32>(line2), 8);
    store<f32>(target, load<f32>(line3), 12);
    target += stepBytes;
    line0 += 4;
    line1 += 4;
    line2 += 4;
    line3 += 4;
  }
}

/** Fewer than 4 lines that are contiguous along k; the others become zeros. */
function interleavePartial(
  kc: i32, lines: i32, source: usize, lineBytes: usize, target: usize, stepBytes: usize,
): void {
  for (let p = 0; p < kc; p++) {
    v128.store(target, f32x4.splat(0));
    let element = source + (<usize>p << 2);
    for (let line = 0; line < lines; line++) {
      store<f32>(target + (<usize>line << 2), load<f32>(element));
      element += lineBytes;
    }
    target += stepBytes;
  }
}

/**
 * Up to 4 lines that lie next to each other, with `sourceStep` from one step of k to the next (A transposed, B as
 * stored).
 */
function gather4(kc: i32, lines: i32, source: usize, sourceStep: usize, target: usize, stepBytes: usize): void {
  if (lines >= 4) {
    for (; kc > 0; kc--) {
      v128.store(target, v128.load(source));
      source += sourceStep;
      target += stepBytes;
    }
  } else {
    for (; kc > 0; kc--) {
      v128.store(target, partialLoad(source, lines));
      source += sourceStep;
      target += stepBytes;
    }
  }
}

/** 8 lines that lie next to each other. */
function gather8(kc: i32, source: usize, sourceStep: usize, target: usize): void {
  for (; kc > 0; kc--) {
    v128.store(target, v128.load(source));
    v128.store(target, v128.load(source, 16), 16);
    source += sourceStep;
    target += 32;
  }
}

/** 16 lines that lie next to each other, a whole cache line at a time, into four panels of 4. */
function gather16(kc: i32, source: usize, sourceStep: usize, target: usize): void {
  const panelBytes = <usize>kc << 4;
  let second = target + panelBytes;
  let third = second + panelBytes;
  let fourth = third + panelBytes;
  for (; kc > 0; kc--) {
    v128.store(target, v128.load(source));
    v128.store(second, v128.load(source, 16));
    v128.store(third, v128.load(source, 32));
    v128.store(fourth, v128.load(source, 48));
    source += sourceStep;
    target += 16;
    second += 16;
    third += 16;
    fourth += 16;
  }
}

@inline
function quarter(
  alongK: bool, kc: i32, lines: i32, source: usize, leadingBytes: usize, target: usize, stepBytes: usize,
): void {
  if (!alongK) gather4(kc, lines, source, leadingBytes, target, stepBytes);
  else if (lines >= 4) interleave4(kc, source, leadingBytes, target, stepBytes);
  else interleavePartial(kc, lines, source, leadingBytes, target, stepBytes);
}

/**
 * Packs `lines` × `kc` into panels of 4 lines, one after another. `alongK`: a line is contiguous and lines are
 * `leadingBytes` apart; otherwise the lines lie next to each other and steps of k are `leadingBytes` apart.
 */
export function packPanels4(
  alongK: bool, kc: i32, lines: i32, source: usize, leadingBytes: usize, target: usize,
): void {
  const panelBytes = <usize>kc << 4;
  const lineBytes: usize = alongK ? leadingBytes : 4;
  let line = 0;
  if (!alongK) {
    for (; line + 16 <= lines; line += 16) {
      gather16(kc, source, leadingBytes, target);
      source += 64;
      target += panelBytes << 2;
    }
  }
  for (; line < lines; line += 4) {
    quarter(alongK, kc, lines - line, source, leadingBytes, target, 16);
    source += lineBytes << 2;
    target += panelBytes;
  }
}

/** The same with panels of 8 lines; where 4 or fewer remain, the last panel is 4 wide. */
export function packPanels8(
  alongK: bool, kc: i32, lines: i32, source: usize, leadingBytes: usize, target: usize,
): void {
  const panelBytes = <usize>kc << 5;
  const lineBytes: usize = alongK ? leadingBytes : 4;
  for (let line = 0; line < lines; line += 8) {
    const remaining = lines - line;
    if (remaining <= 4) {
      quarter(alongK, kc, remaining, source, leadingBytes, target, 16);
    } else if (remaining >= 8 && !alongK) {
      gather8(kc, source, leadingBytes, target);
    } else {
      quarter(alongK, kc, 4, source, leadingBytes, target, 32);
      quarter(alongK, kc, remaining - 4, source + (lineBytes << 2), leadingBytes, target + 16, 32);
    }
    source += lineBytes << 3;
    target += panelBytes;
  }
}

/** Y[rows,cols] = X, dense. Leading dimension in elements. */
export function packRows(rows: i32, cols: i32, x: usize, ldx: i32, y: usize): void {
  const skip = <usize>(ldx - cols) << 2;
  for (; rows > 0; rows--) {
    let n = cols;
    for (; n >= 8; n -= 8) {
      v128.store(y, v128.load(x));
      v128.store(y, v128.load(x, 16), 16);
      x += 32;
      y += 32;
    }
    for (; n > 0; n--) {
      store<f32>(y, load<f32>(x));
      x += 4;
      y += 4;
    }
    x += skip;
  }
}
