/** Short names and texts for parameters, for tables and axes. */
import type { ParameterValue } from './space.js';

/** Of each key the shortest end that tells it from the others: `learningRate`, `layers[0].units`. */
export function shortNames(keys: readonly string[]): readonly string[] {
  const parts = keys.map((key) => key.split('.'));
  return parts.map((own, index) => {
    for (let length = 1; length < own.length; length++) {
      const name = own.slice(-length).join('.');
      const twin = parts.some((other, at) => at !== index && other.slice(-length).join('.') === name);
      if (!twin) return name;
    }
    return own.join('.');
  });
}

/** Four significant digits; of a share near 1, three of what is missing. For eyes only: it rounds. */
export function formatValue(value: ParameterValue): string {
  if (typeof value === 'string') return value;
  if (typeof value !== 'number') return JSON.stringify(value);
  if (Number.isInteger(value)) return String(value);
  const rest = 1 - value;
  if (rest > 0 && rest < 0.1) return String(Number(value.toFixed(Math.min(20, 2 - Math.floor(Math.log10(rest))))));
  return String(Number(value.toPrecision(4)));
}
