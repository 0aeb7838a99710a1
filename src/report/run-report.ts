/** Everything a report says about a run, from what the run has left behind. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileError, systemErrorCode } from '../state/file-errors.js';
import { evaluationRecordSchema, type EvaluationRecord } from '../state/evaluation-record.js';
import { RunDirectory } from '../state/run-directory.js';
import type { EventLine, MetricsLine, RunRecord } from '../state/run-record.js';
import type { Job, SplitName } from '../job/job.js';
import { diagnose, type Diagnosis, type SplitError } from './diagnosis.js';
import { isImage } from './images.js';
import { recipe } from './recipe.js';
import { runFacts } from './run-facts.js';
import { errorOf, scoresOf, type Scores } from './scores.js';
import type { Suggestion } from './suggestion.js';

/** What a run has left behind, as read. */
export interface RunRecords {
  readonly path: string;
  readonly record: RunRecord;
  readonly metrics: readonly MetricsLine[];
  readonly events: readonly EventLine[];
  /** null where there is none, or none that belongs to the final weights. */
  readonly evaluation: EvaluationRecord | null;
  /** Why there is no evaluation. */
  readonly evaluationMissing: string | null;
}

export interface RunReport extends RunRecords {
  readonly scores: Scores;
  readonly diagnosis: Diagnosis;
  readonly recipe: readonly Suggestion[];
}

export interface ReportOptions {
  /** In place of the job's `baselineError`. */
  readonly baselineError?: number | undefined;
  /** Samples of the splits, where the run has not recorded them. */
  readonly sizes?: { readonly [split in SplitName]?: number | null } | undefined;
}

/** @throws LockstepError `usage` when there is no run, `data` when a record is damaged */
export async function readRun(path: string): Promise<RunRecords> {
  const directory = await RunDirectory.open(path);
  const { record } = directory;
  const [lines, events, evaluated] = await Promise.all([
    directory.metrics.read(),
    directory.events.read(),
    readEvaluation(path, record),
  ]);
  return { path, record, metrics: inOrder(lines), events, ...evaluated };
}

/** Without the scores of weights that a run has gone back to at its end: their steps were scored when they were reached. */
export function inOrder(lines: readonly MetricsLine[]): readonly MetricsLine[] {
  const last = lines.reduce((step, line) => Math.max(step, line.step), 0);
  return lines.filter(({ final, step }) => final !== true || step === last);
}

type Evaluated = Pick<RunRecords, 'evaluation' | 'evaluationMissing'>;

async function readEvaluation(folder: string, record: RunRecord): Promise<Evaluated> {
  const path = join(folder, 'evaluation.json');
  const missing = (evaluationMissing: string): Evaluated => ({ evaluation: null, evaluationMissing });
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (thrown) {
    if (systemErrorCode(thrown) !== 'ENOENT') throw fileError('read', path, thrown);
    return missing(
      record.status === 'done'
        ? 'The run has left no evaluation.json: it was trained by an older version.'
        : 'The final model is evaluated in detail at the end of a run, which this one has not reached.',
    );
  }
  let evaluation: EvaluationRecord;
  try {
    evaluation = evaluationRecordSchema.parse(JSON.parse(text));
  } catch {
    return missing('evaluation.json is damaged and was left out.');
  }
  if (record.weightsSha256 !== null && evaluation.weightsSha256 !== record.weightsSha256) {
    return missing('evaluation.json belongs to other weights than those of the run and was left out.');
  }
  return { evaluation, evaluationMissing: null };
}

/** The diagnosis of a run, and all that it rests on. Pure. */
export function reportOf(records: RunRecords, { baselineError, sizes = {} }: ReportOptions = {}): RunReport {
  const { record, metrics, evaluation } = records;
  // A run of an older version has no such key.
  const recorded = (record.job as Partial<Job>).baselineError ?? null;
  const job: Job = { ...record.job, baselineError: baselineError ?? recorded };
  const { data } = job;
  const scores = scoresOf(record, metrics);
  const samplesOf = (split: SplitName): number | null => evaluation?.splits[split]?.samples ?? sizes[split] ?? null;
  const errorIn = (split: SplitName): SplitError | null => {
    const error = errorOf(data.task, scores.splits[split]);
    return error === null ? null : { error, samples: samplesOf(split) };
  };
  const diagnosis = diagnose({
    task: data.task,
    baselineError: job.baselineError,
    train: errorIn('train'),
    dev: errorIn('dev'),
    test: errorIn('test'),
    hasDev: data.dev !== null || data.split.dev > 0,
  });
  const images = evaluation === null ? data.train.format === 'idx' : isImage(evaluation.featureShape);
  const facts = runFacts(metrics, { trainSamples: samplesOf('train'), images });
  return { ...records, record: { ...record, job }, scores, diagnosis, recipe: recipe({ job, diagnosis, facts }) };
}

/** The same as one object of JSON. */
export function reportRecord({ path, record, scores, diagnosis, recipe: next }: RunReport) {
  const { job, status, step, steps, epoch, weightsSha256 } = record;
  return {
    run: path,
    name: job.name,
    status,
    step,
    steps,
    epoch,
    weightsSha256,
    ...diagnosisRecord({ diagnosis, recipe: next }),
    scores: scores.splits,
    provisional: scores.provisional,
  };
}

/** The diagnosis alone, as the summary of a training carries it. */
export function diagnosisRecord({ diagnosis, recipe: next }: Pick<RunReport, 'diagnosis' | 'recipe'>) {
  return { verdict: diagnosis.verdict, diagnosis, recipe: next };
}
