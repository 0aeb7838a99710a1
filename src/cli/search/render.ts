/** What the terminal shows of a search. Pure. */
import pc from 'picocolors';
import { formatDuration, formatLoss, formatPlural, formatShare } from '../../common/format.js';
import { renderTable } from '../../observe/table.js';
import { formatValue, shortNames } from '../../search/names.js';
import type { TrialCounts, TrialLine } from '../../search/records.js';
import type { Metric } from '../../search/search.js';

export interface SearchProgress {
  readonly name: string;
  readonly metric: Metric;
  readonly classification: boolean;
  /** Of the job. */
  readonly keys: readonly string[];
  readonly counts: TrialCounts;
  /** Whole trainings, in all and done. */
  readonly work: { readonly total: number; readonly done: number };
  readonly running: readonly RunningRow[];
  /** Best first. */
  readonly best: readonly TrialLine[];
  /** Rounds and rungs, counted from 1; null where there is but one. */
  readonly round: { readonly current: number; readonly of: number } | null;
  readonly rung: { readonly current: number; readonly of: number } | null;
  /** Trials of this rung of this round. */
  readonly stage: { readonly ended: number; readonly of: number };
  readonly elapsedMs: number;
  readonly etaMs: number | null;
  readonly stopping: boolean;
}

export interface RunningRow {
  readonly trial: number;
  readonly parameters: Readonly<Record<string, unknown>>;
  /** Of the task, 0 … 1. */
  readonly share: number;
  readonly loss: number | null;
}

const MIN_WIDTH = 60;
const MAX_WIDTH = 120;
const BAR = 10;

/** `dev error`, `dev loss` */
export function objectiveName(metric: Metric): string {
  return `dev ${metric}`;
}

/** Shares in per cent, losses as they are. */
export function formatObjective(metric: Metric, classification: boolean, value: number | null): string {
  if (value === null) return '–';
  const share = metric === 'accuracy' || (metric === 'error' && classification);
  return share ? formatShare(value) : formatLoss(value);
}

/** The block that is redrawn in place. */
export function renderSearch(state: SearchProgress, columns: number, colours: boolean): string {
  const colour = pc.createColors(colours);
  const width = Math.min(MAX_WIDTH, Math.max(MIN_WIDTH, Math.floor(columns)));
  const { counts, work, elapsedMs, etaMs } = state;
  const ended = counts.done + counts.cut + counts.failed;
  const stage = [
    ...(state.round === null ? [] : [`round ${state.round.current}/${state.round.of}`]),
    ...(state.rung === null
      ? []
      : [`rung ${state.rung.current}/${state.rung.of} (${state.stage.ended}/${state.stage.of} trials)`]),
    state.stopping ? 'stopping' : 'searching',
  ].join(' · ');
  const title = `lockstep  ${state.name}`;
  const head = `${title}${' '.repeat(Math.max(2, width - [...title].length - stage.length))}${stage}`;
  const share = work.total > 0 ? Math.min(1, work.done / work.total) : 0;
  const facts = [
    `${ended}/${counts.trials} trials`,
    ...(counts.cut > 0 ? [`${counts.cut} cut`] : []),
    ...(counts.failed > 0 ? [`${counts.failed} failed`] : []),
    `time ${formatDuration(elapsedMs)}`,
    `left ${etaMs === null ? '–' : formatDuration(etaMs)}`,
  ].join('   ');
  const sections = [
    [
      colour.bold(clipped(head, width)),
      bar(share, width - 6, colour) + `${Math.floor(share * 100)}%`.padStart(6),
      clipped(facts, width),
    ].join('\n'),
    ...(state.running.length === 0 ? [] : [table(width, runningTable(state), colour)]),
    ...(state.best.length === 0 ? [] : [table(width, bestTable(state, state.best), colour)]),
  ];
  return sections.join('\n\n');
}

function bar(share: number, length: number, colour: ReturnType<typeof pc.createColors>): string {
  const filled = Math.floor(share * length);
  return colour.cyan('━'.repeat(filled)) + colour.dim('─'.repeat(length - filled));
}

