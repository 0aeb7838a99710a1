/** The samples that the model gets most wrong. */
import { formatCount, formatLoss } from '../../common/format.js';
import { dataTable } from '../../page/elements.js';
import { html, type Html } from '../../page/html.js';
import type { SplitName } from '../../job/job.js';
import type { EvaluationRecord, Mistake } from '../../state/evaluation-record.js';
import { imageUri, isImage } from '../images.js';
import type { RunReport } from '../run-report.js';
import { absent, section } from './section.js';

/** dev first: mistakes on the test split are not for choosing by. */
const ORDER: readonly SplitName[] = ['dev', 'test'];
/** Per split. */
const MOST_MISTAKES = 50;
/** Bytes of all images together, in base64. */
const IMAGE_BUDGET_BYTES = 600_000;
/** Values of a row that are shown. */
const MOST_FEATURES = 40;

export function mistakesSection(report: RunReport): Html {
  const { evaluation, evaluationMissing, record } = report;
  const regression = record.job.data.task === 'regression';
  const title = regression ? 'Largest errors' : 'Worst mistakes';
  if (evaluation === null) return section(title, absent(evaluationMissing ?? ''));
  const split = ORDER.find((name) => evaluation.splits[name]?.mistakes !== undefined);
  const mistakes = split === undefined ? undefined : evaluation.splits[split]?.mistakes;
  if (split === undefined || mistakes === undefined) {
    return section(title, absent('They are looked for on the dev and the test split, and this job has neither.'));
  }
  if (mistakes.length === 0) return section(title, absent(`Every sample of the ${split} split is predicted right.`));
  const shown = mistakes.slice(0, MOST_MISTAKES);
  const images = !regression && isImage(evaluation.featureShape);
  return section(
    title,
    html`<p class="muted">
      ${regression ? 'The largest errors' : 'The mistakes with the largest loss'} on the ${split} split, worst first.
      Numbers count the samples of the split, from 0.
    </p>`,
    images ? gallery(shown, evaluation) : listing(shown, evaluation, regression),
  );
}

function className({ classes }: EvaluationRecord, value: number): string {
  return classes === null ? formatLoss(value) : (classes[value] ?? String(value));
}

function gallery(mistakes: readonly Mistake[], evaluation: EvaluationRecord): Html {
  let bytes = 0;
  const items = mistakes.map((mistake) => {
    const uri = imageUri(mistake.features, evaluation.featureShape);
    const [actual, predicted] = [className(evaluation, mistake.target), className(evaluation, mistake.predicted)];
    const affordable = uri !== null && bytes + uri.length <= IMAGE_BUDGET_BYTES;
    if (affordable) bytes += uri.length;
    return html`<li>
      ${
        affordable
          ? html`<img src="${uri}" alt="sample ${mistake.sample}, ${actual}" width="96" />`
          : html`<span class="muted small">no room for more images</span>`
      }
      <span>predicted <strong>${predicted}</strong></span>
      <span>is <strong>${actual}</strong></span>
      <span class="muted small">loss ${formatLoss(mistake.loss)}</span>
      <span class="muted small">sample ${formatCount(mistake.sample)}</span>
    </li>`;
  });
  return html`<ul class="gallery">
    ${items}
  </ul>`;
}

function listing(mistakes: readonly Mistake[], evaluation: EvaluationRecord, regression: boolean): Html {
  const right = { align: 'right' } as const;
  const outcome = regression ? right : {};
  const label = evaluation.labelName ?? 'label';
  return dataTable(
    [
      { title: 'no.', ...right },
      { title: `${label}, true`, ...outcome },
      { title: 'predicted', ...outcome },
      regression ? { title: 'error', ...right } : { title: 'loss', ...right },
      { title: 'features' },
    ],
    mistakes.map(({ sample, target, predicted, loss, features }) => [
      formatCount(sample),
      regression ? number(target) : className(evaluation, target),
      regression ? number(predicted) : className(evaluation, predicted),
      regression ? number(predicted - target) : formatLoss(loss),
      row(features, evaluation.featureNames),
    ]),
  );
}

/** The values of a row by their names; one of several columns of a category that is 0 says nothing. */
function row(features: Mistake['features'], names: readonly string[] | null): Html {
  const values = typeof features === 'string' ? Array.from(Buffer.from(features, 'base64')) : features;
  const named = values.map((value, i) => ({ name: names?.[i] ?? `feature ${i}`, value }));
  const shown = named.slice(0, MOST_FEATURES);
  const rest = named.length - shown.length;
  return html`<details>
    <summary>${formatCount(named.length)} values</summary>
    <dl class="row">
      ${shown.map(
        ({ name, value }) =>
          html`<div>
            <dt>${name}</dt>
            <dd>${number(value)}</dd>
          </div>`,
      )}
    </dl>
    ${rest > 0 && html`<p class="muted small">and ${formatCount(rest)} more</p>`}
  </details>`;
}

/** As a person would write it: no digits beyond those of float32. */
function number(value: number): string {
  return String(Number(value.toPrecision(6)));
}
