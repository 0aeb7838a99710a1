/** Run directories made by hand: everything a report can show, without training anything. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Job } from '../../src/job/job.js';
import { parseJob } from '../../src/job/load.js';
import { sizeJob } from '../../src/job/batch-size.js';
import type { EvaluationRecord, Mistake } from '../../src/state/evaluation-record.js';
import type { EventLine, MetricsLine, RunRecord } from '../../src/state/run-record.js';

export interface SampleRun {
  readonly record: RunRecord;
  readonly metrics: readonly MetricsLine[];
  readonly events: readonly EventLine[];
  readonly evaluation: EvaluationRecord | null;
}

const START = Date.parse('2026-03-01T10:00:00.000Z');
const at = (seconds: number): string => new Date(START + seconds * 1000).toISOString();

/** A job as users write it; `overrides` as with `--set`. */
export function sampleJob(...overrides: readonly string[]): Job {
  const text = `
name: digits
data:
  task: classification
  train: { format: idx, features: a.idx, labels: b.idx }
  split: { dev: 0.1, test: 0.1 }
model:
  layers: [{ type: dense, units: 32 }, relu, { type: dense, units: 16 }, relu, { type: dense, units: 4 }]
training: { epochs: 5, batchSize: 64 }
`;
  return sizeJob(parseJob(text, { file: 'digits.yaml', overrides }).job, 5_000);
}

/** A table instead of images. */
export function regressionJob(...overrides: readonly string[]): Job {
  const text = `
name: homes
data:
  task: regression
  train: { format: csv, path: homes.csv, label: price }
  split: { dev: 0.2 }
model: { layers: [{ type: dense, units: 32 }, relu, { type: dense, units: 1 }] }
training: { epochs: 5, batchSize: 32 }
`;
  return sizeJob(parseJob(text, { file: 'homes.yaml', overrides }).job, 400);
}

/** Training steps of a cost that falls and flattens, with noise; health every tenth step, an evaluation per epoch. */
export function sampleMetrics(steps: number, epochs = 5): MetricsLine[] {
  const perEpoch = Math.ceil(steps / epochs);
  return Array.from({ length: steps }, (_, i): MetricsLine[] => {
    const step = i + 1;
    const loss = 0.02 + 2.3 / (1 + step / (steps / 20)) + 0.05 * Math.abs(Math.sin(step * 12.9898));
    const common = {
      epoch: Math.floor(i / perEpoch) + 1,
      learningRate: 0.002,
      samplesPerSecond: 9_000 + (step % 50) * 10,
    };
    const workers = step < steps / 2 ? 2 : 3;
    const line: MetricsLine = {
      ...common,
      step,
      split: 'train',
      loss,
      cost: loss + 0.01,
      accuracy: 1 - Math.min(0.9, loss / 3),
      gradientNorm: 4 / (1 + step / 50),
      workers,
      time: at(step / 10),
      ...(step % 10 === 1 || steps < 50 ? { layers: health(step) } : {}),
    };
    if (step % perEpoch !== 0 && step !== steps) return [line];
    const score = { loss: loss + 0.05, accuracy: 0.95 };
    return [line, { ...common, ...score, step, split: 'dev', evaluation: true, workers, time: at(step / 10) }];
  }).flat();
}

function health(step: number): MetricsLine['layers'] {
  return ['dense0', 'dense2', 'dense4'].map((name, i) => ({
    name,
    gradientNorm: 10 ** -i / (1 + step / 100),
    weightNorm: 20,
    updateRatio: 0.003 / (1 + step / 100) / (i + 1),
    ...(i < 2 ? { deadShare: 0.1 * (i + 1) } : {}),
  }));
}

/** A bright bar on black, 12 × 12. */
function barImage(place: number): string {
  const bytes = Uint8Array.from({ length: 144 }, (_, i) => (Math.abs((i % 12) - (place % 12)) < 2 ? 230 : 10));
  return Buffer.from(bytes).toString('base64');
}

export const WEIGHTS = '0123456789abcdef'.repeat(4);

