/**
 * How much each parameter has to do with how well a trial does: the share of the variance of the trials' ranks that their
 * grouping by the value of that parameter explains, corrected for what chance would explain.
 *
 *   ε² = 1 − (SSW / (n − k)) / (SST / (n − 1))
 *
 * SSW: variation of the ranks within groups, SST: in all; n trials in k groups. Ranks, so that a trial that has gone wild counts as bad
 * and no more. ε² is 0 on average where there is no connection, whatever k; what falls below 0 is called 0.
 *
 * Source: Kelley, An unbiased correlation ratio measure, PNAS 21, 1935.
 */
import { positionOf, type Parameter, type ParameterValue } from './space.js';

/** Fewer trials in a group say nothing of it. */
const LEAST_PER_GROUP = 3;
const MOST_GROUPS = 5;

export interface Importance {
  readonly key: string;
  /** 0 … 1; null where there are too few trials, or all have one value. */
  readonly share: number | null;
}

/** @param trials from best to worst, with the values in the order of the parameters; ties do not matter much and are left as they are */
export function importances(
  parameters: readonly Parameter[],
  trials: readonly (readonly ParameterValue[])[],
): readonly Importance[] {
  return parameters.map((parameter, index) => ({
    key: parameter.key,
    share: explained(
      groupsOf(
        parameter,
        trials.map((values) => values[index]),
      ),
    ),
  }));
}

/** The number of the group of each trial: by value for a choice, else in groups of about equal size in the order of the values. */
function groupsOf({ space }: Parameter, values: readonly ParameterValue[]): readonly number[] {
  if (space.type === 'choice') {
    const texts = values.map((value) => JSON.stringify(value));
    const names = [...new Set(texts)];
    return texts.map((text) => names.indexOf(text));
  }
  const positions = values.map((value) => positionOf(space, Number(value)));
  const sorted = [...positions].sort((a, b) => a - b);
  const groups = Math.min(MOST_GROUPS, Math.floor(values.length / LEAST_PER_GROUP));
  const bounds = Array.from(
    { length: Math.max(0, groups - 1) },
    (_, i) => sorted[Math.floor(((i + 1) * sorted.length) / groups)] ?? 1,
  );
  // Equal values are in one group.
  return positions.map((position) => bounds.filter((bound) => position >= bound).length);
}

function explained(groups: readonly number[]): number | null {
  const n = groups.length;
  const k = new Set(groups).size;
  if (k < 2 || n - k < 2) return null;
  const mean = (n - 1) / 2;
  const sums = new Map<number, { count: number; sum: number }>();
  groups.forEach((group, rank) => {
    const { count, sum } = sums.get(group) ?? { count: 0, sum: 0 };
    sums.set(group, { count: count + 1, sum: sum + rank });
  });
  const between = [...sums.values()].reduce((total, { count, sum }) => total + count * (sum / count - mean) ** 2, 0);
  const total = groups.reduce((sum, _, rank) => sum + (rank - mean) ** 2, 0);
  return Math.max(0, 1 - (total - between) / (n - k) / (total / (n - 1)));
}
