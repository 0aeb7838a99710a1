import { z } from 'zod';
import { augmentationSchema } from './augmentation.js';
import { text, withShortForm } from './forms.js';
import { RATIOS, ratioShares } from './ratios.js';

const path = (what: string) =>
  text().describe(
    `${what}: a path relative to the job file, an absolute path, or \`package:<npm package>/<path>\` for a file of an ` +
      'installed package. Files may be gzip-compressed.',
  );

const idxSource = z
  .strictObject({
    format: z.literal('idx').describe('The IDX format of MNIST: one file with the samples, one with the labels.'),
    features: path('The samples (first dimension: samples; the others: the shape of one sample)'),
    labels: path('The labels, one number per sample'),
  })
  .describe('Samples in IDX files.');

const csvSource = z
  .strictObject({
    format: z.literal('csv').describe('Comma-separated values with a header row.'),
    path: path('The file'),
    label: text().describe('The column with what is to be predicted.'),
    delimiter: z.string().length(1).default(',').describe('The character between two values.'),
    categorical: z
      .array(text())
      .default([])
      .describe(
        'Columns that are one-hot encoded even where all their values look like numbers; columns with text always are.',
      ),
    ignore: z.array(text()).default([]).describe('Columns left out.'),
  })
  .describe('Samples in one CSV file.');

export const dataSourceSchema = z.discriminatedUnion('format', [idxSource, csvSource]);

const heldOut = (split: string) =>
  z
    .number()
    .min(0)
    .lt(1)
    .default(0)
    .meta({ examples: [0.1] })
    .describe(
      `The share of the train source held out as the ${split} split, drawn at random from the seed, from every class alike: ` +
        `a ratio such as 0.1, not a number of samples. 0: none. dev and test together stay below 1.`,
    );

/** `60/20/20` stands for the shares of the three splits, `70/30` for those of train and test. */
const splitSchema = withShortForm(
  {
    type: 'string',
    pattern: RATIOS.source,
    title: 'ratios above 0, train/dev/test as in 60/20/20 or train/test as in 70/30,',
  },
  (raw) => (typeof raw === 'string' ? (ratioShares(raw) ?? raw) : raw),
  z.strictObject({ dev: heldOut('dev'), test: heldOut('test') }),
);

export const dataSchema = z.strictObject({
  task: z
    .enum(['classification', 'regression'])
    .describe('What the label is: a class, or a number to be approximated.'),
  train: dataSourceSchema.describe('Where the training samples come from, and those that `split` takes from them.'),
  dev: dataSourceSchema
    .nullable()
    .default(null)
    .describe(
      'The source of the dev split, on which a run is judged while it trains. null: none of its own; see `split`.',
    ),
  test: dataSourceSchema
    .nullable()
    .default(null)
    .describe('The source of the test split, looked at once, after training. null: none of its own; see `split`.'),
  split: splitSchema.prefault({}).describe(
      'Shares of the train source for splits that have no source of their own: a mapping with `dev` and `test`, or the ratios ' +
        'of the splits in short, as in `60/20/20` or `98/1/1` (train/dev/test) and `70/30` (train/test, no dev split). Ratios need ' +
        'not add up to 100.',
    ),
  normalize: z
    .enum(['feature', 'channel', 'none'])
    .exactOptional()
    .describe(
      'Inputs are shifted and scaled to mean 0 and variance 1, both measured on the training split only: every feature by ' +
        'itself, or one mean and variance per channel (the last dimension of a sample), or not at all. ' +
        'Default: feature for csv, channel for idx.',
    ),
  augmentation: augmentationSchema
    .nullable()
    .default(null)
    .describe(
      'Random changes to the images of the training split, new ones in every epoch, in training only: nothing is changed where ' +
        'a model is judged, or where means and variances are measured. Drawn from the seed, the epoch and the image. ' +
        'null: none. See docs/data.md.',
    ),
});
