/**
 * Contestants that take turns: whatever else the machine does, a slow minute or a lower clock, meets all of them. Every round begins
 * with another one, so that none always comes first.
 */

export interface TurnOptions {
  readonly rounds: number;
  /** No round begins after so long; the first one always does. Default: no limit. */
  readonly budgetMs?: number;
  /** Lets a contestant sit out a round. Default: everybody takes part in every round. */
  readonly takesPart?: (contestant: number, round: number) => boolean;
}

/** The results of each contestant, round by round; null where it sat out. */
export async function takeTurns<Result>(
  contestants: readonly (() => Result | Promise<Result>)[],
  { rounds, budgetMs = Infinity, takesPart = () => true }: TurnOptions,
): Promise<(Result | null)[][]> {
  const results = contestants.map((): (Result | null)[] => []);
  const begun = performance.now();
  for (let round = 0; round < rounds; round += 1) {
    if (round > 0 && performance.now() - begun > budgetMs) break;
    for (let turn = 0; turn < contestants.length; turn += 1) {
      const index = (turn + round) % contestants.length;
      const run = contestants[index];
      if (run !== undefined) results[index]?.push(takesPart(index, round) ? await run() : null);
    }
  }
  return results;
}
