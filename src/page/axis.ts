/** Axes: from the values that are there to a scale with round ticks. */
import { scaleLinear, scaleLog } from 'd3-scale';
import { formatCount } from '../common/format.js';

/** Characters in front of a vertical axis. */
const ROOM = 7;

export interface AxisSpec {
  /** What is measured, with its unit. */
  readonly label: string;
  /** log: values that are not positive are gaps. Default: linear. */
  readonly scale?: 'linear' | 'log';
  /** Whether a linear axis begins at 0. Default: it begins near the lowest value. */
  readonly zero?: boolean;
  /** Whether there is nothing between whole numbers, as with steps. Default: there is. */
  readonly whole?: boolean;
  /** How ticks are written. Default: as many digits as tell them apart. */
  readonly format?: (value: number) => string;
}

export interface Axis {
  readonly log: boolean;
  readonly domain: readonly [number, number];
  readonly range: readonly [number, number];
  /** From a value to a place. */
  readonly place: (value: number) => number;
  readonly ticks: readonly { readonly at: number; readonly text: string }[];
}

/** Whether a value has a place on an axis. */
export function fits({ scale }: AxisSpec, value: number): boolean {
  return Number.isFinite(value) && (scale !== 'log' || value > 0);
}

/** Logarithmic where positive values span more than a factor of 30: on a linear axis the small ones would be one line. */
export function scaleFor(values: Iterable<number | null>): 'linear' | 'log' {
  let [low, high] = [Infinity, 0];
  for (const value of values) {
    if (value === null || !Number.isFinite(value)) continue;
    if (value <= 0) return 'linear';
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return high > 30 * low ? 'log' : 'linear';
}

/**
 * @param extent lowest and highest value that fit; null: nothing to show
 * @param range places of the ends, in the units of the drawing
 */
export function makeAxis(
  spec: AxisSpec,
  extent: readonly [number, number] | null,
  range: readonly [number, number],
  { wantedTicks, round }: { readonly wantedTicks: number; readonly round: boolean },
): Axis {
  const log = spec.scale === 'log';
  const ends = widened(extent ?? (log ? [0.1, 1] : [0, 1]), spec);
  const scale = (log ? scaleLog(ends, range) : scaleLinear(ends, range)).clamp(false);
  // Up to the next power of ten there may be a lot of empty space.
  if (round && !log) scale.nice(wantedTicks);
  const [low = 0, high = 1] = scale.domain();
  const values = scale.ticks(wantedTicks).filter((value) => spec.whole !== true || Number.isInteger(value));
  const usual = spec.whole === true ? formatCount : log ? plain : evenly(values, scale.tickFormat(wantedTicks));
  const format = spec.format ?? usual;
  const shown = log ? logarithmicTicks(values, wantedTicks) : values;
  return {
    log,
    domain: [low, high],
    range,
    place: (value) => scale(value),
    ticks: shown.map((value) => ({ at: scale(value), text: format(value) })),
  };
}

function widened([low, high]: readonly [number, number], { scale, zero }: AxisSpec): [number, number] {
  if (scale === 'log') return low === high ? [low / 2, high * 2] : [low, high];
  const from = zero === true ? Math.min(0, low) : low;
  if (from < high) return [from, high];
  const room = Math.abs(high) * 0.1 || 1;
  return [from - (zero === true ? 0 : room), high + room];
}

/** Powers of ten; where there are too few of them, twice and five times them as well, or whatever there is. */
function logarithmicTicks(values: readonly number[], wanted: number): readonly number[] {
  const powers = values.filter((value) => mantissa(value) === 1);
  if (powers.length >= 3) return everySo(powers, wanted + 1);
  const some = values.filter((value) => [1, 2, 5].includes(mantissa(value)));
  return some.length >= 3 ? some : everySo(values, wanted);
}

/** 3 of 0.03 */
function mantissa(value: number): number {
  return Number(value.toExponential(6).split('e')[0]);
}

/** At most `limit` of the values, evenly spaced. */
function everySo(values: readonly number[], limit: number): readonly number[] {
  const every = Math.ceil(values.length / limit);
  return values.filter((_, i) => i % every === 0);
}

/** With equally many decimals, where there is room for them in front of the axis. */
function evenly(values: readonly number[], format: (value: number) => string): (value: number) => string {
  return values.every((value) => format(value).length <= ROOM) ? format : plain;
}

/** 0.001, 1e-6, 20, 1e6 */
function plain(value: number): string {
  if (value === 0) return '0';
  const size = Math.abs(value);
  const short = Number(value.toPrecision(3));
  return size < 0.001 || size >= 1e5 ? short.toExponential().replace('e+', 'e') : String(short);
}
