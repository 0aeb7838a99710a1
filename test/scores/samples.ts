/** Numbers in [0, 1), the same in every language: the linear congruential generator of Numerical Recipes. */
export function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const SIZE = 200;
const times = <Value>(make: (index: number) => Value): Value[] => Array.from({ length: SIZE }, (_, i) => make(i));

/**
 * Made-up predictions of 200 samples, from one stream of numbers in this order. What scikit-learn 1.2.1 says about them stands in the
 * tests: precision_recall_fscore_support, roc_auc_score, r2_score, mean_absolute_error.
 */
export function predictions() {
  const next = numbers(7);
  const ofFour = times(() => {
    const actual = Math.floor(next() * 4);
    return { actual, predicted: next() < 0.6 ? actual : Math.floor(next() * 4) };
  });
  const ranked = times(() => {
    const actual = next() < 0.3 ? 1 : 0;
    // In steps of a twentieth, so that many are equal.
    return { actual, score: Math.fround(Math.round((next() + actual * 0.4) * 20) / 20) };
  });
  const targets = times(() => next() * 10);
  const approximations = targets.map((target) => target + (next() - 0.5) * 4);
  return { ofFour, ranked, targets, approximations };
}
