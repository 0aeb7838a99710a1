/** What is made of repeated measurements. A round is one turn of every contestant; one that sat a round out has null there. */

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
}

export type Rounds = readonly (number | null)[];

export interface Summary {
  readonly median: number;
  /** What the machine can do when nothing else has it: the least of all rounds. */
  readonly best: number;
  readonly rounds: Rounds;
}

/** Of times, where less is better; NaN without any. */
export function summarize(rounds: Rounds): Summary {
  const taken = rounds.filter((value) => value !== null);
  return { median: median(taken), best: taken.length === 0 ? NaN : Math.min(...taken), rounds };
}

/**
 * How many times `b` the value of `a` is: the median over the rounds of the ratio within the round, in which the two ran next to each
 * other. Steadier than the ratio of two medians. NaN when they share no round.
 */
export function medianRatio(a: Rounds, b: Rounds): number {
  return median(
    a.flatMap((value, round) => {
      const other = b[round] ?? null;
      return value === null || other === null ? [] : [value / other];
    }),
  );
}
