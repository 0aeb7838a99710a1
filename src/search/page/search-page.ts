/** `search.html`: what a search has found, on one page. */
import { formatCount, formatDuration, formatPlural } from '../../common/format.js';
import { badge, callout, chartGrid, dataTable, facts, type Tone } from '../../page/elements.js';
import { scaleFor } from '../../page/axis.js';
import { copyable } from '../../page/copy-script.js';
import { html, type Html } from '../../page/html.js';
import { lineChart, type Series } from '../../page/line-chart.js';
import { renderPage } from '../../page/page.js';
import { importances } from '../importance.js';
import { formatValue, shortNames } from '../names.js';
import { roundsOf, planRungs, type SearchPlan } from '../plan.js';
import { inSearchOrder, leaderboard, type SearchRecord, type TrialLine } from '../records.js';
import { positionOf, type Parameter } from '../space.js';
import { parallelCoordinates, shadeLegend } from './parallel-coordinates.js';
import { SEARCH_STYLE } from './style.js';

export interface SearchPage {
  readonly record: SearchRecord;
  readonly plan: SearchPlan;
  readonly lines: readonly TrialLine[];
  /** Of the objective: its name, and how it is written. */
  readonly name: string;
  readonly format: (value: number) => string;
  /** best.yaml; null while there is no best trial. */
  readonly best: string | null;
  /** Where the search lies, as the reader would write it. */
  readonly folder: string;
}

const TONES: Readonly<Record<SearchRecord['status'], Tone>> = { done: 'good', running: 'neutral', stopped: 'warn' };
/** More rows make a page slow on a phone; trials.jsonl has them all. */
const MOST_ROWS = 500;
/** A best value so near the end of its space may have better ones beyond it. */
const EDGE = 0.05;

export function searchPage(page: SearchPage): string {
  const board = leaderboard(page.plan, page.lines);
  const body = html`
    ${header(page)} ${bestSection(page, board)}
    <section>
      <h2>Parallel coordinates</h2>
      <p class="muted small">
        A line for each trial: where it crosses an axis is its value there, on the scale that it was drawn on. The best
        trial is drawn bold, in another colour; the best values of the objective are at the top. Parameters on which the
        good lines meet in one place matter.
      </p>
      ${shadeLegend()}
      ${parallelCoordinates({
        parameters: page.plan.parameters,
        trials: board,
        goal: page.plan.goal,
        name: page.name,
        format: page.format,
      })}
    </section>
    ${importanceSection(page, board)} ${chartsSection(page, board)} ${trialsSection(page, board)}
    <footer>
      Lockstep ${page.record.version} · seed ${page.plan.seed} · ${page.record.backend}. The same search file, data and
      backend give the same trials and the same results, however many run at once.
    </footer>
  `;
  return renderPage({ title: `${page.record.name} · search`, body, style: SEARCH_STYLE });
}

function header({ record, plan, lines, folder }: SearchPage): Html {
  const { counts, status, startedAt, finishedAt } = record;
  const seconds = lines.reduce((sum, line) => sum + line.seconds, 0);
  const elapsedMs = finishedAt === null ? null : Date.parse(finishedAt) - Date.parse(startedAt);
  return html`<header>
    <h1>${record.name} ${badge(status, TONES[status])}</h1>
    <p class="muted small">${folder}</p>
    ${facts([
      ['Method', methodName(plan)],
      ['Trials', `${formatCount(counts.done + counts.cut + counts.failed)} of ${formatCount(counts.trials)}`],
      ['Trained to the end', formatCount(counts.done)],
      ...(plan.halving === null ? [] : [['Cut early', formatCount(counts.cut)] as const]),
      ['Failed', formatCount(counts.failed)],
      ['Objective', `${plan.goal} ${record.objective.metric}`],
      ['Time', elapsedMs === null ? 'not ended' : formatDuration(elapsedMs)],
      ['Time of all trials', formatDuration(seconds * 1000)],
      ['At once', formatPlural(record.trialsAtOnce, 'trial')],
    ])}
  </header>`;
}

