/** Which trial is better. */

export type Goal = 'minimize' | 'maximize';

/** How a trial did, as far as it got. */
export interface Standing {
  /** From 1. */
  readonly trial: number;
  /** Of halving, from 0: how far it got. */
  readonly rung: number;
  /** null: it failed, or has no number to be judged by. */
  readonly objective: number | null;
}

/**
 * The order from best to worst: who got to a later rung, then the better objective, then the smaller number; those without an objective come
 * last. A score after few epochs says nothing against one after many, hence rungs first.
 */
export function compareStandings(goal: Goal): (a: Standing, b: Standing) => number {
  const sign = goal === 'minimize' ? 1 : -1;
  return (a, b) => {
    if (a.objective === null || b.objective === null) {
      if (a.objective !== null) return -1;
      if (b.objective !== null) return 1;
      return a.trial - b.trial;
    }
    return b.rung - a.rung || sign * (a.objective - b.objective) || a.trial - b.trial;
  };
}

/** Best first. */
export function ranked<S extends Standing>(standings: readonly S[], goal: Goal): readonly S[] {
  return [...standings].sort(compareStandings(goal));
}
