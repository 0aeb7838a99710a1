/** What a relative error says about a gradient. */

/**
 * right: as near as two correct computations come; suspect: look again; wrong: a mistake; unseen: nothing could be compared.
 */
export type Verdict = 'right' | 'suspect' | 'wrong' | 'unseen';

const SEVERITY: readonly Verdict[] = ['unseen', 'right', 'suspect', 'wrong'];

export interface Thresholds {
  /** Relative errors below this are right. */
  readonly right: number;
  /** Relative errors from here on are wrong. */
  readonly wrong: number;
}

/**
 * Backpropagation against central differences, both in float64. About 1e-7 and less is as good as it gets, 1e-5 deserves a second
 * look, 1e-3 and more is a mistake in the gradient (A. Ng: Improving Deep Neural Networks, 2017, gradient checking).
 */
export const EXACT: Thresholds = { right: 1e-6, wrong: 1e-3 };

/** Float32 against float64: 2⁻²⁴ ≈ 6e-8 per rounding, of which a pass makes thousands, and batch norm magnifies them. */
export const SINGLE: Thresholds = { right: 1e-4, wrong: 1e-2 };

/**
 * @param resolution Relative error that rounding alone explains: up to there nothing can be told apart.
 */
export function judge(error: number, { right, wrong }: Thresholds, resolution: number): Verdict {
  if (error < right || error <= resolution) return 'right';
  // NaN is wrong.
  return error < wrong ? 'suspect' : 'wrong';
}

/** The more serious of two verdicts. */
export function worse(a: Verdict, b: Verdict): Verdict {
  return SEVERITY.indexOf(a) > SEVERITY.indexOf(b) ? a : b;
}