function methodName(plan: SearchPlan): string {
  const { method, halving } = plan;
  const name = method.type === 'coarseToFine' ? `coarse to fine, ${roundsOf(plan)} rounds` : method.type;
  if (halving === null) return name;
  const rungs = planRungs(plan).map(({ epochs }) => epochs);
  return `${name}; halving after ${rungs.slice(0, -1).join(', ')} of ${rungs.at(-1)} epochs`;
}

function bestSection({ record, plan, name, format, best, folder }: SearchPage, board: readonly TrialLine[]): Html {
  if (record.best === null || best === null) {
    const [failed] = board.filter(({ error }) => error !== undefined);
    return html`<section>
      <h2>Best trial</h2>
      ${callout(
        failed === undefined ? 'neutral' : 'bad',
        failed === undefined
          ? html`<p>No trial has trained to its end yet.</p>`
          : html`<p>No trial has trained to its end. Trial ${failed.trial}: ${failed.error?.message}</p>`,
      )}
    </section>`;
  }
  const { trial, parameters, objective, weightsSha256 } = record.best;
  const names = shortNames(plan.parameters.map(({ key }) => key));
  const edges = plan.parameters.flatMap((parameter, index) => {
    const edge = edgeOf(parameter, parameters[parameter.key]);
    return edge === null ? [] : [`${names[index] ?? parameter.key} ${edge}`];
  });
  return html`<section>
    <h2>Best trial</h2>
    ${facts([
      ['Trial', trial],
      [name, html`<strong>${format(objective)}</strong>`],
      ...plan.parameters.map(({ key }, index) => [names[index] ?? key, formatValue(parameters[key])] as const),
    ])}
    ${
      edges.length > 0 &&
      callout(
        'warn',
        html`<p>
          The best value lies at an end of its space: ${edges.join('; ')}. Better ones may lie beyond it: widen the
          space and search again.
        </p>`,
      )
    }
    <p class="small">
      To train it again, to the same weights (sha256 <code>${weightsSha256 ?? 'unknown'}</code>):
      <code>lockstep train ${folder}/best.yaml</code>
    </p>
    <details>
      <summary>The job with these values, best.yaml</summary>
      ${copyable('best-job', best, 'Copy best.yaml')}
    </details>
  </section>`;
}

function edgeOf({ space }: Parameter, value: unknown): string | null {
  if (space.type === 'choice' || typeof value !== 'number') return null;
  const position = positionOf(space, value);
  if (position <= EDGE) return `${formatValue(value)}, from ${formatValue(space.from)} on`;
  return position >= 1 - EDGE ? `${formatValue(value)}, up to ${formatValue(space.to)}` : null;
}

function importanceSection({ plan }: SearchPage, board: readonly TrialLine[]): Html {
  const keys = plan.parameters.map(({ key }) => key);
  const names = shortNames(keys);
  const found = importances(
    plan.parameters,
    board.map((line) => keys.map((key) => line.parameters[key])),
  )
    .map(({ share }, index) => ({ share, name: names[index] ?? '' }))
    .sort((a, b) => (b.share ?? -1) - (a.share ?? -1));
  const rows = found.map(({ share, name }) => {
    const percent = share === null ? null : Math.round(share * 100);
    return [
      name,
      percent === null ? '' : html`<span class="bar"><i style="width: ${percent}%"></i></span>`,
      percent === null ? 'too few trials' : `${percent}%`,
    ];
  });
  return html`<section>
    <h2>Which parameters matter</h2>
    ${dataTable([{ title: 'parameter' }, { title: '' }, { title: 'share', align: 'right' }], rows)}
    <p class="muted small">
      The share of the variance of the trials' ranks that their grouping by the value of one parameter explains: up to
      five groups of equal size, or the values of a choice, corrected for what chance would explain (ε², Kelley 1935).
      Limits: it looks at one parameter at a time and misses what only two together do; it holds for these spaces alone,
      a parameter with a narrow one seems not to matter; under about 20 trials much of it is chance; after a zoom, what
      has been found already no longer varies.
    </p>
  </section>`;
}

