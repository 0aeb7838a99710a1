/** How the run went: cost, loss and accuracy, learning rate, and the health of the layers. */
import { chartGrid } from '../../page/elements.js';
import { scaleFor } from '../../page/axis.js';
import { html, type Html } from '../../page/html.js';
import { lineChart, type Series } from '../../page/line-chart.js';
import type { Point } from '../../page/thinning.js';
import type { MetricsLine } from '../../state/run-record.js';
import type { RunReport } from '../run-report.js';
import { costOf } from '../run-facts.js';
import { epochMeans, layerSeries, overSteps, smoothedCost, trainingSteps } from '../series.js';
import { absent, section } from './section.js';

const STEP = { label: 'step', whole: true };
const EPOCH = { label: 'epoch', whole: true };

export function curvesSection({ metrics, record }: RunReport): Html {
  const steps = trainingSteps(metrics);
  if (steps.length === 0) return section('Learning curves', absent('No step was recorded.'));
  const dev = metrics.filter(({ split, evaluation }) => split === 'dev' && evaluation === true);
  const classifies = record.job.data.task === 'classification';
  return section(
    'Learning curves',
    html`<p class="muted small">
      ${
        dev.length > 0
          ? 'Training values of an epoch are means over its batches, measured while the weights moved and, where there is dropout, with it: the dev split may look better than training for that reason alone.'
          : 'The dev split was never evaluated during this run.'
      }
    </p>`,
    chartGrid([
      costChart(steps),
      ...lossChart(steps, dev),
      ...(classifies ? accuracyChart(steps, dev) : regressionChart(dev)),
      lineChart({
        title: 'Learning rate',
        x: STEP,
        y: { label: 'learning rate', ...scaled([overSteps(steps, (line) => line.learningRate)]) },
        series: [{ name: 'learning rate', points: overSteps(steps, (line) => line.learningRate) }],
      }),
    ]),
    layers(steps),
  );
}

function costChart(steps: readonly MetricsLine[]): Html {
  const raw = overSteps(steps, costOf);
  return lineChart({
    title: 'Cost J',
    note: 'what is minimised: loss and penalties',
    x: STEP,
    y: { label: 'cost', ...scaled([raw]) },
    series: [
      { name: 'of each batch', points: raw, weight: 'thin', colour: 0 },
      { name: 'smoothed over about 50 steps', points: smoothedCost(steps), weight: 'bold', colour: 0 },
    ],
  });
}

function lossChart(steps: readonly MetricsLine[], dev: readonly MetricsLine[]): readonly Html[] {
  const series = perEpoch(steps, dev, (line) => line.loss);
  return [
    lineChart({
      title: 'Loss',
      note: 'per epoch',
      x: EPOCH,
      y: { label: 'loss', ...scaled(series.map(({ points }) => points)) },
      series,
    }),
  ];
}

function accuracyChart(steps: readonly MetricsLine[], dev: readonly MetricsLine[]): readonly Html[] {
  const series = perEpoch(steps, dev, (line) => line.accuracy);
  const y = { label: 'accuracy', format: (value: number) => `${Number((value * 100).toPrecision(5))}%` };
  return [lineChart({ title: 'Accuracy', note: 'per epoch', x: EPOCH, y, series })];
}

function regressionChart(dev: readonly MetricsLine[]): readonly Html[] {
  const points = dev.map((line) => ({ x: line.epoch, y: line.r2 ?? null }));
  if (points.every(({ y }) => y === null)) return [];
  return [lineChart({ title: 'R² of the dev split', x: EPOCH, y: { label: 'R²' }, series: [{ name: 'dev', points }] })];
}

function perEpoch(
  steps: readonly MetricsLine[],
  dev: readonly MetricsLine[],
  value: (line: MetricsLine) => number | null | undefined,
): readonly Series[] {
  return [
    { name: 'train', points: epochMeans(steps, value), colour: 0 },
    { name: 'dev', points: dev.map((line) => ({ x: line.epoch, y: value(line) ?? null })), colour: 1, weight: 'bold' },
  ];
}

function layers(steps: readonly MetricsLine[]): Html {
  const whole = overSteps(steps, (line) => line.gradientNorm);
  const norms = layerSeries(steps, (layer) => layer.gradientNorm);
  const ratios = layerSeries(steps, (layer) => layer.updateRatio);
  const dead = layerSeries(steps, (layer) => layer.deadShare);
  const log = { scale: 'log' } as const;
  return html`<h3>Gradients and layers</h3>
    ${
      norms.length === 0 &&
      absent(
        'Nothing was recorded layer by layer: see training.healthEverySteps, which runs of older versions do not have.',
      )
    }
    ${chartGrid([
      lineChart({
        title: 'Norm of the gradient',
        note: 'all parameters',
        x: STEP,
        y: { label: 'norm', ...log },
        series: [{ name: 'all parameters', points: whole }],
      }),
      ...(norms.length === 0
        ? []
        : [
            lineChart({
              title: 'Norm of the gradient per layer',
              note: 'vanishing below, exploding above',
              x: STEP,
              y: { label: 'norm', ...log },
              series: norms,
            }),
            lineChart({
              title: 'Update ratio per layer',
              note: '‖Δθ‖/‖θ‖; about 0.001 is usual',
              x: STEP,
              y: { label: 'ratio', ...log },
              series: ratios,
            }),
          ]),
      ...(dead.length === 0
        ? []
        : [
            lineChart({
              title: 'Dead ReLU units',
              note: 'share behind each layer that is 0 for the whole batch',
              x: STEP,
              y: { label: 'share', zero: true, format: (value) => `${Number((value * 100).toPrecision(3))}%` },
              series: dead,
            }),
          ]),
    ])}`;
}

/** A logarithmic axis where small values would not be seen on another. */
function scaled(lists: readonly (readonly Point[])[]): { readonly scale: 'linear' | 'log'; readonly zero: boolean } {
  return { scale: scaleFor(lists.flatMap((points) => points.map(({ y }) => y))), zero: true };
}
