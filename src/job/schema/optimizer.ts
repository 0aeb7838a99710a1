import { z } from 'zod';
import { averagingFactor, orBareType, positive, whole } from './forms.js';

const learningRate = (usual: number) =>
  positive().default(usual).describe('The learning rate α, before decay and warm-up.');

const gradientDescent = z
  .strictObject({
    type: z.literal('gradientDescent').describe('w ← w − α·g.'),
    learningRate: learningRate(0.01),
  })
  .describe('Gradient descent on mini-batches.');

const momentum = z
  .strictObject({
    type: z
      .literal('momentum')
      .describe(
        'v ← β·v + (1 − β)·g; w ← w − α·v. A learning rate for the form v ← β·v + g, which some libraries use, is to be ' +
          'multiplied by 1/(1 − β) here.',
      ),
    learningRate: learningRate(0.01),
    beta: averagingFactor().default(0.9).describe('β, the share of the old average that each step keeps.'),
  })
  .describe('Gradient descent with momentum.');

const rmsprop = z
  .strictObject({
    type: z.literal('rmsprop').describe('s ← β·s + (1 − β)·g²; w ← w − α·g/(√s + ε).'),
    learningRate: learningRate(0.001),
    beta: averagingFactor().default(0.9).describe('β, the share of the old average that each step keeps.'),
    epsilon: positive().default(1e-8).describe('ε, added to the root.'),
  })
  .describe('RMSprop.');

const adam = z
  .strictObject({
    type: z
      .literal('adam')
      .meta({ default: 'adam' })
      .describe(
        'm ← β₁·m + (1 − β₁)·g; v ← β₂·v + (1 − β₂)·g²; w ← w − α·m̂/(√v̂ + ε), m̂ and v̂ corrected for their start at 0.',
      ),
    learningRate: learningRate(0.001),
    beta1: averagingFactor().default(0.9).describe('β₁, the share of the old first moment that each step keeps.'),
    beta2: averagingFactor().default(0.999).describe('β₂, the share of the old second moment that each step keeps.'),
    epsilon: positive().default(1e-8).describe('ε, added to the root.'),
  })
  .describe('Adam.');

export const optimizerSchema = orBareType(
  ['gradientDescent', 'momentum', 'rmsprop', 'adam'],
  z.discriminatedUnion('type', [gradientDescent, momentum, rmsprop, adam]),
  'adam',
);

const constant = z
  .strictObject({ type: z.literal('constant').describe('The learning rate stays what it is.') })
  .describe('No decay.');

const inverse = z
  .strictObject({
    type: z.literal('inverse').describe('Factor 1/(1 + rate·epoch).'),
    rate: z.number().min(0).describe('How fast the learning rate falls, per epoch.'),
  })
  .describe('Inverse decay.');

const exponential = z
  .strictObject({
    type: z.literal('exponential').describe('Factor base^epoch.'),
    base: z.number().gt(0).max(1).describe('Factor from one epoch to the next.'),
  })
  .describe('Exponential decay.');

const inverseSqrt = z
  .strictObject({ type: z.literal('inverseSqrt').describe('Factor 1/√(epoch + 1).') })
  .describe('Inverse square root decay.');

const staircase = z
  .strictObject({
    type: z.literal('staircase').describe('Factor factor^⌊epoch/every⌋.'),
    factor: z.number().gt(0).max(1).describe('Factor from one stair to the next.'),
    every: whole(1).describe('The length of a stair in epochs.'),
  })
  .describe('Decay in discrete stairs.');

const table = z
  .strictObject({
    type: z.literal('table').describe('Learning rates written by hand: absolute values, not factors.'),
    entries: z
      .array(
        z.strictObject({
          epoch: whole(0).describe('The epoch, from 0, at whose first step the rate takes effect.'),
          learningRate: positive().describe('The learning rate itself, not a factor.'),
        }),
      )
      .min(1)
      .describe(
        'In ascending order of epochs; each holds until the next. Before the first one, `optimizer.learningRate` holds.',
      ),
  })
  .describe('Manual decay.');

export const decaySchema = orBareType(
  ['constant', 'inverseSqrt'],
  z.discriminatedUnion('type', [constant, inverse, exponential, inverseSqrt, staircase, table]),
);