function table(width: number, text: string, colour: ReturnType<typeof pc.createColors>): string {
  return text
    .split('\n')
    .map((line, index) => (index < 2 ? colour.dim(clipped(line, width)) : clipped(line, width)))
    .join('\n');
}

function runningTable({ running, keys }: SearchProgress): string {
  const names = shortNames(keys);
  return renderTable(
    [
      { title: 'running', align: 'right' },
      { title: '' },
      { title: 'loss', align: 'right' },
      ...names.map((title) => ({ title, align: 'right' as const })),
    ],
    running.map(({ trial, share, loss, parameters }) => [
      String(trial),
      '━'.repeat(Math.round(share * BAR)) + '─'.repeat(BAR - Math.round(share * BAR)),
      loss === null ? '–' : formatLoss(loss),
      ...keys.map((key) => formatValue(parameters[key])),
    ]),
  );
}

function bestTable(
  { metric, classification, keys }: Pick<SearchProgress, 'metric' | 'classification' | 'keys'>,
  best: readonly TrialLine[],
): string {
  const names = shortNames(keys);
  return renderTable(
    [
      { title: 'best', align: 'right' },
      { title: objectiveName(metric), align: 'right' },
      { title: 'epochs', align: 'right' },
      ...names.map((title) => ({ title, align: 'right' as const })),
    ],
    best.map(({ trial, objective, epochs, parameters }) => [
      String(trial),
      formatObjective(metric, classification, objective),
      String(epochs),
      ...keys.map((key) => formatValue(parameters[key])),
    ]),
  );
}

/** A line for the record: a trial that has ended, or come to the end of a rung. */
export function renderTrialLine(
  line: TrialLine,
  { metric, classification, keys, counts }: Pick<SearchProgress, 'metric' | 'classification' | 'keys' | 'counts'>,
  isBest: boolean,
): string {
  const names = shortNames(keys);
  const values = keys.map((key, index) => `${names[index]} ${formatValue(line.parameters[key])}`);
  const verdict =
    line.error === undefined
      ? `${objectiveName(metric)} ${formatObjective(metric, classification, line.objective)}${isBest ? ' (best so far)' : ''}`
      : `failed: ${line.error.message}`;
  const epochs = line.status === 'rung' ? `  after ${formatPlural(line.epochs, 'epoch')}` : '';
  return `trial ${String(line.trial).padStart(String(counts.trials).length)}/${counts.trials}  ${verdict}${epochs}  ${values.join('  ')}  ${formatDuration(line.seconds * 1000)}`;
}

export interface SearchSummary extends Pick<
  SearchProgress,
  'name' | 'metric' | 'classification' | 'keys' | 'counts' | 'best' | 'elapsedMs'
> {
  readonly directory: string;
  readonly weightsSha256: string | null;
  readonly next: readonly string[];
}

/** The end of `lockstep search`. */
export function renderSearchSummary(summary: SearchSummary, width: number, colours: boolean): string {
  const colour = pc.createColors(colours);
  const { name, counts, elapsedMs, best, directory, weightsSha256, next } = summary;
  const others = [
    ...(counts.cut > 0 ? [`${counts.cut} cut early`] : []),
    ...(counts.failed > 0 ? [`${counts.failed} failed`] : []),
  ];
  const head = `${colour.green('✓')} ${colour.bold(name)}  ${formatPlural(counts.trials, 'trial')} in ${formatDuration(elapsedMs)}${others.length === 0 ? '' : colour.dim(`  ${others.join(', ')}`)}`;
  const sections = [
    table(Math.max(MIN_WIDTH, width - 2), bestTable(summary, best), colour),
    [
      `${colour.dim('best')}     ${directory}/best.yaml`,
      `${colour.dim('page')}     ${directory}/search.html`,
      `${colour.dim('weights')}  sha256 ${weightsSha256 ?? '–'}`,
    ].join('\n'),
    [colour.dim('next'), ...next.map((line) => `  ${line}`)].join('\n'),
  ];
  return [head, ...sections.map((section) => section.replaceAll(/^(?=.)/gm, '  '))].join('\n\n');
}

function clipped(text: string, width: number): string {
  const characters = [...text];
  return characters.length <= width ? text : `${characters.slice(0, width - 1).join('')}…`;
}
