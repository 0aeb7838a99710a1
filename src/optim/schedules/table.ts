import { LockstepError } from '../../common/errors.js';
import type { Schedule } from './schedule.js';

export interface TableEntry {
  /** First epoch, counted from 0, at which this rate holds. */
  readonly epoch: number;
  /** The rate itself, not a factor. */
  readonly learningRate: number;
}

/**
 * Rates written by hand: each holds from its epoch until that of the next entry, the last one to the end.
 *
 * @param learningRate the rate of the epochs before the first entry
 * @param entries in rising order of epochs
 * @throws LockstepError `job` when the epochs do not rise
 */
export function table(learningRate: number, entries: readonly TableEntry[]): Schedule {
  entries.forEach(({ epoch }, index) => {
    const previous = entries[index - 1];
    if (previous !== undefined && epoch <= previous.epoch) {
      throw new LockstepError(
        'job',
        `training.decay.entries[${index}]: epoch ${epoch} follows epoch ${previous.epoch}`,
        {
          hint: 'List the entries in rising order of epochs, each epoch once.',
        },
      );
    }
  });
  return ({ epoch }) => entries.findLast((entry) => entry.epoch <= epoch)?.learningRate ?? learningRate;
}
