/** Timing of calls that take microseconds. */
import { takeTurns } from '../turns.js';

/** A sample repeats a call until it takes about this long, so that the clock's resolution does not matter (ms). */
const SAMPLE_MS = 1.5;

export interface SampleOptions {
  readonly rounds: number;
  /** No round begins after so long. */
  readonly budgetMs: number;
  /** How long each contender runs before: memory is touched, and WebAssembly compiled with optimisations. */
  readonly warmUpMs: number;
}

/** Milliseconds of one call of each contender, round by round. */
export async function timeCalls(
  contenders: readonly (() => void)[],
  { rounds, budgetMs, warmUpMs }: SampleOptions,
): Promise<number[][]> {
  const timed = contenders.map((call) => {
    const begin = performance.now();
    do call();
    while (performance.now() - begin < warmUpMs);
    const start = performance.now();
    call();
    const repeats = Math.max(1, Math.ceil(SAMPLE_MS / Math.max(1e-3, performance.now() - start)));
    return (): number => {
      const begun = performance.now();
      for (let repeat = 0; repeat < repeats; repeat += 1) call();
      return (performance.now() - begun) / repeats;
    };
  });
  const results = await takeTurns(timed, { rounds, budgetMs });
  return results.map((times) => times.filter((ms) => ms !== null));
}
