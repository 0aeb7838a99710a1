import { z } from 'zod';
import type { Job, SplitName } from '../job/job.js';

/** running: a process works on it, or died without a word; stopped: ended early on request, can be resumed. */
export type RunStatus = 'running' | 'stopped' | 'failed' | 'done';

/** How well a model does on one split: the mean over its samples. */
export interface SplitMetrics {
  /** Null when it is not a finite number. */
  readonly loss: number | null;
  /** Share of samples classified correctly; classification only. */
  readonly accuracy?: number | null | undefined;
}

/**
 * Input normalisation as measured on the training split, x ← (x − mean)·inverseDeviation: one entry per feature. float32
 * values come back from JSON with the same bits.
 */
export interface NormalizationRecord {
  readonly mean: readonly number[];
  readonly inverseDeviation: readonly number[];
}

/** `run.json`: what was run, how far it came, and how it ended. */
export interface RunRecord {
  /** Version of the program. */
  readonly version: string;
  /** The job with every default filled in. */
  readonly job: Job;
  /** Fingerprint of everything in the job that decides the result. */
  readonly jobHash: string;
  /** Kernel backend that computed it. */
  readonly backend: string;
  readonly seed: number;
  readonly status: RunStatus;
  /** Steps done. */
  readonly step: number;
  /** Epochs completed. */
  readonly epoch: number;
  /** Steps of the whole run. */
  readonly steps: number;
  /** Workers at the time of writing. */
  readonly workers: number;
  /** ISO 8601; of the first start, when the run was resumed. */
  readonly startedAt: string;
  /** ISO 8601; null while the run goes on. */
  readonly finishedAt: string | null;
  /** Fingerprint of the model in `model.safetensors`; null before it is written. */
  readonly weightsSha256: string | null;
  readonly final: { readonly [split in SplitName]?: SplitMetrics | undefined };
  readonly normalization?: NormalizationRecord | undefined;
  /** What ended a failed run. */
  readonly error?: { readonly code: string; readonly message: string; readonly hint?: string | undefined } | undefined;
}

/** A line of `metrics.jsonl`. */
export interface MetricsLine {
  /** Steps done when it was measured. */
  readonly step: number;
  /** Epochs completed. */
  readonly epoch: number;
  readonly split: SplitName;
  /** Mean over the samples it was measured on; null in the file when it is not a finite number. */
  readonly loss: number | null;
  readonly accuracy?: number | undefined;
  /** Loss plus penalties, where the job has any: what is minimised. */
  readonly cost?: number | undefined;
  /** True for a score over the whole split; a line without it measures the batch of one training step. */
  readonly evaluation?: true | undefined;
  readonly learningRate: number;
  /** Norm of the gradient of the cost, before clipping; training steps only. */
  readonly gradientNorm?: number | undefined;
  readonly samplesPerSecond: number;
  readonly workers: number;
  /** ISO 8601. */
  readonly time: string;
}

/** A line of `events.jsonl`: something that happened to the run, such as a worker lost or a checkpoint written. */
export interface EventLine {
  /** ISO 8601. */
  readonly time: string;
  readonly type: string;
  readonly [detail: string]: unknown;
}

const count = z.number().int().nonnegative();
const splitMetrics = z.object({ loss: z.number().nullable(), accuracy: z.number().nullable().optional() });

/** Keys that a later version added are kept. */
export const runRecordSchema: z.ZodType<RunRecord> = z.looseObject({
  version: z.string(),
  // Written by this program after validation; whoever trains from it again validates it again.
  job: z.custom<Job>((value) => typeof value === 'object' && value !== null, 'expected a job'),
  jobHash: z.string(),
  backend: z.string(),
  seed: count,
  status: z.enum(['running', 'stopped', 'failed', 'done']),
  step: count,
  epoch: count,
  steps: count,
  workers: count,
  startedAt: z.string(),
  finishedAt: z.string().nullable(),
  weightsSha256: z.string().nullable(),
  final: z.object({ train: splitMetrics.optional(), dev: splitMetrics.optional(), test: splitMetrics.optional() }),
  normalization: z.object({ mean: z.array(z.number()), inverseDeviation: z.array(z.number()) }).optional(),
  error: z.object({ code: z.string(), message: z.string(), hint: z.string().optional() }).optional(),
});
