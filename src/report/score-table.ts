/** Scores per split, as cells of a table on a page or a terminal. Pure. */
import { formatCount, formatLoss, formatShare } from '../common/format.js';
import type { SplitMetrics } from '../state/run-record.js';
import type { RunReport } from './run-report.js';
import { SPLITS } from './scores.js';

type Metric = Exclude<keyof SplitMetrics, 'loss'>;

const COLUMNS: readonly (readonly [metric: Metric, title: string, format: (value: number) => string])[] = [
  ['accuracy', 'accuracy', formatShare],
  ['precision', 'precision', formatShare],
  ['recall', 'recall', formatShare],
  ['f1', 'F1', formatShare],
  ['auc', 'AUC', (value) => value.toFixed(4)],
  ['r2', 'R²', (value) => value.toFixed(4)],
  ['mae', 'mean abs. error', formatLoss],
];

/** Only what at least one split has. */
export function scoreTable({ scores: { splits }, evaluation }: RunReport): {
  readonly titles: readonly string[];
  readonly rows: readonly (readonly string[])[];
} {
  const present = SPLITS.flatMap((name) => {
    const metrics = splits[name];
    return metrics === undefined ? [] : [{ name, metrics, samples: evaluation?.splits[name]?.samples }];
  });
  const columns = COLUMNS.filter(([metric]) => present.some(({ metrics }) => (metrics[metric] ?? null) !== null));
  const counted = present.some(({ samples }) => samples !== undefined);
  const written = (value: number | null | undefined, format: (value: number) => string): string =>
    value === undefined ? '–' : value === null ? 'not finite' : format(value);
  return {
    titles: ['split', ...(counted ? ['samples'] : []), 'loss', ...columns.map(([, title]) => title)],
    rows: present.map(({ name, metrics, samples }) => [
      name,
      ...(counted ? [written(samples, formatCount)] : []),
      written(metrics.loss, formatLoss),
      ...columns.map(([metric, , format]) => written(metrics[metric], format)),
    ]),
  };
}
