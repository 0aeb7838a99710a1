/** Looks at a step before and after its commit: whether it may be taken, and what it does to the layers. */
import { isHealthDue } from '../src/protocol/messages.js';
import type { Job } from '../src/job/job.js';
import type { Model } from '../src/nn/model.js';
import type { LayerHealth } from '../src/state/run-record.js';
import { HealthWatch, layerHealth, sumByLayer } from './layer-health.js';
import type { ModelState } from './model-state.js';
import type { ParameterNorms } from './parameter-update.js';
import { diverged, findFault, MOST_SKIPPED_IN_A_ROW } from './non-finite.js';
import type { TrainerObserver } from './observer.js';
import type { StepAttempt } from './step-attempt.js';

export interface StepAuditOptions {
  readonly job: Job;
  readonly model: Model;
  readonly state: ModelState;
  readonly observer: TrainerObserver;
}

/** What to do with a step, found before its commit. */
export interface StepAdmission {
  /** The step is not to change anything. */
  readonly skip: boolean;
  /** The norms of its layers are wanted. */
  readonly measure: boolean;
  /** Σ g² of each parameter. */
  readonly gradientSquares: readonly number[];
}

export class StepAudit {
  readonly #options: StepAuditOptions;
  /** Samples of a whole update. */
  readonly #usualSamples: number;
  readonly #health: HealthWatch;
  #skippedInARow = 0;

  constructor(options: StepAuditOptions, trainSize: number) {
    const { batchSize, accumulate } = options.job.training;
    this.#options = options;
    this.#usualSamples = batchSize === 0 ? trainSize : Math.min(trainSize, batchSize * accumulate);
    this.#health = new HealthWatch(options.model);
  }

  /**
   * To be asked when all of a step is in.
   *
   * @param loss sum over the batches of the update
   * @throws LockstepError `job` where something about it is not finite and that ends the run
   */
  admit(loss: number, attempts: readonly StepAttempt[]): StepAdmission {
    const { state, job } = this.#options;
    const gradientSquares = state.gradientSquares();
    const skip = this.#mustSkip(loss, attempts, gradientSquares);
    return { skip, measure: isHealthDue(state.version, job.training), gradientSquares };
  }

  /**
   * Warns of layers that run away in a step that was committed.
   *
   * @param norms where they were measured
   * @returns the health of the layers there
   */
  examine(
    { gradientSquares }: StepAdmission,
    norms: readonly ParameterNorms[] | null,
    attempts: readonly StepAttempt[],
    samples: number,
  ): readonly LayerHealth[] | null {
    const { model, job, observer, state } = this.#options;
    const active = attempts.flatMap(({ reports }) => [...reports.values()].flatMap(({ activeUnits }) => activeUnits));
    const layers = norms === null ? null : layerHealth(model, norms, active);
    // The few samples at the end of an epoch say little about a layer.
    if (job.training.healthEverySteps === 0 || samples < this.#usualSamples / 2) return layers;
    const warnings = [
      ...this.#health.gradients(sumByLayer(model, gradientSquares).map(Math.sqrt)),
      ...(layers === null ? [] : this.#health.layers(layers, samples)),
    ];
    for (const warning of warnings) observer.unhealthy(state.version, warning);
    return layers;
  }

  #mustSkip(loss: number, attempts: readonly StepAttempt[], gradientSquares: readonly number[]): boolean {
    const { state, job, model, observer } = this.#options;
    // What is too large for its format only is seen to by the loss scale.
    if (Number.isFinite(loss) && state.overflowed) return false;
    const reports = attempts.flatMap((attempt) => [...attempt.reports.values()]);
    const fault = findFault(model, loss, reports, gradientSquares);
    if (fault === null) {
      this.#skippedInARow = 0;
      return false;
    }
    const step = state.version + 1;
    this.#skippedInARow += 1;
    if (job.training.onNonFinite === 'stop' || this.#skippedInARow > MOST_SKIPPED_IN_A_ROW) throw diverged(step, fault);
    observer.stepSkipped(step, fault.reason);
    return true;
  }
}
