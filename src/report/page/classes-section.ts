/** Which classes are told apart, and which are not. */
import { formatCount, formatShare } from '../../common/format.js';
import { dataTable } from '../../page/elements.js';
import { html, type Html } from '../../page/html.js';
import type { SplitName } from '../../job/job.js';
import type { ClassScore, SplitEvaluationRecord } from '../../state/evaluation-record.js';
import type { RunReport } from '../run-report.js';
import { absent, section } from './section.js';

/** A larger matrix cannot be read; its largest cells can. */
const LARGEST_MATRIX = 20;
const MOST_PAIRS = 30;
const MOST_CLASSES = 40;

/** The dev split is what choices are made on; without one the next best. */
const ORDER: readonly SplitName[] = ['dev', 'test', 'train'];

export function classesSection({ evaluation, evaluationMissing, record }: RunReport): Html | null {
  if (record.job.data.task !== 'classification') return null;
  if (evaluation === null) return section('Classes', absent(evaluationMissing ?? ''));
  const names = evaluation.classes ?? [];
  const split = ORDER.find((name) => evaluation.splits[name]?.confusion !== undefined);
  const scored = split === undefined ? undefined : evaluation.splits[split];
  if (split === undefined || scored === undefined) return section('Classes', absent('No split was evaluated.'));
  return section('Classes', confusion(split, scored, names), perClass(split, scored.classes ?? []));
}

type Cell = readonly [actual: number, predicted: number, samples: number];

function confusion(
  split: SplitName,
  { confusion: cells = [], samples }: SplitEvaluationRecord,
  names: readonly string[],
) {
  return html`<h3>Confusion on the ${split} split</h3>
    ${names.length <= LARGEST_MATRIX ? matrix(cells, names) : pairs(cells, names)}
    <p class="muted small">${formatCount(samples)} samples.</p>`;
}

/** Rows are the true classes, shaded by the share of the row. */
function matrix(cells: readonly Cell[], names: readonly string[]): Html {
  const counts = new Map(cells.map(([actual, predicted, samples]) => [actual * names.length + predicted, samples]));
  const countAt = (actual: number, predicted: number): number => counts.get(actual * names.length + predicted) ?? 0;
  const rows = names.map((name, actual) => {
    const total = names.reduce((sum, _, predicted) => sum + countAt(actual, predicted), 0);
    const row = names.map((_, predicted) => cell(countAt(actual, predicted), total, actual === predicted));
    return html`<tr>
      <th scope="row">${name}</th>
      ${row}
    </tr>`;
  });
  return html`<div class="scroll" tabindex="0">
    <table class="matrix">
      <caption>
        Rows: true class. Columns: predicted class.
      </caption>
      <thead>
        <tr>
          <td></td>
          ${names.map((name) => html`<th scope="col">${name}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
  </div>`;
}

/** A few mistakes must be seen beside thousands that are right: shades of mistakes rise faster. */
function cell(samples: number, total: number, right: boolean): Html {
  if (samples === 0) return html`<td class="none">0</td>`;
  const share = samples / total;
  const shade = right ? 0.1 + 0.35 * share : Math.min(0.5, 0.08 + 0.6 * Math.sqrt(share));
  const colour = `rgba(var(--heat-${right ? 'right' : 'wrong'}), ${shade.toFixed(2)})`;
  return html`<td style="background: ${colour}">${formatCount(samples)}</td>`;
}

function pairs(cells: readonly Cell[], names: readonly string[]): Html {
  const wrong = cells.filter(([actual, predicted]) => actual !== predicted).sort((a, b) => b[2] - a[2]);
  if (wrong.length === 0) return absent('Every sample is predicted right.');
  const nameOf = (index: number): string => names[index] ?? String(index);
  const caption =
    wrong.length > MOST_PAIRS
      ? `The ${MOST_PAIRS} most frequent of ${formatCount(wrong.length)} ways to be wrong, among ${names.length} classes`
      : `Every way to be wrong, among ${names.length} classes`;
  return dataTable(
    [{ title: 'true class' }, { title: 'predicted' }, { title: 'samples', align: 'right' }],
    wrong
      .slice(0, MOST_PAIRS)
      .map(([actual, predicted, samples]) => [nameOf(actual), nameOf(predicted), formatCount(samples)]),
    { caption },
  );
}

function perClass(split: SplitName, classes: readonly ClassScore[]): Html | null {
  if (classes.length === 0) return null;
  const shown =
    classes.length <= MOST_CLASSES ? classes : classes.toSorted((a, b) => a.f1 - b.f1).slice(0, MOST_CLASSES);
  const right = { align: 'right' } as const;
  return html`<h3>Each class on the ${split} split</h3>
    ${dataTable(
      [
        { title: 'class' },
        { title: 'precision', ...right },
        { title: 'recall', ...right },
        { title: 'F1', ...right },
        { title: 'samples', ...right },
      ],
      shown.map(({ name, precision, recall, f1, support }) => [
        name,
        formatShare(precision),
        formatShare(recall),
        formatShare(f1),
        formatCount(support),
      ]),
      shown === classes ? {} : { caption: `The ${MOST_CLASSES} of ${classes.length} classes with the lowest F1` },
    )}`;
}
