import { z } from 'zod';
import { positive, whole, withShortForm } from './forms.js';
import { decaySchema, optimizerSchema } from './optimizer.js';

const penalty = (formula: string) =>
  z
    .number()
    .min(0)
    .default(0)
    .describe(`λ of the penalty ${formula} on the cost; weights only, m = samples of the batch. 0: none.`);

const regularizationSchema = z.strictObject({
  l2: penalty('λ/(2m)·‖W‖²'),
  l1: penalty('λ/(2m)·‖W‖₁'),
});

const checkpointSchema = z.strictObject({
  everySteps: whole(0)
    .default(500)
    .describe('Steps from one checkpoint to the next. 0: only at the end and when the process is asked to stop.'),
  keep: whole(1).default(2).describe('How many of the newest checkpoints are kept.'),
});

const earlyStoppingSchema = z.strictObject({
  patience: whole(1).describe('Evaluations of the dev split in a row without an improvement after which training ends.'),
  minChange: z
    .number()
    .min(0)
    .default(0)
    .describe('An improvement by less than this is none, in the unit of the metric: 0.001 of the error is a tenth of a percent.'),
  metric: z
    .enum(['error', 'loss'])
    .exactOptional()
    .describe(
      'What is to get smaller on the dev split. error: the share of samples predicted wrong; loss. Default: error for ' +
        'classification, loss for regression.',
    ),
});

export const trainingSchema = z.strictObject({
  epochs: whole(1).default(10).describe('Passes over the training split.'),
  batchSize: withShortForm(
    { type: 'string', const: 'full' },
    (raw) => (raw === 'full' ? 0 : raw),
    z.union([z.literal('auto'), whole(0)]),
  )
    .prefault('auto')
    .describe(
      'Samples per step, over all workers together. `full` or 0: the whole training split (batch gradient descent); 1: one ' +
        'sample (stochastic gradient descent); anything between: mini-batches. The last batch of an epoch is smaller where ' +
        'the split does not divide. auto: full for fewer than 2,000 training samples, 256 otherwise.',
    ),
  shards: whole(1)
    // Far beyond the samples of any batch: a slip of the pen should not plan millions of empty shards.
    .max(65_536)
    .default(8)
    .describe(
      'Logical shards that every batch is cut into, the unit of work that is dealt to workers. Part of the result (another ' +
        'number rounds differently) and the largest number of workers that can share a step.',
    ),
  shuffle: z
    .boolean()
    .default(true)
    .describe('Whether every epoch visits the training split in a new order, drawn from the seed.'),
  loss: z
    .enum(['softmaxCrossEntropy', 'binaryCrossEntropy', 'meanSquaredError'])
    .exactOptional()
    .describe(
      'What is minimised, as a mean over the batch. The two cross-entropies take logits: the last layer has no softmax and no ' +
        'sigmoid. Default: meanSquaredError for regression; for classification binaryCrossEntropy where the last dense ' +
        'layer has 1 unit, softmaxCrossEntropy otherwise.',
    ),
  optimizer: optimizerSchema.prefault('adam').describe('How gradients change the weights.'),
  decay: decaySchema
    .prefault('constant')
    .describe(
      'How the learning rate falls: a factor on `optimizer.learningRate`, a function of the epoch counted from 0.',
    ),
  warmupSteps: whole(0)
    .default(0)
    .describe(
      'Steps over which the learning rate rises linearly from 1/warmupSteps of its value to all of it. 0: none.',
    ),
  regularization: regularizationSchema.prefault({}).describe('Penalties on large weights.'),
  clipNorm: positive()
    .nullable()
    .default(null)
    .describe('The largest global norm of the gradient; a longer one is scaled down to it. null: not clipped.'),
  wireFormat: z
    .strictObject({
      gradients: z
        .enum(['float32', 'bfloat16', 'float16'])
        .default('float32')
        .describe(
          'Format of gradient sums between processes. The 16-bit ones halve the traffic and round every partial sum, in the same way for every number of workers; float16 comes with dynamic loss scaling.',
        ),
      weights: z
        .enum(['float32', 'bfloat16'])
        .default('float32')
        .describe(
          'Format of weights on their way to the workers, which compute with what arrives. The coordinator keeps them in float32.',
        ),
    })
    .prefault({})
    .describe('What numbers travel in between processes.'),
  accumulate: whole(1)
    .default(1)
    .describe('Batches of which the gradients are added before the weights move: a larger batch in the memory of a small one.'),
  evaluateEveryEpochs: whole(0)
    .default(1)
    .describe('Epochs from one evaluation of the dev split to the next. 0: only at the end.'),
  earlyStopping: earlyStoppingSchema
    .nullable()
    .default(null)
    .describe(
      'Ends training when the dev split stops getting better. The run then ends with the weights that were best on the dev ' +
        'split, also where it runs to its last epoch. null: training runs to its last epoch and ends with its last weights.',
    ),
  onNonFinite: z
    .enum(['stop', 'skip'])
    .default('stop')
    .describe(
      'What follows a step whose loss or gradient is not a finite number. stop: the run ends, naming step and layer, with the ' +
        'weights before it in a checkpoint; skip: the step changes nothing, and the next one follows (new weights then have ' +
        'to wait for the whole gradient, which costs some overlap).',
    ),
  healthEverySteps: whole(0)
    .default(100)
    .describe(
      'Steps from one look at the layers to the next, the first step included: norm of the gradient and of the weights, ratio of ' +
        'update to weights, share of dead ReLU units, with a warning when one runs away. 0: none.',
    ),
  checkpoint: checkpointSchema.prefault({}).describe('When the state of the run is saved.'),
});
