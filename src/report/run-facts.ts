/** What the course of a run adds to its final errors: whether the cost was still falling, when the dev split was best. Pure. */
import type { MetricsLine } from '../state/run-record.js';

export interface RunFacts {
  /** Where the cost was going at the end; null: too few steps to say. */
  readonly costTrend: 'falling' | 'level' | 'rising' | null;
  /** The evaluation of the dev split with the lowest loss, where the loss has risen since; null otherwise. */
  readonly bestDev: { readonly epoch: number; readonly loss: number; readonly lastLoss: number } | null;
  /** Layers behind which most ReLU units were dead when last looked at, worst first. */
  readonly deadLayers: readonly { readonly name: string; readonly share: number }[];
  /** Whether a loss or a cost was not a finite number. */
  readonly diverged: boolean;
  readonly trainSamples: number | null;
  /** Whether samples are images. */
  readonly images: boolean;
}

/** Fewer steps than this have no trend. */
const LEAST_STEPS = 10;
/** Relative change of the mean cost from the second-last fifth of a run to the last that is a trend. */
const TREND = 0.05;
/** How far, relatively, the dev loss must have risen above its lowest value to be past its best. */
const RISEN = 0.05;
/** Share of dead units from which a layer is named. */
const MOSTLY_DEAD = 0.5;

/** @param lines of the run, in the order of steps */
export function runFacts(lines: readonly MetricsLine[], data: Pick<RunFacts, 'trainSamples' | 'images'>): RunFacts {
  const steps = lines.filter(({ split, evaluation }) => split === 'train' && evaluation !== true);
  const dev = lines.filter(({ split, evaluation }) => split === 'dev' && evaluation === true);
  return {
    costTrend: trendOf(steps.map(costOf)),
    bestDev: bestOf(dev),
    deadLayers: deadLayers(steps.findLast(({ layers }) => layers !== undefined)),
    diverged: steps.some((line) => costOf(line) === null),
    ...data,
  };
}

/** J, or the loss where there are no penalties; null for what is no finite number. */
export function costOf({ cost, loss }: MetricsLine): number | null {
  return cost ?? loss;
}

function trendOf(costs: readonly (number | null)[]): RunFacts['costTrend'] {
  if (costs.length < LEAST_STEPS) return null;
  const fifth = Math.floor(costs.length / 5);
  const last = mean(costs.slice(-fifth));
  const before = mean(costs.slice(-2 * fifth, -fifth));
  if (last === null || before === null) return null;
  if (last < before * (1 - TREND)) return 'falling';
  return last > before * (1 + TREND) ? 'rising' : 'level';
}

function mean(values: readonly (number | null)[]): number | null {
  const finite = values.filter((value) => value !== null);
  return finite.length < values.length || finite.length === 0
    ? null
    : finite.reduce((sum, value) => sum + value, 0) / finite.length;
}

function bestOf(evaluations: readonly MetricsLine[]): RunFacts['bestDev'] {
  const lastLoss = evaluations.at(-1)?.loss ?? null;
  if (lastLoss === null) return null;
  let best: { readonly epoch: number; readonly loss: number } | null = null;
  for (const { epoch, loss } of evaluations) {
    if (loss !== null && (best === null || loss < best.loss)) best = { epoch, loss };
  }
  return best !== null && lastLoss > best.loss * (1 + RISEN) ? { ...best, lastLoss } : null;
}

function deadLayers(line: MetricsLine | undefined): RunFacts['deadLayers'] {
  return (line?.layers ?? [])
    .flatMap(({ name, deadShare: share }) => (share !== undefined && share > MOSTLY_DEAD ? [{ name, share }] : []))
    .sort((a, b) => b.share - a.share);
}
