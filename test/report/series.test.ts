import { describe, expect, it } from 'vitest';
import { runFacts } from '../../src/report/run-facts.js';
import { errorOf, scoresOf } from '../../src/report/scores.js';
import { epochMeans, layerSeries, smoothedCost } from '../../src/report/series.js';
import type { MetricsLine } from '../../src/state/run-record.js';
import { sampleRun } from './sample-run.js';

const line = (step: number, changes: Partial<MetricsLine> = {}): MetricsLine => ({
  step,
  epoch: 1,
  split: 'train',
  loss: 1,
  learningRate: 0.1,
  samplesPerSecond: 100,
  workers: 1,
  time: '2026-01-01T00:00:00.000Z',
  ...changes,
});
const costs = (...values: (number | null)[]): MetricsLine[] => values.map((loss, i) => line(i + 1, { loss }));
const dev = (epoch: number, loss: number | null): MetricsLine =>
  line(epoch * 10, { epoch, loss, split: 'dev', evaluation: true });
const DATA = { trainSamples: null, images: false };

describe('the smoothed cost', () => {
  it('of an older run is its weighted average, corrected for the start', () => {
    // (0.98·0.02·2 + 0.02·4)/(1 − 0.98²) = 0.1192/0.0396.
    const smoothed = smoothedCost(costs(2, 4)).map(({ y }) => y);
    expect(smoothed[0]).toBeCloseTo(2, 12);
    expect(smoothed[1]).toBeCloseTo(0.1192 / 0.0396, 12);
  });

  it('goes on after a gap', () => {
    const smoothed = smoothedCost(costs(2, null, 2)).map(({ y }) => y);
    expect(smoothed[1]).toBeNull();
    expect(smoothed[2]).toBeCloseTo(2, 12);
  });

  it('is the one that was recorded', () => {
    expect(smoothedCost([line(1, { smoothedCost: 7 })])).toEqual([{ x: 1, y: 7 }]);
  });
});

it('epochs have the mean of their batches, and a gap where one is not finite', () => {
  const lines = [line(1, { loss: 1 }), line(2, { loss: 3 }), line(3, { epoch: 2, loss: null }), line(4, { epoch: 2 })];
  expect(epochMeans(lines, ({ loss }) => loss)).toEqual([
    { x: 1, y: 2 },
    { x: 2, y: null },
  ]);
});

it('layers have a series each, without what they do not have', () => {
  const health = (name: string, deadShare?: number) => ({
    name,
    gradientNorm: 1,
    weightNorm: 1,
    updateRatio: null,
    ...(deadShare === undefined ? {} : { deadShare }),
  });
  const lines = [
    line(1, { layers: [health('a', 0.5), health('b')] }),
    line(2),
    line(3, { layers: [health('a', 0.25)] }),
  ];
  expect(layerSeries(lines, ({ deadShare }) => deadShare)).toEqual([
    {
      name: 'a',
      points: [
        { x: 1, y: 0.5 },
        { x: 3, y: 0.25 },
      ],
    },
  ]);
});

describe('what the course of a run says', () => {
  const trend = (values: readonly number[]) => runFacts(costs(...values), DATA).costTrend;

  it('is whether the cost was still falling', () => {
    const steps = Array.from({ length: 20 }, (_, i) => i);
    expect(trend(steps.map((i) => 10 - i / 4))).toBe('falling');
    expect(trend(steps.map((i) => 1 + (i % 2) / 10))).toBe('level');
    expect(trend(steps.map((i) => 1 + i))).toBe('rising');
    expect(trend([3, 2, 1])).toBeNull();
  });

  it('is when the dev split was best, where it has become worse since', () => {
    expect(runFacts([dev(1, 0.5), dev(2, 0.3), dev(3, 0.4)], DATA).bestDev).toEqual({
      epoch: 2,
      loss: 0.3,
      lastLoss: 0.4,
    });
    expect(runFacts([dev(1, 0.5), dev(2, 0.3), dev(3, 0.31)], DATA).bestDev).toBeNull();
    expect(runFacts([dev(1, 0.5), dev(2, null)], DATA).bestDev).toBeNull();
  });

  it('is whether it has diverged', () => {
    expect(runFacts(costs(1, null), DATA).diverged).toBe(true);
    expect(runFacts(costs(1, 2), DATA).diverged).toBe(false);
  });
});

describe('scores', () => {
  it('are the final ones where there are any', () => {
    const { record } = sampleRun();
    expect(scoresOf(record, [])).toEqual({ splits: record.final, provisional: null });
  });

  it('are else those of the last steps and the last evaluation', () => {
    const { record } = sampleRun({ status: 'stopped', final: {} });
    const lines = Array.from({ length: 30 }, (_, i) =>
      line(i + 1, { loss: i < 20 ? 9 : 1, accuracy: i < 20 ? 0 : 0.5 }),
    );
    const scores = scoresOf(record, [...lines, dev(1, 0.7), dev(2, 0.6)]);
    expect(scores.splits).toMatchObject({ train: { loss: 1, accuracy: 0.5 }, dev: { loss: 0.6 } });
    expect(scores.provisional).toContain('was stopped');
    expect(scores.provisional).toContain('the last 10 steps');
  });

  it('have an error: what is wrong, or the share of the variance that is left', () => {
    expect(errorOf('classification', { loss: 1, accuracy: 0.98 })).toBe(0.02);
    expect(errorOf('regression', { loss: 4, r2: -0.5 })).toBe(1.5);
    expect(errorOf('regression', { loss: 4 })).toBeNull();
    expect(errorOf('classification', { loss: null, accuracy: null })).toBeNull();
    expect(errorOf('classification', undefined)).toBeNull();
  });
});
