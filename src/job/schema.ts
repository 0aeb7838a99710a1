import { z } from 'zod';
import { clusterSchema } from './schema/cluster.js';
import { dataSchema } from './schema/data.js';
import { modelSchema } from './schema/model.js';
import { trainingSchema } from './schema/training.js';

/** What a job, and with it its run directory, may be called. */
const JOB_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

export const nameSchema = z
  .string()
  .regex(JOB_NAME)
  .meta({ title: 'a name of letters, digits, ".", "_" and "-", starting with a letter or digit' });

export const seedSchema = z.int().min(0).max(4_294_967_295).default(1);

/**
 * The job file as the user writes it. Parsing expands short forms, refuses unknown keys and fills in every default that
 * does not depend on another field; `resolveJob` fills in the others.
 */
export const jobSchema = z
  .strictObject({
    name: nameSchema
      .exactOptional()
      .describe(
        'The name of the run directory: letters, digits, `.`, `_` and `-`, at most 100. Default: the file name without its extension.',
      ),
    seed: seedSchema.describe(
      'Every random number of the run is a function of this: same job, same seed, same weights.',
    ),
    baselineError: z
      .number()
      .min(0)
      .max(1)
      .nullable()
      .default(null)
      .describe(
        'The error that the training error is compared with, a share of the samples: what a person or the best known system ' +
          'gets wrong, as an estimate of what nothing can do better. For regression the share of the variance of the label ' +
          'that is left, 1 − R². It changes no weights, only the diagnosis: see docs/report.md. null: compared with 0.',
      ),
    data: dataSchema.describe('What is learned from.'),
    model: modelSchema.describe('What is trained.'),
    training: trainingSchema.prefault({}).describe('How it is trained. Everything here is part of the result.'),
    cluster: clusterSchema.prefault({}).describe('Who does the work. Nothing here changes a bit of the weights.'),
  })
  .describe('A training job of Lockstep.');

/** A job file after parsing: valid field by field, still without the defaults that depend on other fields. */
export type ParsedJob = z.output<typeof jobSchema>;
