/** The part of the search space that a round draws from, and how it shrinks around the best trials. */
import { positionOf, valueAtPosition, type Parameter, type ParameterValue, type Space } from './space.js';

/** Of one parameter: positions, whole numbers, or indices of a choice. Ends belong to it. */
export type Range =
  | { readonly type: 'positions'; readonly low: number; readonly high: number }
  | { readonly type: 'integers'; readonly low: number; readonly high: number }
  | { readonly type: 'indices'; readonly indices: readonly number[] };

/** One range per parameter, in their order. */
export type Region = readonly Range[];

/** All that the search file allows. */
export function wholeRegion(parameters: readonly Parameter[]): Region {
  return parameters.map(({ space }): Range => {
    if (space.type === 'choice') return { type: 'indices', indices: space.values.map((_, index) => index) };
    if (space.type === 'integer') return { type: 'integers', low: space.from, high: space.to };
    return { type: 'positions', low: 0, high: 1 };
  });
}

/** The value that a number in [0, 1) draws from a range. */
export function drawFrom(space: Space, range: Range, uniform: number): ParameterValue {
  if (space.type === 'choice' && range.type === 'indices') {
    return space.values[range.indices[Math.floor(uniform * range.indices.length)] ?? 0];
  }
  if (space.type === 'integer' && range.type === 'integers') {
    return range.low + Math.floor(uniform * (range.high - range.low + 1));
  }
  if (space.type !== 'choice' && space.type !== 'integer' && range.type === 'positions') {
    return valueAtPosition(space, range.low + uniform * (range.high - range.low));
  }
  throw new RangeError(`a range of ${range.type} does not belong to a space of type ${space.type}`);
}

/** Whether values lie in a region. */
export function isInside(parameters: readonly Parameter[], region: Region, values: readonly ParameterValue[]): boolean {
  return parameters.every(({ space }, index) => {
    const range = region[index];
    const value = values[index];
    if (range === undefined) return false;
    if (range.type === 'indices') return space.type === 'choice' && range.indices.includes(indexIn(space, value));
    if (space.type === 'choice') return false;
    const at = range.type === 'integers' ? Number(value) : positionOf(space, Number(value));
    // Positions come back from values with the rounding of a logarithm.
    const slack = range.type === 'integers' ? 0 : 1e-9;
    return at >= range.low - slack && at <= range.high + slack;
  });
}

/**
 * The smallest region around the best trials, widened on each side by half of what lies between two trials on average (the width of the old
 * range / 2·trials, for whole numbers rounded up), since the optimum may lie just beside the best of them. Never outside the old region.
 * Of a choice what occurs among the best remains.
 *
 * @param best values of the best trials, at least one
 * @param trials how many were drawn from the old region
 */
export function zoom(
  parameters: readonly Parameter[],
  region: Region,
  best: readonly (readonly ParameterValue[])[],
  trials: number,
): Region {
  return region.map((range, index): Range => {
    const space = parameters[index]?.space;
    const values = best.map((candidate) => candidate[index]);
    if (space === undefined || values.length === 0) return range;
    if (range.type === 'indices') {
      if (space.type !== 'choice') return range;
      const found = new Set(values.map((value) => indexIn(space, value)));
      return { type: 'indices', indices: range.indices.filter((candidate) => found.has(candidate)) };
    }
    if (space.type === 'choice') return range;
    const places = values.map((value) =>
      range.type === 'integers' ? Number(value) : positionOf(space, Number(value)),
    );
    const margin = (range.high - range.low) / (2 * trials);
    const beside = range.type === 'integers' ? Math.ceil(margin) : margin;
    return {
      type: range.type,
      low: Math.max(range.low, Math.min(...places) - beside),
      high: Math.min(range.high, Math.max(...places) + beside),
    };
  });
}

/** Values of a choice may be mappings, which come back from a file as other objects. */
function indexIn({ values }: { readonly values: readonly ParameterValue[] }, value: ParameterValue): number {
  const text = JSON.stringify(value);
  return values.findIndex((candidate) => JSON.stringify(candidate) === text);
}
