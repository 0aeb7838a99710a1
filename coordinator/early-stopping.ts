/**
 * When training has gone on for long enough: the dev split has not got better for some evaluations in a row (Prechelt 1998, "Early
 * stopping, but when?"). Decided purely, from the evaluations alone; where it stands is part of a checkpoint.
 */
import type { EarlyStoppingSpec } from '../src/job/job.js';

/** The best evaluation so far. */
export interface BestEvaluation {
  /** Steps done. */
  readonly step: number;
  readonly value: number;
}

export type EarlyStoppingVerdict = 'better' | 'not better' | 'stop';

export class EarlyStopping {
  readonly spec: EarlyStoppingSpec;
  #best: BestEvaluation | null = null;
  /** Evaluations since the best one. */
  #waited = 0;
  /** Steps done at the last evaluation that counted. */
  #seen = -1;
  #stopped = false;

  constructor(spec: EarlyStoppingSpec) {
    this.spec = spec;
  }

  /** null before the first evaluation. */
  get best(): BestEvaluation | null {
    return this.#best;
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  /**
   * Takes the dev split's score after `step` steps. One that was taken before, by a run that is resumed here, counts once.
   *
   * @param score mean loss, and share of samples predicted right
   */
  observe(
    step: number,
    { loss, accuracy }: { readonly loss: number; readonly accuracy: number },
  ): EarlyStoppingVerdict {
    if (step <= this.#seen) return this.#stopped ? 'stop' : 'not better';
    this.#seen = step;
    const value = this.spec.metric === 'error' ? 1 - accuracy : loss;
    // What is not finite is no improvement, and could not be written down.
    const isBetter = Number.isFinite(value) && (this.#best === null || value < this.#best.value - this.spec.minChange);
    if (isBetter) {
      this.#best = { step, value };
      this.#waited = 0;
      return 'better';
    }
    this.#waited += 1;
    if (this.#waited >= this.spec.patience) this.#stopped = true;
    return this.#stopped ? 'stop' : 'not better';
  }

  /** What a checkpoint keeps. */
  get progress(): Readonly<Record<string, number>> {
    return {
      ...(this.#best === null ? {} : { bestStep: this.#best.step, bestValue: this.#best.value }),
      stoppingWaited: this.#waited,
      stoppingSeen: this.#seen,
      stopped: this.#stopped ? 1 : 0,
    };
  }

  restore({
    bestStep,
    bestValue,
    stoppingWaited = 0,
    stoppingSeen = -1,
    stopped = 0,
  }: Readonly<Record<string, number>>): void {
    this.#best = bestStep === undefined || bestValue === undefined ? null : { step: bestStep, value: bestValue };
    this.#waited = stoppingWaited;
    this.#seen = stoppingSeen;
    this.#stopped = stopped === 1;
  }
}
