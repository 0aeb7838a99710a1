/** How well the model of a run does on each split: in the end, or as far as it has come. Pure. */
import type { DataSpec, SplitName } from '../job/job.js';
import type { MetricsLine, RunRecord, SplitMetrics } from '../state/run-record.js';

export const SPLITS: readonly SplitName[] = ['train', 'dev', 'test'];

export interface Scores {
  readonly splits: { readonly [split in SplitName]?: SplitMetrics | undefined };
  /** null: of the final model; else where they come from, for a run without one. */
  readonly provisional: string | null;
}

/** Share of the last steps that stands for the training split where it was not evaluated. */
const RECENT_SHARE = 0.1;
const LEAST_RECENT = 10;

/**
 * The final scores; those of a run without any are the mean over the batches of its last steps, measured while the weights
 * still moved, and its last evaluation of the dev split.
 */
export function scoresOf({ final, status }: RunRecord, lines: readonly MetricsLine[]): Scores {
  if (SPLITS.some((split) => final[split] !== undefined)) return { splits: final, provisional: null };
  const steps = lines.filter(({ split, evaluation }) => split === 'train' && evaluation !== true);
  const dev = lines.findLast(({ split, evaluation }) => split === 'dev' && evaluation === true);
  const recent = steps.slice(-Math.max(LEAST_RECENT, Math.ceil(steps.length * RECENT_SHARE)));
  const end = status === 'running' ? 'has not ended' : `was ${status === 'failed' ? 'ended by an error' : 'stopped'}`;
  const train = recent.length === 0 ? [] : [`train is the mean over the batches of the last ${recent.length} steps`];
  const later = dev === undefined ? [] : [`dev is the evaluation after step ${dev.step}`];
  return {
    splits: {
      ...(recent.length === 0 ? {} : { train: meanScores(recent) }),
      ...(dev === undefined ? {} : { dev: scoresOfLine(dev) }),
    },
    provisional: [`The run ${end}, so there are no final scores`, ...train, ...later].join('; ') + '.',
  };
}

/** Share of samples that are wrong, or 1 − R²; null where it was not measured or is not finite. */
export function errorOf(task: DataSpec['task'], metrics: SplitMetrics | undefined): number | null {
  const right = task === 'classification' ? metrics?.accuracy : metrics?.r2;
  if (right === undefined || right === null || !Number.isFinite(right)) return null;
  // A decimal fraction as near as the measured one, not 0.020000000000000018.
  return Number((1 - right).toPrecision(12));
}

function meanScores(lines: readonly MetricsLine[]): SplitMetrics {
  const accuracies = lines.flatMap(({ accuracy }) => accuracy ?? []);
  const losses = lines.flatMap(({ loss }) => loss ?? []);
  return {
    loss: losses.length < lines.length ? null : mean(losses),
    ...(accuracies.length === 0 ? {} : { accuracy: mean(accuracies) }),
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function scoresOfLine({ loss, accuracy, precision, recall, f1, auc, r2, mae }: MetricsLine): SplitMetrics {
  return { loss, accuracy, precision, recall, f1, auc, r2, mae };
}
