/**
 * base^exponent for a whole exponent ≥ 0, by repeated squaring.
 *
 * Uses multiplications alone, which IEEE 754 rounds in one way; `Math.pow` is left to the engine and differs in the
 * last bit between versions, which would be enough to change the weights. Relative error below exponent · 2⁻⁵³.
 *
 * @throws RangeError for a negative or fractional exponent.
 */
export function power(base: number, exponent: number): number {
  if (!Number.isSafeInteger(exponent) || exponent < 0) {
    throw new RangeError(`exponent ${exponent} is not a whole number from 0`);
  }
  let result = 1;
  let square = base;
  for (let rest = exponent; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result *= square;
    square *= square;
  }
  return result;
}
