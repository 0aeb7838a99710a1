/** What the workers spent their time on in an update, from their reports. */
import type { StepAttempt } from './step-attempt.js';

export interface WorkerTimes {
  readonly computeMs: number;
  readonly waitMs: number;
}

/** Times of each worker that computed, by rank, over all batches of an update. */
export function workerTimes(attempts: readonly StepAttempt[]): readonly WorkerTimes[] {
  const times = new Map<string, { computeMs: number; waitMs: number }>();
  for (const attempt of attempts) {
    for (const { worker } of attempt.assignments) {
      const report = attempt.reports.get(worker);
      const sum = times.get(worker) ?? { computeMs: 0, waitMs: 0 };
      sum.computeMs += report?.computeMs ?? 0;
      sum.waitMs += report?.waitMs ?? 0;
      times.set(worker, sum);
    }
  }
  return [...times.values()];
}
