/** The search file as the user writes it. */
import { z } from 'zod';
import { fileJsonSchema } from '../job/json-schema.js';
import { text, whole, withShortForm, type JsonSchema } from '../job/schema/forms.js';
import { nameSchema, seedSchema } from '../job/schema.js';

const points = () =>
  whole(2)
    .max(10_000)
    .exactOptional()
    .describe('Points along this axis of a grid, evenly spaced on its scale, both ends included.');

/** Which of them a space is, `searchRules` looks after: exactly one has to be there. */
export const SPACES = ['linear', 'integer', 'log', 'oneMinusLog', 'choice'] as const;

const spaceSchema = z
  .strictObject({
    linear: z
      .strictObject({
        from: z.number().describe('The smallest value.'),
        to: z.number().describe('The largest value.'),
        points: points(),
      })
      .exactOptional()
      .describe('Numbers, all alike.'),
    integer: z
      .strictObject({
        from: z.int().describe('The smallest value.'),
        to: z.int().describe('The largest value.'),
        points: points().describe(
          'Points along this axis of a grid, evenly spaced, both ends included. Default: every whole number.',
        ),
      })
      .exactOptional()
      .describe('Whole numbers, all alike.'),
    log: z
      .strictObject({
        from: z.number().gt(0).describe('The smallest value.'),
        to: z.number().gt(0).describe('The largest value.'),
        points: points(),
      })
      .exactOptional()
      .describe('Numbers 10^r, r alike: as many between 0.001 and 0.01 as between 0.01 and 0.1. For learning rates.'),
    oneMinusLog: z
      .strictObject({
        from: z.number().min(0).lt(1).describe('The smallest value.'),
        to: z.number().min(0).lt(1).describe('The largest value.'),
        points: points(),
      })
      .exactOptional()
      .describe(
        'Numbers 1 − 10^r, r alike: as many between 0.9 and 0.99 as between 0.99 and 0.999. For averages such as β.',
      ),
    choice: z
      .array(z.unknown())
      .min(1)
      .exactOptional()
      .describe('Values one by one, all alike: numbers, words, or mappings.'),
  })
  .meta({ title: `a mapping with one of ${SPACES.join(', ')}` });

const trials = () => whole(1).max(10_000);

const methodSchema = withShortForm(
  { type: 'string', const: 'grid' },
  (raw) => (raw === 'grid' ? { grid: {} } : raw),
  z
    .strictObject({
      grid: z.strictObject({}).exactOptional().describe('Every combination of the points of all parameters.'),
      random: z
        .strictObject({ trials: trials().describe('How many.') })
        .exactOptional()
        .describe('Every trial draws all of its parameters anew.'),
      coarseToFine: z
        .strictObject({
          rounds: whole(2)
            .max(100)
            .describe('How often the region is drawn from; after each round but the last it shrinks.'),
          trials: trials().describe('Trials of each round.'),
          keep: z
            .number()
            .gt(0)
            .default(0.25)
            .describe(
              'The best trials, around which the next round looks: below 1 their share of the trials of a round, from 1 on their number.',
            ),
        })
        .exactOptional()
        .describe('Random, in rounds, each in a smaller region around the best trials so far.'),
    })
    .meta({ title: 'a mapping with one of random, coarseToFine' }),
);

export const OBJECTIVES = ['error', 'loss', 'accuracy', 'f1', 'auc', 'r2', 'mae'] as const;

export const searchSchema = z
  .strictObject({
    name: nameSchema
      .exactOptional()
      .describe('The name of the folder with the results. Default: the file name without its extension.'),
    seed: seedSchema.describe(
      'Every value that is drawn is a function of this. The seed of the trials is that of the job.',
    ),
    job: z
      .union([text(), z.looseObject({})])
      .describe(
        'The job that is tried with other values: the path of its file, relative to this one, or the job itself.',
      ),
    set: z
      .record(z.string(), z.unknown())
      .default({})
      .describe('Values of the job that are other than in its file in every trial: `{ training.epochs: 20 }`.'),
    method: methodSchema.describe('How trials are chosen.'),
    parameters: z
      .record(z.string(), spaceSchema)
      .describe(
        'What is searched: keys of the job in the notation of `--set`, each with the space its values come from.',
      ),
    objective: z
      .enum(OBJECTIVES)
      .default('error')
      .describe(
        'What trials are judged by, on the dev split after training. To be made small: error (1 − accuracy for classification, loss for ' +
          'regression), loss, mae; large: accuracy, f1, auc, r2.',
      ),
    halving: z
      .strictObject({
        eta: whole(2).max(100).default(3).describe('η: of every rung the best 1/η go on, for η times as many epochs.'),
        minEpochs: whole(1).default(1).describe('Epochs that every trial gets.'),
      })
      .nullable()
      .default(null)
      .describe('Cuts trials that fall behind early, by successive halving. null: every trial trains to its end.'),
    cluster: z
      .strictObject({
        workers: whole(1)
          .exactOptional()
          .describe(
            'Workers of the whole search. A trial takes `cluster.workers` of its job, so that several trials run at once where there are more. Default: those of the job, one trial at a time.',
          ),
      })
      .prefault({})
      .describe('Who does the work. Nothing here changes a result.'),
  })
  .describe('A hyperparameter search of Lockstep.');

export type ParsedSearch = z.output<typeof searchSchema>;
export type ParsedSpace = ParsedSearch['parameters'][string];

let generated: JsonSchema | undefined;

/** The JSON Schema of the search file, for editors and for messages. */
export function searchJsonSchema(): JsonSchema {
  return (generated ??= fileJsonSchema(searchSchema));
}
