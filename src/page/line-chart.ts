/** A chart with lines or points, as SVG that a reader's colours and width reach. */
import { line } from 'd3-shape';
import { fits, makeAxis, type Axis, type AxisSpec } from './axis.js';
import { html, jsonElement, trusted, type Html } from './html.js';
import { SERIES_COLOURS } from './style.js';
import { thinned, type Point } from './thinning.js';

export interface Series {
  readonly name: string;
  /** In the order of x, unless only points are drawn. */
  readonly points: readonly Point[];
  /** Default: by its place in the list. Series of the same colour belong together. */
  readonly colour?: number;
  /** Default: normal. */
  readonly weight?: 'thin' | 'normal' | 'bold';
  /** Default: a line, with points where there are few of them. */
  readonly marks?: 'line' | 'points';
  /** Whether points have a rim, to stand out. */
  readonly emphasis?: boolean;
}

export interface LineChart {
  readonly title: string;
  /** A few words beside the title. */
  readonly note?: string;
  readonly x: AxisSpec;
  readonly y: AxisSpec;
  readonly series: readonly Series[];
}

/** Of the drawing. At the width of a phone it is shrunk by a tenth, so that 12 units stay readable. */
const WIDTH = 400;
const HEIGHT = 250;
const PLOT = { left: 50, right: WIDTH - 12, top: 8, bottom: HEIGHT - 36 };
/** Of a series, more than there are pixels on most screens, and of a chart; longer series are thinned. */
const MOST_POINTS = 500;
const MOST_IN_ALL = 4_000;
const LEAST_POINTS = 60;
/** Up to here every value of a line gets a point. */
const FEW_POINTS = 20;
/** A second and third round through the colours. */
const DASHES = ['', '6 3', '2 3'];

/** A `<figure>`; one with a word why where there is nothing to draw. */
export function lineChart({ title, note, x, y, series: all }: LineChart): Html {
  const limit = Math.max(LEAST_POINTS, Math.min(MOST_POINTS, Math.floor(MOST_IN_ALL / all.length)));
  const series = all
    .map((one, index) => ({ ...one, colour: one.colour ?? index, points: drawable(one, x, y, limit) }))
    .filter(({ points }) => points.some((point) => point.y !== null));
  const caption = html`<figcaption>
    ${title}${note !== undefined && html` <span class="muted">${note}</span>`}
  </figcaption>`;
  if (series.length === 0) {
    return html`<figure class="chart">
      ${caption}
      <p class="muted small">There are no values to draw.</p>
    </figure>`;
  }
  const points = series.flatMap((one) => one.points);
  const options = { wantedTicks: 5, round: true };
  const xAxis = makeAxis(x, extent(points.map((point) => point.x)), [PLOT.left, PLOT.right], {
    ...options,
    round: false,
  });
  const yAxis = makeAxis(y, extent(points.flatMap((point) => point.y ?? [])), [PLOT.bottom, PLOT.top], options);
  const values = series.map(({ name, colour, points: shown }) => ({
    name,
    colour: colour % SERIES_COLOURS,
    values: shown.flatMap((point) => (point.y === null ? [] : [short(point.x), short(point.y)])),
  }));
  const label = `${title}: ${series.map(({ name }) => name).join(', ')} over ${x.label}`;
  return html`<figure class="chart">
    ${caption} ${series.length > 1 && legend(series)}
    <svg class="plot" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${label}">
      ${grid(xAxis, yAxis)}
      <text x="${PLOT.right}" y="${HEIGHT - 3}" text-anchor="end">${x.label}</text>
      <line class="cursor" x1="0" x2="0" y1="${PLOT.top}" y2="${PLOT.bottom}" />
      ${series.map((one) => drawn(one, xAxis, yAxis))}
    </svg>
    ${jsonElement({ x: forScript(xAxis), y: forScript(yAxis), xLabel: x.label, series: values })}
  </figure>`;
}

type Drawn = Series & { readonly colour: number };

/** Values without a place on the axes become gaps; then as many as a screen can show. */
function drawable({ points, marks }: Series, x: AxisSpec, y: AxisSpec, limit: number): readonly Point[] {
  const placed = points
    .filter((point) => fits(x, point.x))
    .map((point) => (point.y === null || fits(y, point.y) ? point : { ...point, y: null }));
  return marks === 'points' ? placed : thinned(placed, limit);
}

function extent(values: readonly number[]): readonly [number, number] | null {
  if (values.length === 0) return null;
  return values.reduce<readonly [number, number]>(
    ([low, high], value) => [Math.min(low, value), Math.max(high, value)],
    [Infinity, -Infinity],
  );
}

function grid(x: Axis, y: Axis): Html {
  const rows = y.ticks.map(
    ({ at, text }) =>
      html`<line class="grid" x1="${PLOT.left}" x2="${PLOT.right}" y1="${place(at)}" y2="${place(at)}" />
        <text x="${PLOT.left - 6}" y="${place(at + 4)}" text-anchor="end">${text}</text>`,
  );
  const columns = x.ticks.map(
    ({ at, text }) => html`<text x="${place(at)}" y="${PLOT.bottom + 16}" text-anchor="middle">${text}</text>`,
  );
  return html`${rows}${columns}
    <line class="axis" x1="${PLOT.left}" x2="${PLOT.right}" y1="${PLOT.bottom}" y2="${PLOT.bottom}" />`;
}

function drawn({ points, colour, weight, marks, emphasis }: Drawn, x: Axis, y: Axis): Html {
  const drawnPoints = points.filter((point) => point.y !== null);
  const circles =
    marks === 'points' || (weight !== 'thin' && drawnPoints.length <= FEW_POINTS)
      ? drawnPoints.map(
          (point) =>
            html`<circle
              ${emphasis === true && trusted('class="emphasis"')}
              cx="${place(x.place(point.x))}"
              cy="${place(y.place(point.y ?? 0))}"
              r="${marks === 'points' ? 4 : 2.5}"
            />`,
        )
      : [];
  const path = line<Point>()
    .defined((point) => point.y !== null)
    .x((point) => x.place(point.x))
    .y((point) => y.place(point.y ?? 0))
    .digits(1);
  const shape = marks === 'points' ? null : path(points);
  return html`<g class="series-${colour % SERIES_COLOURS}">
    ${shape !== null && html`<path class="${weight ?? 'normal'}" ${dash(colour)} d="${shape}" />`}${circles}
  </g>`;
}

function dash(colour: number): Html | false {
  const pattern = DASHES[Math.floor(colour / SERIES_COLOURS) % DASHES.length] ?? '';
  return pattern !== '' && html`stroke-dasharray="${pattern}"`;
}

function legend(series: readonly Drawn[]): Html {
  return html`<ul class="legend">
    ${series.map(
      ({ name, colour, weight, marks }) =>
        html`<li class="series-${colour % SERIES_COLOURS}">
          <svg viewBox="0 0 20 10" aria-hidden="true">
            ${
              marks === 'points'
                ? html`<circle cx="10" cy="5" r="4" />`
                : html`<path class="${weight ?? 'normal'}" ${dash(colour)} d="M1,5H19" />`
            }
          </svg>
          ${name}
        </li>`,
    )}
  </ul>`;
}

function place(at: number): number {
  return Math.round(at * 10) / 10;
}

/** As many digits as are ever shown. */
function short(value: number): number {
  return Number.isInteger(value) ? value : Number(value.toPrecision(5));
}

function forScript({ log, domain, range }: Axis): Pick<Axis, 'log' | 'domain' | 'range'> {
  return { log, domain, range };
}
