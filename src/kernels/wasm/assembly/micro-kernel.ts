/**
 * The innermost loops of the product. A tile of C lives in registers while k runs: 4 rows × 8 columns are 8
 * accumulators, 2 vectors of B, a broadcast element of A and a temporary, which fits the 16 vector registers of x86-64
 * with none spilled.
 *
 * Every element is 0 + a₀b₀ + a₁b₁ + …, rounded after each multiplication and each addition, whatever tile it lies in.
 */

/** One step of k for one row of a tile. */
@inline
function multiplyAdd(sum: v128, a: v128, b: v128): v128 {
  return f32x4.add(sum, f32x4.mul(a, b));
}

@inline
function put(c: usize, value: v128, add: bool): void {
  v128.store(c, add ? f32x4.add(v128.load(c), value) : value);
}

/**
 * C[4,8] = A·B over `kc` steps, or C += A·B when `add`. Panels: A is [kc,4], B is [kc,8], both contiguous.
 * `c` is a byte address and `rowBytes` the distance between rows of C.
 */
export function multiplyTile8(kc: i32, a: usize, b: usize, add: bool, c: usize, rowBytes: usize): void {
  let c00 = f32x4.splat(0), c01 = f32x4.splat(0);
  let c10 = f32x4.splat(0), c11 = f32x4.splat(0);
  let c20 = f32x4.splat(0), c21 = f32x4.splat(0);
  let c30 = f32x4.splat(0), c31 = f32x4.splat(0);
  for (let pairs = kc >> 1; pairs > 0; pairs--) {
    let b0 = v128.load(b), b1 = v128.load(b, 16);
    let a0 = v128.load32_splat(a);
    c00 = multiplyAdd(c00, a0, b0); c01 = multiplyAdd(c01, a0, b1);
    let a1 = v128.load32_splat(a, 4);
    c10 = multiplyAdd(c10, a1, b0); c11 = multiplyAdd(c11, a1, b1);
    let a2 = v128.load32_splat(a, 8);
    c20 = multiplyAdd(c20, a2, b0); c21 = multiplyAdd(c21, a2, b1);
    let a3 = v128.load32_splat(a, 12);
    c30 = multiplyAdd(c30, a3, b0); c31 = multiplyAdd(c31, a3, b1);
    b0 = v128.load(b, 32); b1 = v128.load(b, 48);
    a0 = v128.load32_splat(a, 16);
    c00 = multiplyAdd(c00, a0, b0); c01 = multiplyAdd(c01, a0, b1);
    a1 = v128.load32_splat(a, 20);
    c10 = multiplyAdd(c10, a1, b0); c11 = multiplyAdd(c11, a1, b1);
    a2 = v128.load32_splat(a, 24);
    c20 = multiplyAdd(c20, a2, b0); c21 = multiplyAdd(c21, a2, b1);
    a3 = v128.load32_splat(a, 28);
    c30 = multiplyAdd(c30, a3, b0); c31 = multiplyAdd(c31, a3, b1);
    a += 32;
    b += 64;
  }
  if (kc & 1) {
    const b0 = v128.load(b), b1 = v128.load(b, 16);
    const a0 = v128.load32_splat(a), a1 = v128.load32_splat(a, 4);
    const a2 = v128.load32_splat(a, 8), a3 = v128.load32_splat(a, 12);
    c00 = multiplyAdd(c00, a0, b0); c01 = multiplyAdd(c01, a0, b1);
    c10 = multiplyAdd(c10, a1, b0); c11 = multiplyAdd(c11, a1, b1);
    c20 = multiplyAdd(c20, a2, b0); c21 = multiplyAdd(c21, a2, b1);
    c30 = multiplyAdd(c30, a3, b0); c31 = multiplyAdd(c31, a3, b1);
  }
  put(c, c00, add); put(c + 16, c01, add);
  c += rowBytes;
  put(c, c10, add); put(c + 16, c11, add);
  c += rowBytes;
  put(c, c20, add); put(c + 16, c21, add);
  c += rowBytes;
  put(c, c30, add); put(c + 16, c31, add);
}

/** The same for C[4,4] and B as [kc,4]: the last columns of a matrix, so that 10 classes cost 12 columns, not 16. */
export function multiplyTile4(kc: i32, a: usize, b: usize, add: bool, c: usize, rowBytes: usize): void {
  let c0 = f32x4.splat(0), c1 = f32x4.splat(0), c2 = f32x4.splat(0), c3 = f32x4.splat(0);
  for (; kc > 0; kc--) {
    const b0 = v128.load(b);
    c0 = multiplyAdd(c0, v128.load32_splat(a), b0);
    c1 = multiplyAdd(c1, v128.load32_splat(a, 4), b0);
    c2 = multiplyAdd(c2, v128.load32_splat(a, 8), b0);
    c3 = multiplyAdd(c3, v128.load32_splat(a, 12), b0);
    a += 16;
    b += 16;
  }
  put(c, c0, add);
  c += rowBytes;
  put(c, c1, add);
  c += rowBytes;
  put(c, c2, add);
  c += rowBytes;
  put(c, c3, add);
}
