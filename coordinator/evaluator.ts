/** Scores a committed model on whole splits, with whatever workers there are. */
import type { Evaluated } from '../src/protocol/messages.js';
import type { Crew } from './crew.js';
import type { TrainerObserver } from './observer.js';
import { SplitEvaluation, type EvaluationRequest, type SplitScore } from './split-evaluation.js';

export class Evaluator {
  readonly #crew: Crew;
  readonly #observer: TrainerObserver;
  readonly #bring: (worker: string) => void;
  #current: SplitEvaluation | null = null;
  #requests = 0;

  /** @param bring Sees to it that a worker has the committed model. */
  constructor(crew: Crew, observer: TrainerObserver, bring: (worker: string) => void) {
    this.#crew = crew;
    this.#observer = observer;
    this.#bring = bring;
  }

  /** Takes a worker's part; parts of an evaluation that is over are dropped. */
  add(message: Evaluated): void {
    this.#current?.add(message);
  }

  /** The score of a model version on a split; null when the run is to stop. */
  async score(wanted: EvaluationRequest): Promise<SplitScore | null> {
    const evaluation = new SplitEvaluation(wanted);
    this.#current = evaluation;
    try {
      while (await this.#crew.haveWorkers()) {
        this.#observer.phase('evaluating');
        this.#requests += 1;
        const workers = this.#crew.ready;
        for (const { worker, message } of evaluation.requests(workers, this.#requests)) {
          this.#bring(worker);
          this.#crew.send(worker, message);
        }
        // What a lost worker owes is dealt again; what the others have sent stays.
        if (!(await this.#crew.until(() => evaluation.complete || this.#crew.lostAny(workers)))) return null;
        if (evaluation.complete) return evaluation.score();
      }
      return null;
    } finally {
      this.#current = null;
    }
  }
}
