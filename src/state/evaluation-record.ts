/** `evaluation.json`: what the final model does on each split, in detail; for reports, not for resuming. */
import { z } from 'zod';
import type { SplitName } from '../job/job.js';

/** One class against all others. A ratio without samples to form it of is 0. */
export interface ClassScore {
  readonly name: string;
  /** Right among those predicted to be of the class. */
  readonly precision: number;
  /** Right among those that are of the class. */
  readonly recall: number;
  readonly f1: number;
  /** Samples of the class. */
  readonly support: number;
}

/** A sample that the model gets wrong. */
export interface Mistake {
  /** Number in its split, from 0. */
  readonly sample: number;
  /** NaN, as `predicted`, where it was no finite number. */
  readonly loss: number;
  /** Index of the class, or the number to be approximated. */
  readonly target: number;
  readonly predicted: number;
  /** What the sample looks like before normalisation: bytes of a uint8 image in base64, else its numbers. */
  readonly features: string | readonly number[];
}

export interface SplitEvaluationRecord {
  readonly samples: number;
  /** Non-zero cells of the confusion matrix as [actual, predicted, samples]; classification only. */
  readonly confusion?: readonly (readonly [number, number, number])[] | undefined;
  /** By class index; classification only. */
  readonly classes?: readonly ClassScore[] | undefined;
  /** The mistakes with the largest loss, or the largest errors of a regression, worst first; not for the training split. */
  readonly mistakes?: readonly Mistake[] | undefined;
}

export interface EvaluationRecord {
  /** Fingerprint of the model that was evaluated. */
  readonly weightsSha256: string;
  /** Names of the classes, by index; null for regression. */
  readonly classes: readonly string[] | null;
  readonly labelName: string | null;
  readonly featureNames: readonly string[] | null;
  /** Dimensions of a sample, channels last: [height, width, channels] for images. */
  readonly featureShape: readonly number[];
  readonly splits: { readonly [split in SplitName]?: SplitEvaluationRecord | undefined };
}

const count = z.number().int().nonnegative();
const classScore = z.object({
  name: z.string(),
  precision: z.number(),
  recall: z.number(),
  f1: z.number(),
  support: count,
});
/** JSON has null for what is not a finite number. */
const orNaN = z
  .number()
  .nullable()
  .transform((value) => value ?? NaN);
const mistake = z.object({
  sample: count,
  loss: orNaN,
  target: z.number(),
  predicted: orNaN,
  features: z.union([z.string(), z.array(z.number())]),
});
const split = z.object({
  samples: count,
  confusion: z.array(z.tuple([count, count, count])).optional(),
  classes: z.array(classScore).optional(),
  mistakes: z.array(mistake).optional(),
});

export const evaluationRecordSchema: z.ZodType<EvaluationRecord> = z.looseObject({
  weightsSha256: z.string(),
  classes: z.array(z.string()).nullable(),
  labelName: z.string().nullable(),
  featureNames: z.array(z.string()).nullable(),
  featureShape: z.array(count),
  splits: z.object({ train: split.optional(), dev: split.optional(), test: split.optional() }),
});
