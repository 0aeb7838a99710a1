import { z } from 'zod';
import type { Job, SplitName } from '../job/job.js';
import type { SplitMetrics } from '../scores/split-metrics.js';

export type { SplitMetrics } from '../scores/split-metrics.js';

/** running: a process works on it, or died without a word; stopped: ended early on request, can be resumed. */
export type RunStatus = 'running' | 'stopped' | 'failed' | 'done';

/**
 * Input normalisation as measured on the training split, x ← (x − mean)·inverseDeviation: one entry per feature. float32
 * values come back from JSON with the same bits.
 */
export interface NormalizationRecord {
  readonly mean: readonly number[];
  readonly inverseDeviation: readonly number[];
}

/** The evaluation of the dev split that was best. */
export interface BestRecord {
  /** Steps done by then, and epochs. */
  readonly step: number;
  readonly epoch: number;
  readonly metric: 'error' | 'loss';
  readonly value: number;
  /** Whether training ended because nothing better followed, rather than at its last epoch. */
  readonly stoppedEarly: boolean;
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
  /** The evaluation of the dev split whose weights the run ended with; only where the job stops early. */
  readonly best?: BestRecord | undefined;
  readonly normalization?: NormalizationRecord | undefined;
  /** What ended a failed run. */
  readonly error?: { readonly code: string; readonly message: string; readonly hint?: string | undefined } | undefined;
}

/** What the gradient does to one layer with parameters in one step. */
export interface LayerHealth {
  /** Name of the layer in the job. */
  readonly name: string;
  /** ‖∂J/∂θ‖ over all parameters of the layer, before clipping. */
  readonly gradientNorm: number | null;
  /** ‖θ‖ before the step. */
  readonly weightNorm: number | null;
  /** ‖Δθ‖ / ‖θ‖ of the step; null where ‖θ‖ is 0. */
  readonly updateRatio: number | null;
  /** Share of the units of the ReLU behind the layer that are 0 for every sample of the batch; absent where there is no ReLU. */
  readonly deadShare?: number | undefined;
}

/** A line of `metrics.jsonl`: the batch of one training step, or, with `evaluation`, the score over a whole split. */
export interface MetricsLine extends Omit<SplitMetrics, 'accuracy'> {
  /** Steps done when it was measured. */
  readonly step: number;
  /** Epochs completed. */
  readonly epoch: number;
  readonly split: SplitName;
  readonly accuracy?: number | undefined;
  /** J, loss plus penalties: what is minimised. Training steps only. */
  readonly cost?: number | undefined;
  /** Exponentially weighted average of `cost` with bias correction (β = 0.98). Training steps only. */
  readonly smoothedCost?: number | undefined;
  /** True for a score over the whole split; a line without it measures the batch of one training step. */
  readonly evaluation?: true | undefined;
  /** True for a score of the weights that the run ends with; `step` is where they were reached. */
  readonly final?: true | undefined;
  readonly learningRate: number;
  /** Norm of the gradient of the cost, before clipping; training steps only. */
  readonly gradientNorm?: number | undefined;
  /** Layer by layer, on every so many steps: see `training.healthEverySteps`. */
  readonly layers?: readonly LayerHealth[] | undefined;
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
const score = z.number().nullable();
const splitMetrics = z.object({
  loss: score,
  accuracy: score.optional(),
  precision: score.optional(),
  recall: score.optional(),
  f1: score.optional(),
  auc: score.optional(),
  r2: score.optional(),
  mae: score.optional(),
});

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
  best: z
    .object({
      step: count,
      epoch: z.number(),
      metric: z.enum(['error', 'loss']),
      value: z.number(),
      stoppedEarly: z.boolean(),
    })
    .optional(),
  normalization: z.object({ mean: z.array(z.number()), inverseDeviation: z.array(z.number()) }).optional(),
  error: z.object({ code: z.string(), message: z.string(), hint: z.string().optional() }).optional(),
});
