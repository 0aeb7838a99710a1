/** g = scale·gradient + l2·w + l1·sign(w), with sign(0) = 0: the gradient that every optimizer uses. */
@inline
export function regularizedGradient(w: v128, gradient: v128, scale: v128, l2: v128, l1: v128): v128 {
  const zero = f32x4.splat(0);
  const signBit = i32x4.splat(0x80000000);
  const signed = v128.xor(l1, v128.and(w, signBit));
  const lasso = v128.and(signed, f32x4.ne(w, zero));
  return f32x4.add(f32x4.add(f32x4.mul(scale, gradient), f32x4.mul(l2, w)), lasso);
}
