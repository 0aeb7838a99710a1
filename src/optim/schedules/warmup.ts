import type { Schedule } from './schedule.js';

/**
 * Linear warm-up over another schedule: in the first `warmupSteps` steps its value is multiplied by (step + 1) /
 * warmupSteps, which rises from 1/warmupSteps at the first step to 1 at the last of them.
 *
 * Source: Goyal et al., Accurate, Large Minibatch SGD (2017), section 2.2; there the rise starts at 1/(number of
 * workers), here at a number of the job's own.
 */
export function warmup(schedule: Schedule, warmupSteps: number): Schedule {
  return (position) => {
    const rate = schedule(position);
    return position.step < warmupSteps ? rate * ((position.step + 1) / warmupSteps) : rate;
  };
}
