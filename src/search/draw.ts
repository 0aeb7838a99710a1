/** The values of a trial: a function of the seed, the round, the trial and the parameter. */
import { uniform53 } from '../common/random/normal.js';
import { philox4x32 } from '../common/random/philox.js';
import { Purpose } from '../common/random/purpose.js';
import { drawFrom, type Region } from './region.js';
import { gridValues, type Parameter, type ParameterValue } from './space.js';

/**
 * A random trial: counter (round, trial, parameter), key (seed, search).
 *
 * @param round from 0
 * @param trial number in the whole search, from 1
 */
export function drawTrial(
  parameters: readonly Parameter[],
  region: Region,
  seed: number,
  round: number,
  trial: number,
): readonly ParameterValue[] {
  const words = new Uint32Array(4);
  return parameters.map(({ space }, index) => {
    const range = region[index];
    if (range === undefined) throw new RangeError(`the region has no range for parameter ${index}`);
    philox4x32(round, trial, index, 0, seed, Purpose.search, words);
    return drawFrom(space, range, uniform53(words[0] ?? 0, words[1] ?? 0));
  });
}

/** How many trials a grid has; Infinity where nobody could count them. */
export function gridSize(parameters: readonly Parameter[]): number {
  return parameters.reduce((product, { space }) => {
    if (space.type === 'choice') return product * space.values.length;
    const { points } = space;
    return (
      product * (space.type === 'integer' ? Math.min(points ?? Infinity, space.to - space.from + 1) : (points ?? 1))
    );
  }, 1);
}

/** Every combination; the last parameter changes fastest. */
export function gridTrials(parameters: readonly Parameter[]): readonly (readonly ParameterValue[])[] {
  return parameters.reduce<readonly (readonly ParameterValue[])[]>(
    (combinations, { space }) => {
      const values = gridValues(space);
      return combinations.flatMap((combination) => values.map((value) => [...combination, value]));
    },
    [[]],
  );
}
