/** Derivatives by central differences, and how far two gradients are apart. */

/**
 * Steps to try, the largest first. In float64 a step of 1e-4 loses neither to rounding (≈ 1e-16/h) nor, with the term of h² gone,
 * to the curvature of the cost (≈ h⁴); smaller ones get out of the way of a kink.
 */
const STEPS = [1e-4, 1e-5, 1e-6];

/** So close to what was expected needs no second look: no kink makes two values agree. */
const AGREEMENT = 1e-7;

export interface Derivative {
  readonly value: number;
  /** How far rounding may have moved it. */
  readonly rounding: number;
}

export interface LineOptions {
  /** f(0) */
  readonly origin: number;
  /** A bound on the rounding error of f. */
  readonly rounding: number;
  /** What the derivative should be: saves evaluations where it is. */
  readonly expected?: number;
}

/**
 * f′(0) by central differences q(h) = (f(h) − f(−h))/(2h), with steps h and h/2 combined so that the error in h² cancels
 * (Richardson): (4·q(h/2) − q(h))/3.
 *
 * The two one-sided differences of a smooth f disagree by h·f″, half as much at h/2. Where that does not hold, a kink (of a ReLU, or
 * of |w|) lies between −h and h, the difference quotient is a mean of two slopes, and a smaller step is tried.
 *
 * @returns null when there is a kink at every step.
 */
export function derivative(f: (t: number) => number, options: LineOptions): Derivative | null {
  const { origin, rounding, expected } = options;
  for (const h of STEPS) {
    const [above, below] = [f(h), f(-h)];
    const quotient = (above - below) / (2 * h);
    const error = rounding / h;
    if (expected !== undefined && Math.abs(quotient - expected) <= AGREEMENT * Math.abs(expected)) {
      return { value: quotient, rounding: error };
    }
    const [nearAbove, nearBelow] = [f(h / 2), f(-h / 2)];
    const disagreement = above - 2 * origin + below;
    const nearDisagreement = nearAbove - 2 * origin + nearBelow;
    // Written so that NaN is no kink: it is for the comparison to report.
    if (Math.abs(disagreement - 4 * nearDisagreement) > 16 * rounding) continue;
    return { value: (4 * (nearAbove - nearBelow)) / (3 * h) - quotient / 3, rounding: 2 * error };
  }
  return null;
}

/** ‖a − b‖ / (‖a‖ + ‖b‖), between 0 and 1; 0 where both vanish. */
export function relativeError(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const lengths = norm(a) + norm(b);
  return lengths === 0 ? 0 : distance(a, b) / lengths;
}

/** ‖a‖ */
export function norm(a: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i += 1) sum += (a[i] as number) ** 2;
  return Math.sqrt(sum);
}

/** ‖a − b‖ */
export function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i += 1) sum += ((a[i] as number) - (b[i] as number)) ** 2;
  return Math.sqrt(sum);
}
