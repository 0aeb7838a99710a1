import pc from 'picocolors';
import { formatCount, formatDuration, formatLoss, formatRate, formatShare } from '../common/format.js';
import { sparkline } from './sparkline.js';

/** All that the display of a training run shows. `null` stands for what is not known yet. */
export interface ProgressState {
  readonly jobName: string;
  /** What is being done, in one word: the phase of the coordinator. */
  readonly phase: string;
  /** Whether the job has an accuracy at all. */
  readonly classification: boolean;
  /** Counted from 1. */
  readonly epoch: number;
  readonly epochs: number;
  /** Steps committed, and to be committed, over the whole training. */
  readonly step: number;
  readonly totalSteps: number;
  /** Smoothed over the last steps. */
  readonly loss: number | null;
  /** Smoothed over the last steps, 0 … 1. */
  readonly accuracy: number | null;
  /** Of the last evaluation on the dev split. */
  readonly devLoss: number | null;
  readonly devAccuracy: number | null;
  readonly samplesPerSecond: number;
  readonly workers: { readonly ready: number; readonly expected: number };
  readonly elapsedMs: number;
  readonly etaMs: number | null;
  /** Losses since the start, oldest first, thinned out as needed. */
  readonly lossHistory: readonly number[];
}

export const MIN_WIDTH = 60;
export const MAX_WIDTH = 120;

const UNKNOWN = '–';
const BUSY_PHASES: readonly string[] = ['training', 'evaluating', 'done'];

/** The three columns at the smallest width: of each its label, and all of it with the space after it. */
const COLUMNS = [
  { label: 7, cell: 21 },
  { label: 10, cell: 20 },
  { label: 10, cell: 19 },
] as const;
/** Columns drift no further apart than this on a wide terminal. */
const LARGEST_GAP = 12;

type Colours = ReturnType<typeof pc.createColors>;
interface Cell {
  readonly label: string;
  readonly value: string;
  readonly alarming?: boolean;
}

/** The block that is redrawn in place: always the same number of lines, none wider than `width` (60 … 120 are honoured). */
export function renderProgress(state: ProgressState, width: number, colours: boolean): string {
  const colour = pc.createColors(colours);
  const columns = Math.min(MAX_WIDTH, Math.max(MIN_WIDTH, Math.floor(width)));
  return [
    renderTitle(state, columns, colour),
    renderBar(state, columns, colour),
    ...renderCells(state, columns, colour),
    renderCurve(state, columns, colour),
  ].join('\n');
}

/** One line for the record: what an epoch or evaluation came to. Leaves out what does not fit into `width`. */
export function renderEpochLine(state: ProgressState, width = Infinity): string {
  const { epoch, epochs, step, totalSteps } = state;
  const fields = [
    `epoch ${aligned(epoch, epochs)}`,
    `loss ${known(state.loss, formatLoss)}`,
    ...(state.accuracy === null ? [] : [`accuracy ${formatShare(state.accuracy)}`]),
    ...(state.devLoss === null ? [] : [`dev loss ${formatLoss(state.devLoss)}`]),
    ...(state.devAccuracy === null ? [] : [`dev accuracy ${formatShare(state.devAccuracy)}`]),
    `${formatRate(state.samplesPerSecond)} samples/s`,
    formatDuration(state.elapsedMs),
    `step ${aligned(step, totalSteps)}`,
  ];
  let line = fields.join('  ');
  while (line.length > width && fields.length > 2) {
    fields.pop();
    line = fields.join('  ');
  }
  return line;
}

function renderTitle(state: ProgressState, width: number, colour: Colours): string {
  const { ready, expected } = state.workers;
  const workers = `${ready}/${expected} workers`;
  const room = width - 'lockstep  '.length - `${state.phase} · ${workers}`.length - 2;
  const name = shortened(state.jobName, Math.max(1, room));
  const gap = ' '.repeat(Math.max(2, room + 2 - [...name].length));
  const phase = BUSY_PHASES.includes(state.phase) ? colour.cyan(state.phase) : colour.yellow(state.phase);
  const crew = ready < expected ? colour.yellow(workers) : workers;
  return `${colour.dim('lockstep')}  ${colour.bold(name)}${gap}${phase} ${colour.dim('·')} ${crew}`;
}

