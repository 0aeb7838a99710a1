/** Whether two means differ by more than chance: the arithmetic behind the comparison of splits. */
import { normal } from '../common/random/normal.js';

/** Moments of one column over the samples looked at. */
export interface ColumnMoments {
  readonly count: number;
  readonly mean: number;
  /** Central moments: means of (x − mean)², (x − mean)³, (x − mean)⁴. */
  readonly second: number;
  readonly third: number;
  readonly fourth: number;
}

/**
 * |mean_a − mean_b| / s, where s² = (n_a·v_a + n_b·v_b)/(n_a + n_b − 2) is the pooled variance: 0 for equal means, infinite where
 * both columns are constant and differ.
 */
export function standardizedDifference(
  a: Pick<ColumnMoments, 'count' | 'mean' | 'second'>,
  b: Pick<ColumnMoments, 'count' | 'mean' | 'second'>,
): number {
  const distance = Math.abs(a.mean - b.mean);
  return distance === 0 ? 0 : distance / Math.sqrt(pooled(a.count, a.second, b.count, b.second));
}

/** The standardised difference that chance alone exceeds with probability `level`, if the column were normal and n large. */
export function leastCritical(countA: number, countB: number, level: number): number {
  return normal(1 - level / 2) * Math.sqrt(1 / countA + 1 / countB);
}

/**
 * The standardised difference that chance exceeds with probability `level`, both signs together.
 *
 * z is the quantile of the normal distribution. To it come the first terms of Student's t (Abramowitz & Stegun 26.7.5), as the
 * variance is estimated; and those of the Cornish–Fisher expansion (26.2.49), as the mean of few samples of a skewed or
 * heavy-tailed column, such as a rare category, is not normal. Only terms that raise the value are taken: it is meant to err
 * towards silence.
 */
export function criticalDifference(a: ColumnMoments, b: ColumnMoments, level: number): number {
  const z = normal(1 - level / 2);
  const variance = pooled(a.count, a.second, b.count, b.second);
  const share = a.count / (a.count + b.count);
  const mix = (x: number, y: number): number => share * x + (1 - share) * y;
  const [ra, rb] = [1 / a.count, 1 / b.count];
  const skewness =
    (Math.abs(mix(a.third, b.third)) / variance ** 1.5) * (Math.abs(ra * ra - rb * rb) / (ra + rb) ** 1.5);
  const excess = Math.max(0, mix(a.fourth, b.fourth) / variance ** 2 - 3) * ((ra ** 3 + rb ** 3) / (ra + rb) ** 2);
  const freedom = Math.max(1, a.count + b.count - 2);
  const student = (z ** 3 + z) / (4 * freedom) + (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * freedom ** 2);
  const shape = ((z * z - 1) * skewness) / 6 + (Math.max(0, z ** 3 - 3 * z) * excess) / 24;
  return (z + student + shape) * Math.sqrt(ra + rb);
}

function pooled(countA: number, secondA: number, countB: number, secondB: number): number {
  return (countA * secondA + countB * secondB) / Math.max(1, countA + countB - 2);
}
