import type { DecaySpec } from '../../job/job.js';
import { constant } from './constant.js';
import { exponential } from './exponential.js';
import { inverse } from './inverse.js';
import { inverseSqrt } from './inverse-sqrt.js';
import type { Schedule } from './schedule.js';
import { staircase } from './staircase.js';
import { table } from './table.js';
import { warmup } from './warmup.js';

/** The part of a job's `training` that decides its learning rates. */
export interface ScheduleSpec {
  readonly optimizer: { readonly learningRate: number };
  readonly decay: DecaySpec;
  /** Steps of linear warm-up; 0: none. */
  readonly warmupSteps: number;
}

/** The learning rate of every step of a job. @throws LockstepError `job` when a table's epochs do not rise. */
export function createSchedule({ optimizer, decay, warmupSteps }: ScheduleSpec): Schedule {
  const schedule = createDecay(optimizer.learningRate, decay);
  return warmupSteps > 0 ? warmup(schedule, warmupSteps) : schedule;
}

function createDecay(learningRate: number, decay: DecaySpec): Schedule {
  switch (decay.type) {
    case 'constant':
      return constant(learningRate);
    case 'inverse':
      return inverse(learningRate, decay.rate);
    case 'exponential':
      return exponential(learningRate, decay.base);
    case 'inverseSqrt':
      return inverseSqrt(learningRate);
    case 'staircase':
      return staircase(learningRate, decay.factor, decay.every);
    case 'table':
      return table(learningRate, decay.entries);
  }
}
