/**
 * g = scale·gradient + l2·w + l1·sign(w), with sign(0) = 0: the gradient that every optimizer uses.
 *
 * `lasso` false: l1 is 0, and five instructions are saved. All that l1·sign(w) then does is to turn a sum of −0 into 0 where w is −0,
 * which −0 + 0 = 0 does as well.
 */
@inline
export function regularizedGradient(w: v128, gradient: v128, scale: v128, l2: v128, l1: v128, lasso: bool): v128 {
  const zero = f32x4.splat(0);
  if (!lasso) return f32x4.add(f32x4.mul(scale, gradient), f32x4.mul(l2, f32x4.add(w, zero)));
  const signBit = i32x4.splat(0x80000000);
  const signed = v128.xor(l1, v128.and(w, signBit));
  const penalty = v128.and(signed, f32x4.ne(w, zero));
  return f32x4.add(f32x4.add(f32x4.mul(scale, gradient), f32x4.mul(l2, w)), penalty);
}
