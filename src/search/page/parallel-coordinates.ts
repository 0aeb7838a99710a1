/** Parallel coordinates: an axis for each parameter and one for the objective, a line for each trial. */
import { line } from 'd3-shape';
import { html, type Html } from '../../page/html.js';
import { shortNames } from '../names.js';
import type { TrialLine } from '../records.js';
import type { Parameter } from '../space.js';
import { axisOf, objectiveAxis, type CoordinateAxis } from './axes.js';
import { SHADES } from './style.js';

const AXIS_WIDTH = 118;
const HEIGHT = 320;
const PLOT = { top: 34, bottom: HEIGHT - 14, left: 58, right: 46 };
/** More lines than this are one area. */
const MOST_LINES = 400;

export interface ParallelCoordinates {
  readonly parameters: readonly Parameter[];
  /** Best first; those without an objective are left out. */
  readonly trials: readonly TrialLine[];
  readonly goal: 'minimize' | 'maximize';
  /** Of the objective: its name, and how it is written. */
  readonly name: string;
  readonly format: (value: number) => string;
}

export function parallelCoordinates({ parameters, trials, goal, name, format }: ParallelCoordinates): Html {
  const shown = trials.filter(({ objective }) => objective !== null).slice(0, MOST_LINES);
  if (shown.length === 0) return html`<p class="muted">No trial has an objective yet.</p>`;
  const keys = parameters.map(({ key }) => key);
  const axes: readonly CoordinateAxis[] = [
    ...parameters.map(axisOf),
    objectiveAxis(
      shown.map(({ objective }) => objective ?? 0),
      goal,
      format,
    ),
  ];
  const names = [...shortNames(keys), name];
  const width = PLOT.left + PLOT.right + (axes.length - 1) * AXIS_WIDTH;
  const x = (axis: number): number => PLOT.left + axis * AXIS_WIDTH;
  const y = (share: number): number => PLOT.bottom - share * (PLOT.bottom - PLOT.top);
  const path = line<readonly [number, number]>();
  const drawn = shown.map((trial, rank) => {
    const values = [...keys.map((key) => trial.parameters[key]), trial.objective];
    const points = values.flatMap((value, axis): readonly (readonly [number, number])[] => {
      const share = axes[axis]?.place(value) ?? null;
      return share === null ? [] : [[round(x(axis)), round(y(share))]];
    });
    const shade = shown.length === 1 ? 0 : Math.round((rank / (shown.length - 1)) * (SHADES - 1));
    return html`<path class="${rank === 0 ? 'best' : `shade-${shade}`}" d="${path(points) ?? ''}">
      <title>trial ${trial.trial}: ${name} ${format(trial.objective ?? 0)}</title>
    </path>`;
  });
  return html`<div class="scroll" tabindex="0">
    <svg
      class="parallel"
      viewBox="0 0 ${width} ${HEIGHT}"
      style="min-width: ${Math.round(width * 0.85)}px; max-width: ${Math.round(width * 1.3)}px"
      role="img"
      aria-label="A line for each of ${shown.length} trials over ${names.join(', ')}"
    >
      ${[...drawn].reverse()} ${axes.map(({ ticks }, axis) => drawAxis(names[axis] ?? '', ticks, x(axis), y))}
    </svg>
  </div>`;
}

function drawAxis(name: string, ticks: CoordinateAxis['ticks'], x: number, y: (share: number) => number): Html {
  return html`<g>
    <line class="axis" x1="${x}" x2="${x}" y1="${PLOT.top}" y2="${PLOT.bottom}" />
    <text class="name" x="${x}" y="14" text-anchor="middle">${shortened(name, 19)}<title>${name}</title></text>
    ${ticks.map(
      ({ at, text }) =>
        html`<line class="tick" x1="${x - 4}" x2="${x}" y1="${round(y(at))}" y2="${round(y(at))}" />
          <text x="${x - 7}" y="${round(y(at) + 4)}" text-anchor="end">${shortened(text, 9)}</text>`,
    )}
  </g>`;
}

/** From best to worst, in the shades of the lines. */
export function shadeLegend(): Html {
  const steps = Array.from({ length: SHADES }, (_, shade) => {
    return html`<rect class="shade-${shade}" x="${shade * 12}" y="0" width="12" height="10" />`;
  });
  return html`<p class="shades small muted">
    better
    <svg viewBox="0 0 ${SHADES * 12} 10" width="${SHADES * 12}" height="10" aria-hidden="true">${steps}</svg>
    worse, by rank
  </p>`;
}

function shortened(text: string, length: number): string {
  const characters = [...text];
  return characters.length <= length ? text : `…${characters.slice(1 - length).join('')}`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
