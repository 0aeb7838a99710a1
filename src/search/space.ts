/**
 * Where the values of a parameter come from. Every numeric space is a line from 0 to 1, its *position*, along which its scale is
 * even: what is drawn, divided into a grid and zoomed into are positions.
 *
 *   linear       value = from + p·(to − from)
 *   log          value = 10^r, r even between log₁₀ from and log₁₀ to
 *   oneMinusLog  value = 1 − 10^r, r even between log₁₀(1 − from) and log₁₀(1 − to)
 *   integer      whole numbers from … to, all alike
 *   choice       values that have no order
 *
 * Source of the two logarithmic scales: Bergstra and Bengio, Random search for hyper-parameter optimization, JMLR 13, 2012,
 * section 2; the second is the first, of 1 − value.
 */
import { decimalLogarithm, powerOfTen } from '../common/random/power-of-ten.js';
import type { Path } from '../job/path.js';

/** A value as it goes into the job: a number, or whatever a choice lists. */
export type ParameterValue = unknown;

export type Scale = 'linear' | 'log' | 'oneMinusLog';

export interface ContinuousSpace {
  readonly type: Scale;
  readonly from: number;
  readonly to: number;
  /** Points along a grid, both ends included; null where the method is no grid. */
  readonly points: number | null;
}

export interface IntegerSpace {
  readonly type: 'integer';
  readonly from: number;
  readonly to: number;
  /** As above; null in a grid: every whole number. */
  readonly points: number | null;
}

export interface ChoiceSpace {
  readonly type: 'choice';
  readonly values: readonly ParameterValue[];
}

export type Space = ContinuousSpace | IntegerSpace | ChoiceSpace;

export interface Parameter {
  /** As written in the search file: `training.optimizer.learningRate`. */
  readonly key: string;
  readonly path: Path;
  readonly space: Space;
}

/** The value at a position of 0 … 1, never outside [from, to]. */
export function valueAtPosition(space: ContinuousSpace, position: number): number {
  const { from, to } = space;
  if (position <= 0) return from;
  if (position >= 1) return to;
  return Math.min(to, Math.max(from, onScale(space, position)));
}

function onScale({ type, from, to }: ContinuousSpace, position: number): number {
  switch (type) {
    case 'linear':
      return from + position * (to - from);
    case 'log':
      return powerOfTen(between(decimalLogarithm(from), decimalLogarithm(to), position));
    case 'oneMinusLog':
      return 1 - powerOfTen(between(decimalLogarithm(1 - from), decimalLogarithm(1 - to), position));
  }
}

function between(start: number, end: number, position: number): number {
  return start + position * (end - start);
}

/** The position of a value in [from, to], 0 … 1; 0 where the space is a single value. */
export function positionOf({ type, from, to }: ContinuousSpace | IntegerSpace, value: number): number {
  if (from === to) return 0;
  const [low, high, at] =
    type === 'log'
      ? [decimalLogarithm(from), decimalLogarithm(to), decimalLogarithm(value)]
      : type === 'oneMinusLog'
        ? [decimalLogarithm(1 - from), decimalLogarithm(1 - to), decimalLogarithm(1 - value)]
        : [from, to, value];
  return Math.min(1, Math.max(0, (at - low) / (high - low)));
}

/** The values of a parameter in a grid, in ascending order or that of the choice. */
export function gridValues(space: Space): readonly ParameterValue[] {
  if (space.type === 'choice') return space.values;
  const { from, to } = space;
  if (space.type === 'integer') {
    const points = Math.min(space.points ?? Infinity, to - from + 1);
    return evenly(points, (position) => Math.round(from + position * (to - from)));
  }
  return evenly(space.points ?? 1, (position) => valueAtPosition(space, position));
}

function evenly<Value>(points: number, at: (position: number) => Value): readonly Value[] {
  return Array.from({ length: points }, (_, index) => at(points === 1 ? 0 : index / (points - 1)));
}
