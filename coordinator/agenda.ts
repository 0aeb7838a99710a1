/** What a run has to do, and in which order: a pure function of the job and of how far the state has come. */
import { stepPosition, updateBatches, updatesPerEpoch, type UpdateBatches } from '../src/data/sampler.js';
import type { Job, SplitName } from '../src/job/job.js';
import type { StepWork } from './step-attempt.js';

export interface AgendaOptions {
  readonly job: Pick<Job, 'training'>;
  /** Samples per split; null where there is none. */
  readonly sizes: Readonly<Record<SplitName, number | null>>;
  /** Ends training early, after that many updates of the whole run. */
  readonly maxSteps: number | null;
}

export class Agenda {
  /** Updates of the whole run. */
  readonly totalSteps: number;
  readonly #options: AgendaOptions;
  readonly #trainSize: number;
  readonly #stepsPerEpoch: number;

  constructor(options: AgendaOptions) {
    const { batchSize, accumulate, epochs } = options.job.training;
    this.#options = options;
    this.#trainSize = options.sizes.train ?? 0;
    this.#stepsPerEpoch = updatesPerEpoch(this.#trainSize, batchSize, accumulate);
    const steps = epochs * this.#stepsPerEpoch;
    this.totalSteps = options.maxSteps === null ? steps : Math.min(steps, options.maxSteps);
  }

  /** The batches of the update that follows so many others. */
  batches(updates: number): UpdateBatches {
    const { batchSize, accumulate } = this.#options.job.training;
    return updateBatches(updates, this.#trainSize, batchSize, accumulate);
  }

  /** What is computed on a batch, counted from 0 over the run, with the model after so many updates. */
  work(batch: number, updates: number, lossScale: number): StepWork {
    const { epoch, first, count } = stepPosition(batch, this.#trainSize, this.#options.job.training.batchSize);
    return {
      step: batch,
      weightsVersion: updates,
      dataEpoch: epoch,
      firstPosition: first,
      batchCount: count,
      lossScale,
    };
  }

  /** Whether the job has the dev split evaluated after so many updates; at the end all splits are. */
  devIsDue(updates: number): boolean {
    const { job, sizes } = this.#options;
    const every = job.training.evaluateEveryEpochs * this.#stepsPerEpoch;
    return sizes.dev !== null && every > 0 && updates > 0 && updates % every === 0 && updates < this.totalSteps;
  }

  /**
   * The first work after an update is made, where that is certain before the update is: no evaluation comes in between, and the loss scale
   * does not depend on what the update finds. null where it is not.
   *
   * @param updates Updates before that one.
   */
  after(updates: number, lossScale: number): StepWork | null {
    const next = updates + 1;
    const isCertain =
      next < this.totalSteps && !this.devIsDue(next) && this.#options.job.training.wireFormat.gradients !== 'float16';
    return isCertain ? this.work(this.batches(next).first, next, lossScale) : null;
  }
}
