/**
 * Clipping by global norm: when the gradient g of all parameters together is longer than `clipNorm`, it is shortened to
 * that length and keeps its direction:
 *
 *     factor = min(1, clipNorm / ‖g‖)
 *
 * Source: Pascanu, Mikolov & Bengio, On the difficulty of training recurrent neural networks (ICML 2013), algorithm 1.
 * Where it differs: PyTorch's `clip_grad_norm_` divides by ‖g‖ + 10⁻⁶.
 *
 * The gradient clipped is that of the cost, penalties included, so the factor goes on `scale`, `l2` and `l1` of an
 * update alike.
 *
 * A norm that is not finite means a gradient that is not finite, which no factor can mend (0·∞ is not a number, and the
 * finite elements would stand still unnoticed). The factor is then 1 and the gradient stays as it is, for the caller to
 * see.
 *
 * @param norm ‖g‖ ≥ 0, the root of the sum of squares over all parameters
 * @param clipNorm the longest gradient allowed, > 0; null: no clipping
 */
export function clipFactor(norm: number, clipNorm: number | null): number {
  if (clipNorm === null || !Number.isFinite(norm) || norm <= clipNorm) return 1;
  return clipNorm / norm;
}
