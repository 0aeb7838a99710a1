/** What to do next, best first, in the terms of the job that was run. Pure. */
import { biasRecipe } from './bias-recipe.js';
import type { Situation, Suggestion } from './suggestion.js';
import { varianceRecipe } from './variance-recipe.js';

/** The share of the training source that is enough for a dev split to begin with. */
const FIRST_DEV_SHARE = 0.1;

/**
 * Bias first where both are high: what a model cannot do on the data it knows, it will not do on others, and most of what
 * lowers bias changes the variance, too.
 */
export function recipe(situation: Situation): readonly Suggestion[] {
  const { bias, variance, verdict } = situation.diagnosis;
  return [
    ...devSplit(situation),
    ...(bias.level === 'high' || (bias.level === 'unknown' && situation.facts.diverged) ? biasRecipe(situation) : []),
    ...(variance.level === 'high' ? varianceRecipe(situation) : []),
    ...largerDevSplit(situation),
    ...(verdict === 'neither' ? finished(situation) : []),
  ];
}

function devSplit({ job: { data } }: Situation): readonly Suggestion[] {
  if (data.dev !== null || data.split.dev > 0) return [];
  const room = 1 - data.split.test;
  const share = Math.min(FIRST_DEV_SHARE, Number((room / 4).toPrecision(1)));
  return [{ text: `data.split.dev is 0, so variance cannot be told: try ${share}`, set: [`data.split.dev=${share}`] }];
}

function largerDevSplit({ job: { data }, diagnosis: { overfittedToDev } }: Situation): readonly Suggestion[] {
  if (overfittedToDev?.level !== 'high') return [];
  const { dev, test } = data.split;
  if (data.dev !== null || dev === 0 || 2 * dev + test >= 0.6) {
    return [{ text: 'the choices fit the dev split better than new data: get more dev samples', set: [] }];
  }
  const next = Number((2 * dev).toPrecision(6));
  return [
    {
      text: `the choices fit the dev split better than new data, and data.split.dev is ${dev}: try ${next}`,
      set: [`data.split.dev=${next}`],
    },
  ];
}

function finished({ job: { baselineError, data } }: Situation): readonly Suggestion[] {
  const hasTest = data.test !== null || data.split.test > 0;
  return [
    ...(hasTest
      ? []
      : [
          {
            text: 'there is no test split: measure once on data that no choice was made with, with data.test',
            set: [],
          },
        ]),
    ...(baselineError === null
      ? [
          {
            text:
              'to find out whether there is anything left to gain, set baselineError to the error of a person, or of the best ' +
              'known system',
            set: [],
          },
        ]
      : []),
    { text: 'look at the worst mistakes: wrong labels, unreadable samples, classes that are rare', set: [] },
  ];
}
