/** What the recipe is made of: a step to take, in the terms of the job. */
import type { Diagnosis } from './diagnosis.js';
import type { Job } from '../job/job.js';
import type { RunFacts } from './run-facts.js';

export interface Suggestion {
  /** What is set now, and what to try: a sentence without its full stop; lines for the job file in `backticks`. */
  readonly text: string;
  /** The same as values of `--set`; none where no key of the job does it. */
  readonly set: readonly string[];
}

/** What a recipe goes by. */
export interface Situation {
  readonly job: Job;
  readonly diagnosis: Diagnosis;
  readonly facts: RunFacts;
}

/** The next of 1 and 3 times the powers of ten that is at least twice or at most half the value: 0.001, 0.003, 0.01 … */
export function nextOnLadder(value: number, direction: 'up' | 'down'): number {
  const rungs = Array.from({ length: 26 }, (_, i) => i - 16).flatMap((power) => [
    Number(`1e${power}`),
    Number(`3e${power}`),
  ]);
  return direction === 'up'
    ? (rungs.find((rung) => rung >= value * 2) ?? value * 3)
    : (rungs.findLast((rung) => rung <= value / 2) ?? value / 3);
}

/** `model.layers[1].units` */
export function layerKey(index: number, key: string): string {
  return `model.layers[${index}].${key}`;
}