function renderBar(state: ProgressState, width: number, colour: Colours): string {
  const share = state.totalSteps > 0 ? Math.min(1, Math.max(0, state.step / state.totalSteps)) : 0;
  const length = width - 6;
  const halves = Math.floor(share * length * 2);
  const filled = '━'.repeat(Math.floor(halves / 2)) + (halves % 2 === 1 ? '╸' : '');
  const rest = '─'.repeat(length - filled.length);
  // Rounded down: 100% is said when the last step is committed, not before.
  return `${colour.cyan(filled)}${colour.dim(rest)}${`${Math.floor(share * 100)}%`.padStart(6)}`;
}

function renderCells(state: ProgressState, width: number, colour: Colours): string[] {
  const scores = (loss: number | null, accuracy: number | null, prefix: string, accuracyLabel: string): Cell[] => [
    { label: `${prefix}loss`, value: known(loss, formatLoss), alarming: loss !== null && !Number.isFinite(loss) },
    ...(state.classification ? [{ label: accuracyLabel, value: known(accuracy, formatShare) }] : []),
  ];
  const cells: Cell[][] = [
    [
      { label: 'epoch', value: `${formatCount(state.epoch)}/${formatCount(state.epochs)}` },
      { label: 'step', value: `${formatCount(state.step)}/${formatCount(state.totalSteps)}` },
      { label: 'time', value: formatDuration(state.elapsedMs) },
    ],
    [
      ...scores(state.loss, state.accuracy, '', 'accuracy'),
      { label: 'speed', value: `${formatRate(state.samplesPerSecond)}/s` },
    ],
    [
      ...scores(state.devLoss, state.devAccuracy, 'dev ', 'dev acc.'),
      { label: 'left', value: known(state.etaMs, formatDuration) },
    ],
  ];
  const gap = Math.min(LARGEST_GAP, Math.floor((width - MIN_WIDTH) / 2));
  return [0, 1, 2].map((row) =>
    COLUMNS.map((column, i) => renderCell(cells[i]?.[row], column.label, column.cell + (i < 2 ? gap : 1), colour))
      .join('')
      .trimEnd(),
  );
}

function renderCell(cell: Cell | undefined, labelWidth: number, cellWidth: number, colour: Colours): string {
  if (cell === undefined) return ' '.repeat(cellWidth);
  const room = cellWidth - labelWidth;
  const value = fitted(cell.value, room - 1);
  return (
    colour.dim(cell.label.padEnd(labelWidth)) +
    (cell.alarming === true ? colour.red(value) : value) +
    ' '.repeat(room - value.length)
  );
}

/** Gives up the separators of thousands first, then the end. */
function fitted(value: string, length: number): string {
  return value.length <= length ? value : shortened(value.replaceAll(',', ''), length);
}

function renderCurve(state: ProgressState, width: number, colour: Colours): string {
  const label = colour.dim('curve'.padEnd(COLUMNS[0].label));
  const [first] = state.lossHistory;
  if (first === undefined || state.loss === null) return `${label}${UNKNOWN}`;
  const ends = `${formatLoss(first)} → ${formatLoss(state.loss)}`;
  const curve = sparkline(state.lossHistory, width - COLUMNS[0].label - ends.length - 2);
  return `${label}${colour.cyan(curve)}  ${colour.dim(ends)}`;
}

function known(value: number | null, format: (value: number) => string): string {
  return value === null ? UNKNOWN : format(value);
}

/** ` 3/10`: as wide for the first as for the last. */
function aligned(value: number, total: number): string {
  const end = formatCount(total);
  return `${formatCount(value).padStart(end.length)}/${end}`;
}

function shortened(text: string, length: number): string {
  const characters = [...text];
  return characters.length <= length ? text : `${characters.slice(0, length - 1).join('')}…`;
}
