/** Sums of the nodes of a reduction tree, each of which is a rectangle of its own. Addresses in bytes. */

/** One vector of the sum of `count` sibling nodes in tree order, absent ones on the right, after `before` (0: none). */
@inline
function sumAt(count: i32, a: usize, b: usize, c: usize, d: usize, before: usize, offset: usize): v128 {
  let sum = v128.load(a + offset);
  if (count > 1) sum = f32x4.add(sum, v128.load(b + offset));
  if (count == 3) sum = f32x4.add(sum, v128.load(c + offset));
  if (count == 4) sum = f32x4.add(sum, f32x4.add(v128.load(c + offset), v128.load(d + offset)));
  return before ? f32x4.add(v128.load(before + offset), sum) : sum;
}

/** The same for one element. */
@inline
function sumOne(count: i32, a: usize, b: usize, c: usize, d: usize, before: usize): f32 {
  let sum = load<f32>(a);
  if (count > 1) sum += load<f32>(b);
  if (count == 3) sum += load<f32>(c);
  if (count == 4) sum += load<f32>(c) + load<f32>(d);
  return before ? load<f32>(before) + sum : sum;
}

@inline
function sumRows(
  rows: i32, cols: i32, count: i32, x: usize, gap: usize, before: usize, y: usize, rowBytes: usize,
): void {
  let a = x, b = a + gap, c = b + gap, d = c + gap;
  const skip = rowBytes - (<usize>cols << 2);
  for (; rows > 0; rows--) {
    let n = cols;
    for (; n >= 16; n -= 16) {
      v128.store(y, sumAt(count, a, b, c, d, before, 0));
      v128.store(y, sumAt(count, a, b, c, d, before, 16), 16);
      v128.store(y, sumAt(count, a, b, c, d, before, 32), 32);
      v128.store(y, sumAt(count, a, b, c, d, before, 48), 48);
      a += 64;
      b += 64;
      c += 64;
      d += 64;
      y += 64;
      if (before) before += 64;
    }
    for (; n > 0; n--) {
      store<f32>(y, sumOne(count, a, b, c, d, before));
      a += 4;
      b += 4;
      c += 4;
      d += 4;
      y += 4;
      if (before) before += 4;
    }
    y += skip;
  }
}

/**
 * Y[rows,cols] = (x₀ + x₁) + (x₂ + x₃), or before + that. The `count` (1 to 4) nodes x lie one after another, `gap` elements
 * apart, and like `before` (0: none) are dense; Y has a leading dimension.
 */
export function sumNodes(
  rows: i32, cols: i32, count: i32, x: usize, gap: i32, before: usize, y: usize, ldy: i32,
): void {
  const gapBytes = <usize>gap << 2;
  const rowBytes = <usize>ldy << 2;
  // Each call becomes a loop of its own, with nothing left to decide inside.
  if (before) {
    if (count == 4) sumRows(rows, cols, 4, x, gapBytes, before, y, rowBytes);
    else if (count == 3) sumRows(rows, cols, 3, x, gapBytes, before, y, rowBytes);
    else if (count == 2) sumRows(rows, cols, 2, x, gapBytes, before, y, rowBytes);
    else sumRows(rows, cols, 1, x, gapBytes, before, y, rowBytes);
  } else if (count == 4) sumRows(rows, cols, 4, x, gapBytes, 0, y, rowBytes);
  else if (count == 3) sumRows(rows, cols, 3, x, gapBytes, 0, y, rowBytes);
  else if (count == 2) sumRows(rows, cols, 2, x, gapBytes, 0, y, rowBytes);
  else sumRows(rows, cols, 1, x, gapBytes, 0, y, rowBytes);
}
