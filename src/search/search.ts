/** A search with all of its defaults, and the job that it varies. */
import type { JobDraft } from '../job/job.js';
import type { Path } from '../job/path.js';
import type { OBJECTIVES } from './schema.js';
import type { SearchPlan } from './plan.js';
import type { Goal } from './ranking.js';

export type Metric = (typeof OBJECTIVES)[number];

export interface Objective {
  readonly metric: Metric;
  readonly goal: Goal;
}

/** A value that every trial has in place of the job's own. */
export interface Fixed {
  readonly key: string;
  readonly path: Path;
  readonly value: unknown;
}

export interface Search {
  readonly name: string;
  readonly plan: SearchPlan;
  readonly objective: Objective;
  readonly fixed: readonly Fixed[];
  /** Of all trials together. */
  readonly workers: number;
}

/** The job as written in its file, or in the search file. */
export interface BaseJob {
  /** Checked and completed, with the fixed values. */
  readonly job: JobDraft;
  /** The file that it stands in. */
  readonly path: string;
  /** The folder that its relative paths start from, absolute. */
  readonly baseDir: string;
  /** YAML of the job alone, without the fixed values. */
  readonly text: string;
}

/** How many trials run at once. */
export function trialsAtOnce({ workers }: Pick<Search, 'workers'>, job: JobDraft): number {
  return Math.max(1, Math.floor(workers / job.cluster.workers));
}

/** Which way a metric is better. */
export function goalOf(metric: Metric): Goal {
  switch (metric) {
    case 'error':
    case 'loss':
    case 'mae':
      return 'minimize';
    case 'accuracy':
    case 'f1':
    case 'auc':
    case 'r2':
      return 'maximize';
  }
}

/**
 * The number that a trial is judged by; null where the scores do not have it.
 *
 * @param scores of the dev split
 */
export function objectiveOf(
  metric: Metric,
  task: JobDraft['data']['task'],
  scores: Partial<Readonly<Record<Exclude<Metric, 'error'>, number | null | undefined>>> | undefined,
): number | null {
  if (scores === undefined) return null;
  if (metric !== 'error') return scores[metric] ?? null;
  if (task === 'regression') return scores.loss ?? null;
  return scores.accuracy === undefined || scores.accuracy === null ? null : 1 - scores.accuracy;
}
