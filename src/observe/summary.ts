import pc from 'picocolors';
import { formatDuration, formatLoss, formatPlural, formatRate, formatShare } from '../common/format.js';
import type { SplitMetrics } from '../scores/split-metrics.js';
import { renderTable } from './table.js';

export type SummarySplit = 'train' | 'dev' | 'test';
const SPLITS: readonly SummarySplit[] = ['train', 'dev', 'test'];

export interface SummaryDiagnosis {
  /** The verdict with its figures, in a line. */
  readonly line: string;
  /** What to try next, best first, each in a line. */
  readonly advice: readonly string[];
  /** The same as data. */
  readonly record: Readonly<Record<string, unknown>>;
}

/** What a finished run came to. */
export interface RunSummary {
  readonly jobName: string;
  /** Evaluated with the final weights; a split that the job does not have is left out. */
  readonly splits: Partial<Readonly<Record<SummarySplit, SplitMetrics>>>;
  /** Where the weights are from that the run ended with, where they are not simply the last ones. */
  readonly best: { readonly epoch: number; readonly stoppedEarly: boolean } | null;
  readonly epochs: number;
  readonly steps: number;
  readonly elapsedMs: number;
  readonly samplesPerSecond: number;
  readonly workers: number;
  readonly backend: string;
  readonly weightsSha256: string;
  readonly runDirectory: string;
  readonly modelPath: string;
  /** What the errors say about the model; null where there is nothing to say it from. */
  readonly diagnosis: SummaryDiagnosis | null;
  /** Commands worth trying now. */
  readonly next: readonly string[];
}

/** The end of `lockstep train`: how good the model is, where it lies, what to do with it. */
export function renderSummary(summary: RunSummary, colours = false): string {
  const colour = pc.createColors(colours);
  const { jobName, epochs, steps, elapsedMs, samplesPerSecond, workers, backend } = summary;
  const sections = [
    `${colour.green('✓')} ${colour.bold(jobName)}  ${formatPlural(epochs, 'epoch')}, ${formatPlural(steps, 'step')} ` +
      `in ${formatDuration(elapsedMs)}  ` +
      colour.dim(`${formatRate(samplesPerSecond)} samples/s · ${formatPlural(workers, 'worker')} · ${backend}`),
    renderBest(summary),
    renderSplits(summary.splits),
    renderDiagnosis(summary.diagnosis, colour),
    [
      `${colour.dim('model')}    ${summary.modelPath}`,
      `${colour.dim('run')}      ${summary.runDirectory}`,
      `${colour.dim('weights')}  sha256 ${summary.weightsSha256}`,
    ].join('\n'),
    ...(summary.next.length === 0 ? [] : [[colour.dim('next'), ...summary.next.map((line) => `  ${line}`)].join('\n')]),
  ];
  return sections
    .filter((section) => section !== '')
    .map((section, i) => (i === 0 ? section : indented(section)))
    .join('\n\n');
}

function renderSplits(splits: RunSummary['splits']): string {
  const present = SPLITS.flatMap((name) => {
    const scores = splits[name];
    return scores === undefined ? [] : [{ name, ...scores }];
  });
  if (present.length === 0) return '';
  const columns = COLUMNS.filter(({ key }) => present.some((scores) => scores[key] !== undefined));
  return renderTable(
    [{ title: 'split' }, ...columns.map(({ title }) => ({ title, align: 'right' }) as const)],
    present.map((scores) => [
      scores.name,
      ...columns.map(({ key, format }) => (scores[key] === undefined ? '–' : format(scores[key] ?? NaN))),
    ]),
  );
}

const COLUMNS = [
  { key: 'loss', title: 'loss', format: formatLoss },
  { key: 'accuracy', title: 'accuracy', format: formatShare },
  { key: 'f1', title: 'F1', format: formatShare },
  { key: 'auc', title: 'AUC', format: formatLoss },
  { key: 'r2', title: 'R²', format: formatLoss },
  { key: 'mae', title: 'MAE', format: formatLoss },
] as const;

function renderBest({ best, epochs }: RunSummary): string {
  if (best === null || (!best.stoppedEarly && best.epoch === epochs)) return '';
  const end = best.stoppedEarly ? `Stopped early, after epoch ${epochs}: the` : 'The';
  return `${end} weights are those of epoch ${Number(best.epoch.toFixed(2))}, which did best on the dev split`;
}

function renderDiagnosis(diagnosis: SummaryDiagnosis | null, colour: ReturnType<typeof pc.createColors>): string {
  if (diagnosis === null) return '';
  const { line, advice } = diagnosis;
  return [line, ...advice.map((one) => `${colour.dim('try')}  ${one}`)].join('\n');
}

function indented(text: string): string {
  return text
    .split('\n')
    .map((line) => `  ${line}`)
    .join('\n');
}

/** The same as one object of JSON. */
export function summaryRecord(summary: RunSummary): Readonly<Record<string, unknown>> {
  const { next: _next, diagnosis, ...record } = summary;
  return { ...record, ...diagnosis?.record };
}
