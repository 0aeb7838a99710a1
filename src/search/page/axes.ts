/** The axes of parallel coordinates: a parameter's own scale, top to bottom. */
import { scaleLinear, scaleLog } from 'd3-scale';
import { formatValue } from '../names.js';
import { positionOf, type Parameter, type ParameterValue } from '../space.js';

export interface CoordinateAxis {
  /** 0 … 1 from the bottom; null for what has no place. */
  readonly place: (value: ParameterValue) => number | null;
  readonly ticks: readonly { readonly at: number; readonly text: string }[];
}

/** A tick closer than this to another one would be written over it. */
const LEAST_DISTANCE = 0.09;

export function axisOf({ space }: Parameter): CoordinateAxis {
  if (space.type === 'choice') {
    const texts = space.values.map((value) => JSON.stringify(value));
    const at = (index: number): number => (texts.length === 1 ? 0.5 : index / (texts.length - 1));
    return {
      place: (value) => {
        const index = texts.indexOf(JSON.stringify(value));
        return index < 0 ? null : at(index);
      },
      ticks: space.values.map((value, index) => ({ at: at(index), text: formatValue(value) })),
    };
  }
  const { from, to } = space;
  const inner =
    space.type === 'log'
      ? powers([from, to])
      : space.type === 'oneMinusLog'
        ? powers([1 - to, 1 - from]).map((rest) => 1 - rest)
        : scaleLinear([from, to], [0, 1])
            .ticks(5)
            .filter((tick) => space.type !== 'integer' || Number.isInteger(tick));
  return {
    place: (value) => (typeof value === 'number' ? positionOf(space, value) : null),
    ticks: spaced([from, to, ...inner].map((value) => ({ at: positionOf(space, value), text: formatValue(value) }))),
  };
}

/** The axis of the objective: the best value is at the top. */
export function objectiveAxis(
  values: readonly number[],
  goal: 'minimize' | 'maximize',
  format: (value: number) => string,
): CoordinateAxis {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const log = low > 0 && high > 30 * low;
  const ends = low === high ? [low - (Math.abs(low) * 0.1 || 1), high + (Math.abs(high) * 0.1 || 1)] : [low, high];
  const scale = (log ? scaleLog(ends, [0, 1]) : scaleLinear(ends, [0, 1])).clamp(true);
  const place = (value: number): number => (goal === 'minimize' ? 1 - scale(value) : scale(value));
  const inner = log ? powers([low, high]) : scale.ticks(5);
  const outer = low === high ? [low] : [low, high];
  return {
    place: (value) => (typeof value === 'number' ? place(value) : null),
    ticks: spaced([...outer, ...inner].map((value) => ({ at: place(value), text: format(value) }))),
  };
}

/** Powers of ten within the ends, and their multiples by 2 and 5 where there are few. */
function powers(ends: readonly number[]): readonly number[] {
  const ticks = scaleLog(ends, [0, 1]).ticks(6);
  const leading = (value: number): number => Number(value.toExponential(0)[0]);
  const tens = ticks.filter((tick) => leading(tick) === 1);
  return tens.length >= 3 ? tens : ticks.filter((tick) => [1, 2, 5].includes(leading(tick)));
}

/** In the order given those that have room: the ends come first. */
function spaced(ticks: CoordinateAxis['ticks']): CoordinateAxis['ticks'] {
  const kept: { readonly at: number; readonly text: string }[] = [];
  for (const tick of ticks) if (kept.every(({ at }) => Math.abs(at - tick.at) >= LEAST_DISTANCE)) kept.push(tick);
  return kept;
}
