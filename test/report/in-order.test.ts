import { expect, it } from 'vitest';
import { inOrder } from '../../src/report/run-report.js';
import type { MetricsLine } from '../../src/state/run-record.js';

const line = (step: number, changes: Partial<MetricsLine> = {}): MetricsLine => ({
  step,
  epoch: step,
  split: 'dev',
  evaluation: true,
  loss: 1,
  learningRate: 0.1,
  samplesPerSecond: 1,
  workers: 1,
  time: '2026-01-01T00:00:00.000Z',
  ...changes,
});

it('curves end where training ended, and do not turn back to the weights that were kept', () => {
  const onTheWay = [line(1), line(2), line(3)];
  expect(inOrder([...onTheWay, line(2, { final: true }), line(2, { final: true, split: 'test' })])).toEqual(onTheWay);
});

it('final scores of the last weights are part of the curves', () => {
  const lines = [line(1), line(2, { split: 'train', evaluation: undefined }), line(2, { final: true })];
  expect(inOrder(lines)).toEqual(lines);
});