function chartsSection({ plan, lines, name, format }: SearchPage, board: readonly TrialLine[]): Html {
  const scored = board.flatMap((line) => (line.objective === null ? [] : [{ ...line, objective: line.objective }]));
  const scale = scaleFor(scored.map(({ objective }) => objective));
  const y = { label: name, scale, ...(name.endsWith('error') || name.endsWith('accuracy') ? { format } : {}) } as const;
  const cut = (line: TrialLine): boolean => line.status === 'rung';
  const series = (points: (line: (typeof scored)[number]) => { x: number; y: number } | null): readonly Series[] => {
    const of = (wanted: boolean) => scored.filter((line) => cut(line) === wanted).flatMap((line) => points(line) ?? []);
    return [
      { name: plan.halving === null ? 'trials' : 'trained to the end', marks: 'points', colour: 0, points: of(false) },
      ...(plan.halving === null ? [] : [{ name: 'cut early', marks: 'points', colour: 7, points: of(true) } as const]),
    ];
  };
  const sign = plan.goal === 'minimize' ? 1 : -1;
  let best = Infinity;
  const soFar = inSearchOrder(lines)
    .filter(({ status, objective }) => status === 'done' && objective !== null)
    .sort((a, b) => a.trial - b.trial)
    .map(({ trial, objective }) => {
      best = Math.min(best, sign * (objective ?? Infinity));
      return { x: trial, y: sign * best };
    });
  const over = lineChart({
    title: 'Objective over trials',
    note: 'and the best so far',
    x: { label: 'trial' },
    y,
    series: [
      ...series((line) => ({ x: line.trial, y: line.objective })),
      { name: 'best so far', colour: 1, weight: 'bold', points: soFar },
    ],
  });
  const names = shortNames(plan.parameters.map(({ key }) => key));
  const each = plan.parameters.flatMap((parameter, index): readonly Html[] => {
    const { space, key } = parameter;
    if (space.type === 'choice') return [];
    const label = names[index] ?? key;
    const rest = space.type === 'oneMinusLog';
    const at = (line: TrialLine): number => (rest ? 1 - Number(line.parameters[key]) : Number(line.parameters[key]));
    return [
      lineChart({
        title: label,
        x: {
          label: rest ? `1 − ${label}` : label,
          scale: space.type === 'log' || rest ? 'log' : 'linear',
        },
        y,
        series: series((line) => ({ x: at(line), y: line.objective })),
      }),
    ];
  });
  return html`<section>
    <h2>Trial by trial</h2>
    ${chartGrid([over, ...each])}
    ${
      plan.halving !== null &&
      html`<p class="muted small">
        What was cut early is shown with its score at that time, after fewer epochs than the others.
      </p>`
    }
  </section>`;
}

function trialsSection({ plan, name, format }: SearchPage, board: readonly TrialLine[]): Html {
  const keys = plan.parameters.map(({ key }) => key);
  const right = { align: 'right' } as const;
  const columns = [
    { title: 'rank', ...right },
    { title: 'trial', ...right },
    ...(roundsOf(plan) > 1 ? [{ title: 'round', ...right }] : []),
    { title: name, ...right },
    { title: 'epochs', ...right },
    ...shortNames(keys).map((title) => ({ title, ...right })),
    { title: 'outcome' },
    { title: 'weights sha256' },
  ];
  const rows = board
    .slice(0, MOST_ROWS)
    .map((line, rank) => [
      rank + 1,
      line.trial,
      ...(roundsOf(plan) > 1 ? [line.round + 1] : []),
      line.objective === null ? '–' : format(line.objective),
      line.epochs,
      ...keys.map((key) => formatValue(line.parameters[key])),
      line.status === 'failed' ? `failed: ${line.error?.message ?? ''}` : line.status === 'rung' ? 'cut early' : 'done',
      line.weightsSha256 === null
        ? '–'
        : html`<code title="${line.weightsSha256}">${line.weightsSha256.slice(0, 10)}</code>`,
    ]);
  const caption =
    board.length > MOST_ROWS
      ? `The best ${MOST_ROWS} of ${formatCount(board.length)} trials; all of them are in trials.jsonl.`
      : 'Best first. The run directory of each is trials/<its number>.';
  return html`<section>
    <h2>All trials</h2>
    ${dataTable(columns, rows, { caption })}
  </section>`;
}
