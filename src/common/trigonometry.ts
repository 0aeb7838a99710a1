/**
 * Sine and cosine of angles in degrees in plain double arithmetic, because `Math.sin` and `Math.cos` may round differently from
 * engine to engine. Whole quarter turns are exact.
 *
 * After subtracting the nearest multiple of 90°, |x| ≤ π/4, where fdlibm's minimax polynomials hold (Sun Microsystems, `k_sin.c`
 * and `k_cos.c`): sin x ≈ x + x³·S(x²), cos x ≈ 1 − x²/2 + x⁴·C(x²). Error below 2⁻⁵², relative to 1.
 */

const RADIANS_PER_DEGREE = Math.PI / 180;

const S1 = -0.16666666666666632;
const S2 = 0.00833333333332249;
const S3 = -0.0001984126982985795;
const S4 = 0.0000027557313707070068;
const S5 = -2.5050760253406863e-8;
const S6 = 1.58969099521155e-10;

const C1 = 0.0416666666666666;
const C2 = -0.001388888888887411;
const C3 = 0.00002480158728947673;
const C4 = -2.7557314351390663e-7;
const C5 = 2.087572321298175e-9;
const C6 = -1.1359647557788195e-11;

/** sin x for |x| ≤ π/4. */
function sineKernel(x: number): number {
  const z = x * x;
  return x + x * z * (S1 + z * (S2 + z * (S3 + z * (S4 + z * (S5 + z * S6)))));
}

/** cos x for |x| ≤ π/4. */
function cosineKernel(x: number): number {
  const z = x * x;
  return 1 - (0.5 * z - z * z * (C1 + z * (C2 + z * (C3 + z * (C4 + z * (C5 + z * C6))))));
}

/** The sine of an angle plus a number of quarter turns. */
function sineOf(degrees: number, quarterTurns: number): number {
  const nearest = Math.round(degrees / 90);
  const x = (degrees - 90 * nearest) * RADIANS_PER_DEGREE;
  const quadrant = (nearest + quarterTurns) & 3;
  // 0 − y and not −y: sin 180° is 0, not −0.
  if (quadrant === 0) return sineKernel(x);
  if (quadrant === 1) return cosineKernel(x);
  return 0 - (quadrant === 2 ? sineKernel(x) : cosineKernel(x));
}

/** @param degrees any angle whose quarter turns can be counted in 31 bits. */
export function sineOfDegrees(degrees: number): number {
  return sineOf(degrees, 0);
}

/** @param degrees as for {@link sineOfDegrees}. */
export function cosineOfDegrees(degrees: number): number {
  return sineOf(degrees, 1);
}