export function sampleEvaluation(
  classes: readonly string[] = ['ankle boot', 'bag', 'coat', 'dress'],
): EvaluationRecord {
  const confusion = classes.flatMap((_, actual) => [
    [actual, actual, 120] as const,
    [actual, (actual + 1) % classes.length, actual + 2] as const,
  ]);
  const mistakes = Array.from({ length: 8 }, (_, i): Mistake => ({
    sample: 37 * i,
    loss: 6 - i / 2,
    target: i % classes.length,
    predicted: (i + 1) % classes.length,
    features: barImage(i),
  }));
  const scored = {
    samples: 500,
    confusion,
    classes: classes.map((name, i) => ({ name, precision: 0.98 - i / 500, recall: 0.95, f1: 0.96, support: 125 })),
  };
  return {
    weightsSha256: WEIGHTS,
    classes,
    labelName: null,
    featureNames: null,
    featureShape: [12, 12, 1],
    splits: { train: { ...scored, samples: 4_000 }, dev: { ...scored, mistakes }, test: { ...scored, mistakes } },
  };
}

export function regressionEvaluation(): EvaluationRecord {
  const mistakes = [12, 8, 3].map((error, i): Mistake => ({
    sample: i,
    loss: error * error,
    target: 20 + i,
    predicted: 20 + i + error,
    features: [i, 0.25, -3],
  }));
  return {
    weightsSha256: WEIGHTS,
    classes: null,
    labelName: 'price',
    featureNames: ['rooms', 'crime', 'tax <rate>'],
    featureShape: [3],
    splits: { train: { samples: 320 }, dev: { samples: 80, mistakes } },
  };
}

/** A finished run. */
export function sampleRun(changes: Partial<RunRecord> = {}, steps = 200): SampleRun {
  const record: RunRecord = {
    version: '0.1.0',
    job: sampleJob(),
    jobHash: 'a'.repeat(64),
    backend: 'wasm',
    seed: 1,
    status: 'done',
    step: steps,
    epoch: 5,
    steps,
    workers: 3,
    startedAt: at(0),
    finishedAt: at(steps / 10),
    weightsSha256: WEIGHTS,
    final: {
      train: { loss: 0.02, accuracy: 0.999 },
      dev: { loss: 0.2, accuracy: 0.95, precision: 0.949, recall: 0.951, f1: 0.95 },
      test: { loss: 0.21, accuracy: 0.948 },
    },
    ...changes,
  };
  const events: EventLine[] = [
    { time: at(0.5), type: 'membership', epoch: 1, reason: 'worker-1 on host-a is ready' },
    { time: at(0.6), type: 'collective', reason: 'star in buckets of 262,144 bytes for 2 workers' },
    { time: at(9), type: 'membership', epoch: 2, reason: 'worker-2 on host-b was lost: no heartbeat for 10 s' },
    { time: at(9), type: 'recovery', step: 90, attempt: 2, epoch: 2, reason: 'a worker was lost' },
    { time: at(20), type: 'checkpoint', step: steps, path: 'runs/digits-1/checkpoints/200', weightsSha256: WEIGHTS },
  ];
  return { record, metrics: sampleMetrics(steps), events, evaluation: sampleEvaluation() };
}

/** Writes a run as the trainer does; the folder goes away with the test. */
export async function writeRun({ record, metrics, events, evaluation }: SampleRun, folder?: string): Promise<string> {
  const path = folder ?? (await mkdtemp(join(tmpdir(), 'lockstep-report-')));
  if (folder === undefined) onTestFinished(() => rm(path, { recursive: true, force: true }));
  await mkdir(path, { recursive: true });
  const lines = (all: readonly object[]): string => all.map((line) => `${JSON.stringify(line)}\n`).join('');
  await writeFile(join(path, 'run.json'), JSON.stringify(record));
  if (metrics.length > 0) await writeFile(join(path, 'metrics.jsonl'), lines(metrics));
  if (events.length > 0) await writeFile(join(path, 'events.jsonl'), lines(events));
  if (evaluation !== null) await writeFile(join(path, 'evaluation.json'), JSON.stringify(evaluation));
  return path;
}
