/**
 * What lowers bias, in the order of what is likeliest to: train longer, a larger network, another way of optimising, another
 * architecture; and less of what holds the network back. After *Machine Learning Yearning*, chapter 25.
 */
import { formatShare } from '../common/format.js';
import type { Job, LayerSpec } from '../job/job.js';
import { outputDense } from '../job/resolve.js';
import { layerKey, nextOnLadder, type Situation, type Suggestion } from './suggestion.js';

/** Units of the hidden layer that a model without one is advised to try. */
const FIRST_HIDDEN_UNITS = 64;
/** A batch that leaves many updates in an epoch of a small data set. */
const SMALL_BATCH = 64;

export function biasRecipe(situation: Situation): readonly Suggestion[] {
  const { job, diagnosis, facts } = situation;
  return [
    ...(facts.diverged ? [calmer(job)] : []),
    ...normalized(job, facts.images),
    ...(facts.costTrend === 'falling' ? [longer(job)] : []),
    // With high variance as well, what is held back less would overfit more.
    ...(diagnosis.variance.level === 'high' ? [] : lessRegularization(job)),
    larger(job),
    ...(facts.diverged ? [] : [otherOptimization(situation)]),
    ...smallerBatch(situation),
    ...revived(situation),
    ...withBatchNorm(job),
    { text: 'another architecture: one more hidden layer, or another activation', set: [] },
  ];
}

/** The dense layers that are not the output, by index. */
export function hiddenLayers({ model }: Job): readonly { readonly index: number; readonly units: number }[] {
  const output = outputDense(model);
  return model.layers.flatMap((layer, index) =>
    layer.type === 'dense' && index !== output ? [{ index, units: layer.units }] : [],
  );
}

/** "model.layers[0].units is 512 and model.layers[3].units is 256" */
export function unitsNow(layers: ReturnType<typeof hiddenLayers>): string {
  return layers.map(({ index, units }) => `${layerKey(index, 'units')} is ${units}`).join(' and ');
}

function calmer({ training: { optimizer, clipNorm } }: Job): Suggestion {
  const { learningRate } = optimizer;
  const lower = Number((learningRate / 10).toPrecision(3));
  return {
    text: `the cost was not always a finite number, and training.optimizer.learningRate is ${learningRate}: try ${lower}${
      clipNorm === null ? ', and gradients clipped to a norm of 1' : ''
    }`,
    set: [`training.optimizer.learningRate=${lower}`, ...(clipNorm === null ? ['training.clipNorm=1'] : [])],
  };
}

function normalized({ data }: Job, images: boolean): readonly Suggestion[] {
  if (data.normalize !== 'none') return [];
  const usual = images ? 'channel' : 'feature';
  return [{ text: `data.normalize is none: try ${usual}`, set: [`data.normalize=${usual}`] }];
}

function longer({ training: { epochs } }: Job): Suggestion {
  return {
    text: `training.epochs is ${epochs} and the cost was still falling: try ${epochs * 2}`,
    set: [`training.epochs=${epochs * 2}`],
  };
}

function larger(job: Job): Suggestion {
  const hidden = hiddenLayers(job);
  if (hidden.length === 0) {
    return {
      text:
        'the model has no hidden layer: in front of the output in model.layers, add ' +
        `\`- { type: dense, units: ${FIRST_HIDDEN_UNITS} }\` and \`- relu\``,
      set: [],
    };
  }
  return {
    text: `${unitsNow(hidden)}: try ${hidden.map(({ units }) => units * 2).join(' and ')}`,
    set: hidden.map(({ index, units }) => `${layerKey(index, 'units')}=${units * 2}`),
  };
}

function otherOptimization({ job, facts }: Situation): Suggestion {
  const { optimizer } = job.training;
  if (optimizer.type !== 'adam') {
    return { text: `training.optimizer is ${optimizer.type}: try adam`, set: ['training.optimizer=adam'] };
  }
  const { learningRate } = optimizer;
  const next = nextOnLadder(learningRate, facts.costTrend === 'rising' ? 'down' : 'up');
  const because = facts.costTrend === 'rising' ? ' and the cost was rising at the end' : '';
  return {
    text: `training.optimizer.learningRate is ${learningRate}${because}: try ${next}`,
    set: [`training.optimizer.learningRate=${next}`],
  };
}

function smallerBatch({ job: { training }, facts: { trainSamples } }: Situation): readonly Suggestion[] {
  if (training.batchSize !== 0 || trainSamples === null || trainSamples < 2 * SMALL_BATCH) return [];
  return [
    {
      text: `every step takes all ${trainSamples} samples (training.batchSize is full), one update per epoch: try ${SMALL_BATCH}`,
      set: [`training.batchSize=${SMALL_BATCH}`],
    },
  ];
}

function lessRegularization({ training: { regularization }, model }: Job): readonly Suggestion[] {
  const penalties = (['l2', 'l1'] as const).flatMap((name): readonly Suggestion[] => {
    const value = regularization[name];
    if (value === 0) return [];
    const key = `training.regularization.${name}`;
    const less = Number((value / 10).toPrecision(3));
    return [{ text: `${key} is ${value}: try ${less}`, set: [`${key}=${less}`] }];
  });
  const kept = model.layers.flatMap((layer, index) => (dropsMuch(layer) ? [{ index, keepProb: layer.keepProb }] : []));
  if (kept.length === 0) return penalties;
  const raised = ({ keepProb }: { readonly keepProb: number }): number => Number(((1 + keepProb) / 2).toPrecision(2));
  return [
    ...penalties,
    {
      text: `${kept.map(({ index, keepProb }) => `${layerKey(index, 'keepProb')} is ${keepProb}`).join(' and ')}: try ${kept.map(raised).join(' and ')}`,
      set: kept.map((layer) => `${layerKey(layer.index, 'keepProb')}=${raised(layer)}`),
    },
  ];
}

/** Between 0.95 and 1 there is nothing left to gain. */
function dropsMuch(layer: LayerSpec): layer is LayerSpec & { readonly type: 'dropout' } {
  return layer.type === 'dropout' && layer.keepProb < 0.95;
}

function revived({ job: { model }, facts }: Situation): readonly Suggestion[] {
  return facts.deadLayers.flatMap(({ name, share }): readonly Suggestion[] => {
    const from = model.layers.findIndex((layer) => layer.name === name);
    const index = model.layers.findIndex((layer, at) => at > from && layer.type === 'relu');
    if (from < 0 || index < 0) return [];
    const key = layerKey(index, 'type');
    return [
      {
        text: `${formatShare(share)} of the ReLU units behind ${name} are dead, and ${key} is relu: try leakyRelu`,
        set: [`${key}=leakyRelu`],
      },
    ];
  });
}

function withBatchNorm(job: Job): readonly Suggestion[] {
  const normalizes = job.model.layers.some(({ type }) => type === 'batchNorm');
  if (normalizes || hiddenLayers(job).length < 2) return [];
  return [{ text: 'no batchNorm layer: behind every hidden dense layer in model.layers, add `- batchNorm`', set: [] }];
}
