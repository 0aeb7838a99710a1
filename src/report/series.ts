/** From lines of metrics to what charts draw. Pure. */
import type { Point } from '../page/thinning.js';
import type { LayerHealth, MetricsLine } from '../state/run-record.js';
import { costOf } from './run-facts.js';

/** Share of the past in the smoothed cost of a run that has not recorded it. */
const BETA = 0.98;

export function trainingSteps(lines: readonly MetricsLine[]): readonly MetricsLine[] {
  return lines.filter(({ split, evaluation }) => split === 'train' && evaluation !== true);
}

export function overSteps(
  lines: readonly MetricsLine[],
  value: (line: MetricsLine) => number | null | undefined,
): readonly Point[] {
  return lines.map((line) => ({ x: line.step, y: value(line) ?? null }));
}

/**
 * The smoothed cost as recorded, or v ← β·v + (1 − β)·J with v/(1 − βᵗ) shown. A cost that is not finite is a gap, and leaves
 * the average as it is.
 */
export function smoothedCost(steps: readonly MetricsLine[]): readonly Point[] {
  if (steps.some((line) => line.smoothedCost !== undefined)) return overSteps(steps, (line) => line.smoothedCost);
  let average = 0;
  let past = 1;
  return steps.map((line) => {
    const cost = costOf(line);
    if (cost === null) return { x: line.step, y: null };
    average = BETA * average + (1 - BETA) * cost;
    past *= BETA;
    return { x: line.step, y: average / (1 - past) };
  });
}

/** Mean over the batches of each epoch; a gap where one of them is not finite. */
export function epochMeans(
  steps: readonly MetricsLine[],
  value: (line: MetricsLine) => number | null | undefined,
): readonly Point[] {
  const epochs = new Map<number, { sum: number; count: number }>();
  for (const line of steps) {
    const one = value(line);
    if (one === undefined) continue;
    const epoch = epochs.get(line.epoch) ?? { sum: 0, count: 0 };
    epochs.set(line.epoch, { sum: epoch.sum + (one ?? Number.NaN), count: epoch.count + 1 });
  }
  return [...epochs].map(([x, { sum, count }]) => ({ x, y: Number.isFinite(sum) ? sum / count : null }));
}

/** One series per layer, in the order of the model. */
export function layerSeries(
  steps: readonly MetricsLine[],
  value: (layer: LayerHealth) => number | null | undefined,
): readonly { readonly name: string; readonly points: readonly Point[] }[] {
  const series = new Map<string, Point[]>();
  for (const { step, layers = [] } of steps) {
    for (const layer of layers) {
      const y = value(layer);
      if (y === undefined) continue;
      const points = series.get(layer.name) ?? [];
      series.set(layer.name, points);
      points.push({ x: step, y });
    }
  }
  return [...series].map(([name, points]) => ({ name, points }));
}

/** Lines measured at times, as minutes since the start. */
export function overMinutes(
  lines: readonly MetricsLine[],
  startedAt: string,
  value: (line: MetricsLine) => number,
): readonly Point[] {
  const start = Date.parse(startedAt);
  return lines.flatMap((line) => {
    const x = (Date.parse(line.time) - start) / 60_000;
    return Number.isFinite(x) ? [{ x: Math.round(x * 1e4) / 1e4, y: value(line) }] : [];
  });
}
