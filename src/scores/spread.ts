/** Number, mean and sum of squared deviations of some values, in float64; two of them merge into one (Chan, Golub & LeVeque 1979). */
export interface Spread {
  readonly count: number;
  readonly mean: number;
  /** Σ (x − mean)² */
  readonly squares: number;
}

export const EMPTY_SPREAD: Spread = { count: 0, mean: 0, squares: 0 };

/** The spread of the values in elements [start, end). */
export function spreadOf(values: ArrayLike<number>, start: number, end: number): Spread {
  const count = end - start;
  if (count === 0) return EMPTY_SPREAD;
  let sum = 0;
  for (let i = start; i < end; i += 1) sum += values[i] as number;
  const mean = sum / count;
  let squares = 0;
  for (let i = start; i < end; i += 1) squares += ((values[i] as number) - mean) ** 2;
  return { count, mean, squares };
}

export function mergeSpreads(a: Spread, b: Spread): Spread {
  if (a.count === 0) return b;
  if (b.count === 0) return a;
  const count = a.count + b.count;
  const gap = b.mean - a.mean;
  return {
    count,
    mean: a.mean + (gap * b.count) / count,
    squares: a.squares + b.squares + (gap * gap * a.count * b.count) / count,
  };
}
