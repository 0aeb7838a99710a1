/** What a search leaves behind: a line for each trial and rung, and the record of the whole. */
import { z } from 'zod';
import type { SplitMetrics } from '../state/run-record.js';
import { furthest, roundsOf, trialsPerRound, type SearchPlan } from './plan.js';
import { ranked, type Standing } from './ranking.js';

/** done: trained to its end; rung: to the end of a rung; failed: it has no score. */
export type TrialStatus = 'done' | 'rung' | 'failed';

/** A line of `trials.jsonl`. */
export interface TrialLine extends Standing {
  /** From 0. */
  readonly round: number;
  readonly status: TrialStatus;
  /** By key of the job. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** Completed. */
  readonly epochs: number;
  /** On the dev split. */
  readonly scores?: SplitMetrics | undefined;
  /** Of this rung alone. */
  readonly seconds: number;
  /** Of the model at the end of this rung. */
  readonly weightsSha256: string | null;
  /** Why it failed. */
  readonly error?: { readonly exitCode: number | null; readonly message: string } | undefined;
}

const count = z.number().int().nonnegative();

export const trialLineSchema: z.ZodType<TrialLine> = z.looseObject({
  trial: count,
  round: count,
  rung: count,
  status: z.enum(['done', 'rung', 'failed']),
  parameters: z.record(z.string(), z.unknown()),
  objective: z.number().nullable(),
  epochs: count,
  scores: z.custom<SplitMetrics>((value) => typeof value === 'object' && value !== null).optional(),
  seconds: z.number().nonnegative(),
  weightsSha256: z.string().nullable(),
  error: z.object({ exitCode: z.number().nullable(), message: z.string() }).optional(),
});

export interface TrialCounts {
  /** Of the whole search. */
  readonly trials: number;
  /** Trained to their end. */
  readonly done: number;
  /** Ended by halving. */
  readonly cut: number;
  readonly failed: number;
}

/** `search.json` */
export interface SearchRecord {
  readonly version: string;
  readonly name: string;
  /** running: a process works on it, or died without a word; stopped: ended early on request. Both can be resumed. */
  readonly status: 'running' | 'stopped' | 'done';
  /** Everything that decides the results. */
  readonly definition: unknown;
  readonly backend: string;
  readonly dataFingerprint: string;
  readonly objective: { readonly metric: string; readonly goal: string };
  readonly counts: TrialCounts;
  readonly best: Best | null;
  /** Workers of the whole search, and trials at once, at the time of writing. */
  readonly workers: number;
  readonly trialsAtOnce: number;
  /** ISO 8601; of the first start, when the search was resumed. */
  readonly startedAt: string;
  readonly finishedAt: string | null;
}

export interface Best {
  readonly trial: number;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly objective: number;
  readonly weightsSha256: string | null;
}

export const searchRecordSchema: z.ZodType<SearchRecord> = z.looseObject({
  version: z.string(),
  name: z.string(),
  status: z.enum(['running', 'stopped', 'done']),
  definition: z.unknown(),
  backend: z.string(),
  dataFingerprint: z.string(),
  objective: z.object({ metric: z.string(), goal: z.string() }),
  counts: z.object({ trials: count, done: count, cut: count, failed: count }),
  best: z
    .object({
      trial: count,
      parameters: z.record(z.string(), z.unknown()),
      objective: z.number(),
      weightsSha256: z.string().nullable(),
    })
    .nullable(),
  workers: count,
  trialsAtOnce: count,
  startedAt: z.string(),
  finishedAt: z.string().nullable(),
});

/** Each trial once, as far as it got, best first. */
export function leaderboard(plan: SearchPlan, lines: readonly TrialLine[]): readonly TrialLine[] {
  return ranked(furthest(lines), plan.goal);
}

/** The best trial that has trained to its end; null while there is none. */
export function bestOf(plan: SearchPlan, lines: readonly TrialLine[]): Best | null {
  const best = leaderboard(plan, lines).find(({ status }) => status === 'done');
  if (best?.objective === null || best === undefined) return null;
  const { trial, parameters, objective, weightsSha256 } = best;
  return { trial, parameters, objective, weightsSha256 };
}

/**
 * @param waiting trials that are in a rung now or may still come into the next one: their last line says `rung`, but they are not cut
 */
export function countTrials(plan: SearchPlan, lines: readonly TrialLine[], waiting: ReadonlySet<number>): TrialCounts {
  const last = furthest(lines);
  const having = (status: TrialStatus): readonly TrialLine[] => last.filter((line) => line.status === status);
  return {
    trials: roundsOf(plan) * trialsPerRound(plan),
    done: having('done').length,
    cut: having('rung').filter(({ trial }) => !waiting.has(trial)).length,
    failed: having('failed').length,
  };
}

/** In the order of the search, whatever the order in which trials finished. */
export function inSearchOrder(lines: readonly TrialLine[]): readonly TrialLine[] {
  return [...lines].sort((a, b) => a.round - b.round || a.rung - b.rung || a.trial - b.trial);
}
