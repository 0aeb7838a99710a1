/** Scores the committed model on the splits, has the dev split say whether to go on, and settles what a run ends with. */
import type { StepTracer } from '../src/common/trace.js';
import type { SplitName } from '../src/job/job.js';
import type { EarlyStopping } from './early-stopping.js';
import type { Evaluator } from './evaluator.js';
import type { ModelState } from './model-state.js';
import type { TrainerObserver } from './observer.js';
import type { SplitScore } from './split-evaluation.js';

/** Scores of the splits that the job has. */
export type Scores = { readonly [split in SplitName]?: SplitScore };

export interface JudgeOptions {
  readonly state: ModelState;
  /** Samples per split; null where there is none. */
  readonly sizes: Readonly<Record<SplitName, number | null>>;
  /** Classes of the data; null for a regression. */
  readonly classes: number | null;
  /** Ends training when the dev split says so; null where the job does not stop early. */
  readonly earlyStopping: EarlyStopping | null;
  readonly observer: TrainerObserver;
}

/** Misjudged samples that the final scores of a split come with. */
const MISTAKES = 24;

export class Judge {
  readonly #options: JudgeOptions;
  readonly #evaluator: Evaluator;
  readonly #tracer: StepTracer;

  constructor(options: JudgeOptions, evaluator: Evaluator, tracer: StepTracer) {
    this.#options = options;
    this.#evaluator = evaluator;
    this.#tracer = tracer;
  }

  /** Scores the dev split and has it say whether to go on. */
  async judge(): Promise<void> {
    const { state, earlyStopping, observer } = this.#options;
    const score = await this.#evaluate('dev');
    if (score === null || earlyStopping === null) return;
    const verdict = earlyStopping.observe(state.version, score);
    if (verdict === 'better') state.keep();
    if (verdict === 'stop' && earlyStopping.best !== null) observer.stoppedEarly(earlyStopping.best);
  }

  /**
   * The end of training: has the state saved, goes back to the best weights where the job wants them, and scores all splits.
   *
   * @returns null when the run is to stop
   */
  async finish(): Promise<Scores | null> {
    const { state, earlyStopping, observer } = this.#options;
    // What follows is no part of the state that a later run goes on from.
    await observer.trained();
    if (earlyStopping?.stopped === false) await this.judge();
    const best = earlyStopping?.best ?? null;
    if (best === null || best.step === state.version) return this.#finalScores(state.version);
    state.restoreKept();
    return this.#finalScores(best.step);
  }

  /** @param step Where the weights were reached. */
  async #finalScores(step: number): Promise<Scores | null> {
    const scores: { [split in SplitName]?: SplitScore } = {};
    for (const split of ['train', 'dev', 'test'] as const) {
      if (this.#options.sizes[split] === null) continue;
      const score = await this.#evaluate(split, step);
      if (score === null) return null;
      scores[split] = score;
    }
    return scores;
  }

  /** @param finalStep Where the weights were reached that the run ends with; null while it goes on. */
  async #evaluate(split: SplitName, finalStep: number | null = null): Promise<SplitScore | null> {
    const { sizes, classes, state, observer } = this.#options;
    const began = performance.now();
    const size = sizes[split] ?? 0;
    const isFinal = finalStep !== null;
    const mistakes = isFinal && split !== 'train' ? MISTAKES : 0;
    const score = await this.#evaluator.score({ split, size, version: state.published, classes, mistakes });
    this.#tracer.span('event loop', `evaluate ${split}`, began, performance.now());
    if (score !== null) await observer.evaluated(split, score, finalStep ?? state.version, isFinal);
    return score;
  }
}
