/**
 * What lowers variance: stop in time, more data or more of it made from what is there, regularisation, a smaller network. After
 * *Machine Learning Yearning*, chapter 27. What a key can do comes first.
 */
import { formatCount, formatLoss } from '../common/format.js';
import type { Job } from '../job/job.js';
import { hiddenLayers, unitsNow } from './bias-recipe.js';
import { layerKey, nextOnLadder, type Situation, type Suggestion } from './suggestion.js';

/** λ with a batch of 256: a decay of 0.0004 per step and learning rate, in the usual range. */
const FIRST_L2 = 0.1;
const FIRST_KEEP_PROB = 0.8;
/** Dropping more than half is for very wide layers. */
const LEAST_KEEP_PROB = 0.5;
/** Evaluations without an improvement; fewer would end at the first bad luck. */
const PATIENCE = 3;
/** A network smaller than this is not why it overfits. */
const LEAST_UNITS = 16;

export function varianceRecipe(situation: Situation): readonly Suggestion[] {
  const { job } = situation;
  return [
    ...stoppedInTime(situation),
    ...augmented(situation),
    penalized(job),
    ...dropped(job),
    moreData(situation),
    ...smaller(job),
    { text: 'another architecture, one that suits the data', set: [] },
  ];
}

function stoppedInTime({ job: { training }, facts: { bestDev } }: Situation): readonly Suggestion[] {
  if (training.earlyStopping !== null || bestDev === null) return [];
  const { epoch, loss, lastLoss } = bestDev;
  return [
    {
      text:
        `the dev loss was lowest after epoch ${epoch} (${formatLoss(loss)}, at the end ${formatLoss(lastLoss)}) and ` +
        'training.earlyStopping is null: keep the best weights',
      set: [`training.earlyStopping.patience=${PATIENCE}`, 'training.earlyStopping.metric=loss'],
    },
  ];
}

/** Jobs of versions that cannot augment have no such key. */
function augmented({ job, facts }: Situation): readonly Suggestion[] {
  const { augmentation } = job.data as { readonly augmentation?: unknown };
  if (!facts.images || augmentation === undefined || augmentation !== null) return [];
  return [
    {
      text: 'data.augmentation is null: try small random rotations and shifts',
      set: ['data.augmentation.rotation=10', 'data.augmentation.shift=0.1'],
    },
  ];
}

function penalized({ training: { regularization } }: Job): Suggestion {
  const { l2 } = regularization;
  const next = l2 === 0 ? FIRST_L2 : nextOnLadder(l2, 'up');
  return {
    text: `training.regularization.l2 is ${l2}: try ${next}`,
    set: [`training.regularization.l2=${next}`],
  };
}

function dropped(job: Job): readonly Suggestion[] {
  const { layers } = job.model;
  const existing = layers.flatMap((layer, index) =>
    layer.type === 'dropout' ? [{ index, keepProb: layer.keepProb }] : [],
  );
  if (existing.length === 0) {
    if (hiddenLayers(job).length === 0) return [];
    return [
      {
        text: `no dropout layer: behind the activation of the widest hidden layer in model.layers, add \`- { type: dropout, keepProb: ${FIRST_KEEP_PROB} }\``,
        set: [],
      },
    ];
  }
  return existing.flatMap(({ index, keepProb }): readonly Suggestion[] => {
    const next = Number(Math.max(LEAST_KEEP_PROB, keepProb - 0.1).toPrecision(2));
    if (next >= keepProb) return [];
    const key = layerKey(index, 'keepProb');
    return [{ text: `${key} is ${keepProb}: try ${next}`, set: [`${key}=${next}`] }];
  });
}

function moreData({ facts: { trainSamples } }: Situation): Suggestion {
  const now = trainSamples === null ? '' : `, now ${formatCount(trainSamples)}`;
  return { text: `more training samples${now}: the surest cure, where they can be had`, set: [] };
}

function smaller(job: Job): readonly Suggestion[] {
  const hidden = hiddenLayers(job).filter(({ units }) => units > LEAST_UNITS);
  if (hidden.length === 0) return [];
  const half = (units: number): number => Math.ceil(units / 2);
  return [
    {
      text: `${unitsNow(hidden)}: try ${hidden.map(({ units }) => half(units)).join(' and ')}`,
      set: hidden.map(({ index, units }) => `${layerKey(index, 'units')}=${half(units)}`),
    },
  ];
}
