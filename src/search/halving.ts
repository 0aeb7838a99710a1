/**
 * Successive halving: all trials train for a few epochs, the best 1/η of them go on for η times as many, and so on until the last
 * ones have trained in full.
 *
 * Source: Jamieson and Talwalkar, Non-stochastic best arm identification and hyperparameter optimization, AISTATS 2016; the
 * numbers are those of a bracket in Li et al., Hyperband, JMLR 18, 2018, table 1. Unlike ASHA (Li et al., MLSys 2020) a rung is
 * decided when all of its trials are in: what is cut must not depend on which of them came first.
 */
export interface Halving {
  /** η: one in so many goes on. */
  readonly eta: number;
  /** Epochs that every trial gets. */
  readonly minEpochs: number;
}

export interface Rung {
  /** Epochs of a trial at its end, counted from the start of training. */
  readonly epochs: number;
  /** How many trials it holds, as long as none fails. */
  readonly trials: number;
}

/**
 * The rungs of a bracket, first to last; the last one is the whole training. Between them epochs grow by η: ⌊epochs / η^(s − i)⌋, with s as
 * large as `minEpochs` allows and as long as there are η^s trials, so that the last rung is still a choice. Without halving: one rung.
 *
 * @param trials at the start
 * @param epochs of the whole training
 */
export function rungsOf(halving: Halving | null, trials: number, epochs: number): readonly Rung[] {
  if (halving === null) return [{ epochs, trials }];
  const { eta, minEpochs } = halving;
  const lengths = [epochs];
  for (let shorter = eta; shorter <= trials && Math.floor(epochs / shorter) >= minEpochs; shorter *= eta) {
    const length = Math.floor(epochs / shorter);
    // A rung that is no shorter than the next one would cut without having seen anything.
    if (length < (lengths[0] ?? 0)) lengths.unshift(length);
  }
  let left = trials;
  return lengths.map((length, rung) => {
    if (rung > 0) left = survivors(left, eta);
    return { epochs: length, trials: left };
  });
}

/** How many of the trials of a rung go on: ⌊n / η⌋, but one at least. */
export function survivors(trials: number, eta: number): number {
  return Math.max(1, Math.floor(trials / eta));
}
