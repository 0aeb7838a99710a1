/** Axes: from the values that are there to a scale with round ticks. */
import { scaleLinear, scaleLog } from 'd3-scale';

/** Characters in front of a vertical axis. */
const ROOM = 7;

export interface AxisSpec {
  /** What is measured, with its unit. */
  readonly label: string;
  /** log: values that are not positive are gaps. Default: linear. */
  readonly scale?: 'linear' | 'log';
  /** Whether a linear axis begins at 0. Default: it begins near the lowest value. */
  readonly zero?: boolean;
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
  if (round) scale.nice(...(log ? [] : [wantedTicks]));
  const [low = 0, high = 1] = scale.domain();
  const values = scale.ticks(wantedTicks);
  const format = spec.format ?? (log ? plain : evenly(values, scale.tickFormat(wantedTicks)));
  // Of an axis over many powers of ten, only these are written.
  const powers = log ? values.filter((value) => isPower(value)) : values;
  const shown =
    log && powers.length >= 2 ? everySo(powers, wantedTicks + 1) : log ? everySo(values, wantedTicks) : values;
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

function isPower(value: number): boolean {
  const exponent = Math.log10(value);
  return Math.abs(exponent - Math.round(exponent)) < 1e-9;
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
