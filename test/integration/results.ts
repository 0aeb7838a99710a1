/** What a run leaves behind, read as a user's script would. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { evaluationRecordSchema, type EvaluationRecord } from '../../src/state/evaluation-record.js';
import type { EventLine, MetricsLine, RunRecord } from '../../src/state/run-record.js';

export interface Results {
  readonly record: RunRecord;
  readonly metrics: readonly MetricsLine[];
  readonly events: readonly EventLine[];
  /** null before the run is over. */
  readonly evaluation: EvaluationRecord | null;
}

/** Whole lines only: the process may be writing the next one. */
export function readLines<Line>(path: string): Line[] {
  if (!existsSync(path)) return [];
  const text = readFileSync(path, 'utf8');
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);
}

export function readResults(out: string): Results {
  return {
    record: JSON.parse(readFileSync(join(out, 'run.json'), 'utf8')) as RunRecord,
    metrics: readLines<MetricsLine>(join(out, 'metrics.jsonl')),
    events: readLines<EventLine>(join(out, 'events.jsonl')),
    evaluation: existsSync(join(out, 'evaluation.json'))
      ? evaluationRecordSchema.parse(JSON.parse(readFileSync(join(out, 'evaluation.json'), 'utf8')))
      : null,
  };
}

/** Steps done so far, as the record of a run under way tells. */
export function stepsDone(out: string): number {
  return readLines<MetricsLine>(join(out, 'metrics.jsonl')).at(-1)?.step ?? 0;
}

/** What must not depend on who did the work: everything measured except speed, workers and time. */
export function measured({ metrics }: Results): unknown[] {
  return metrics.map(({ samplesPerSecond: _speed, workers: _workers, time: _time, ...values }) => values);
}

/** The numbers of the training steps in the order of their lines. */
export function trainingSteps({ metrics }: Results): number[] {
  return metrics.filter(({ evaluation }) => evaluation !== true).map(({ step }) => step);
}
