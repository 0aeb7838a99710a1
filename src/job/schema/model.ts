import { z } from 'zod';
import { averagingFactor, orBareType, positive, text, whole, withShortForm } from './forms.js';

const common = {
  name: text()
    .regex(/^[A-Za-z][\w-]*$/)
    .meta({ title: 'a name of letters, digits, "_" and "-", starting with a letter' })
    .exactOptional()
    .describe(
      'The name other layers refer to: letters, digits, _ and -, unique in the model. ' +
        'Default: the type and the index of the layer in the list, from 0, as in `dense0`.',
    ),
  inputs: withShortForm({ type: 'string' }, (raw) => (typeof raw === 'string' ? [raw] : raw), z.array(text()).min(1))
    .exactOptional()
    .describe('The layer whose output this one takes: its name, or `input` for the data. Default: the layer before.'),
};

export const initializerSchema = orBareType(
  ['he', 'xavier', 'zeros'],
  z.strictObject({
    type: z
      .enum(['he', 'xavier', 'zeros'])
      .describe(
        'Variance of the normal distribution that weights are drawn from, n being the inputs of the layer: he: 2/n; ' +
          'xavier: 1/n; zeros: all weights 0.',
      ),
    scale: z.number().gt(0).default(1).describe('Factor on the standard deviation.'),
  }),
);

const dense = z
  .strictObject({
    type: z.literal('dense').describe('y = x·Wᵀ + b.'),
    ...common,
    units: whole(1).describe('The number of outputs.'),
    bias: z
      .boolean()
      .exactOptional()
      .describe(
        'Whether b is there. Default: true, but false where a batchNorm takes the output, which subtracts any bias again.',
      ),
    initializer: initializerSchema
      .exactOptional()
      .describe(
        'How W starts (b starts at 0). Default: he where a relu or leakyRelu follows (a batchNorm or dropout may stand ' +
          'between), xavier otherwise.',
      ),
  })
  .describe('Fully connected layer.');

const batchNorm = z
  .strictObject({
    type: z.literal('batchNorm').describe('y = γ·(x − mean)/√(variance + epsilon) + β, per feature.'),
    ...common,
    momentum: averagingFactor()
      .default(0.9)
      .describe(
        'The share of the old running mean and variance that each step keeps. Many libraries call 1 − this momentum.',
      ),
    epsilon: positive().default(1e-5).describe('Added to the variance.'),
    sync: z
      .enum(['global', 'shard'])
      .default('global')
      .describe(
        'Whose mean and variance: of the global batch, or of each logical shard by itself ("ghost" batch norm: nothing is ' +
          'communicated). Neither depends on the number of workers.',
      ),
  })
  .describe('Batch normalisation.');

const dropout = z
  .strictObject({
    type: z
      .literal('dropout')
      .describe('Inverted dropout: what is kept is divided by keepProb; nothing is dropped in evaluation.'),
    ...common,
    keepProb: z
      .number()
      .gt(0)
      .max(1)
      .describe('The probability that an activation is kept; 1 − the rate other libraries ask for.'),
  })
  .describe('Dropout.');

const leakyRelu = z
  .strictObject({
    type: z.literal('leakyRelu').describe('y = x for x > 0, slope·x otherwise.'),
    ...common,
    slope: z.number().min(0).lt(1).default(0.01).describe('The slope for negative inputs.'),
  })
  .describe('Leaky rectified linear unit.');

const PLAIN_LAYERS = ['linear', 'sigmoid', 'tanh', 'relu', 'softmax', 'flatten'] as const;

const plain = z
  .strictObject({
    type: z
      .enum(PLAIN_LAYERS)
      .describe(
        'linear: y = x; sigmoid: 1/(1 + e⁻ˣ); tanh; relu: max(0, x); softmax: eˣ/Σeˣ over the features; ' +
          'flatten: a sample of any shape as one row of numbers.',
      ),
    ...common,
  })
  .describe('A layer without settings.');

const LAYER_TYPES = ['dense', 'batchNorm', 'dropout', 'leakyRelu', ...PLAIN_LAYERS] as const;

export const layerSchema = orBareType(
  LAYER_TYPES,
  z.discriminatedUnion('type', [dense, batchNorm, dropout, leakyRelu, plain]),
);

export const modelSchema = z.strictObject({
  layers: z
    .array(layerSchema)
    .min(1)
    .describe(
      'In the order of execution; the last one is the output. A layer whose settings all have defaults may be written as ' +
        'its bare type, as in `- relu`.',
    ),
});
