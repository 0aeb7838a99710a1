/**
 * Runs a job to its end over whatever workers there are: plans a step, waits for it, commits it, and begins it again when a
 * worker is lost in the middle. Decisions are made by the pure parts (membership, step attempt, split evaluation); this is
 * where they meet events and time.
 */
import { Condition } from '../src/common/condition.js';
import { LockstepError } from '../src/common/errors.js';
import { stepPosition, stepsPerEpoch } from '../src/data/sampler.js';
import type { Job, SplitName } from '../src/job/job.js';
import type { Exchange } from '../src/nn/layer.js';
import { losses } from '../src/nn/losses/index.js';
import type { GradientPart, ModelSnapshot, WorkerLink } from '../src/protocol/link.js';
import {
  sameFence,
  type CoordinatorMessage,
  type Fence,
  type Shutdown,
  type WorkerMessage,
} from '../src/protocol/messages.js';
import type { Collective } from './collectives/collective.js';
import { Membership } from './membership.js';
import type { ModelState } from './model-state.js';
import type { TrainerObserver } from './observer.js';
import { SplitEvaluation, type SplitScore } from './split-evaluation.js';
import { StepAttempt } from './step-attempt.js';

export interface TrainerOptions {
  readonly job: Job;
  readonly state: ModelState;
  readonly collective: Collective;
  /** The exchanges of the job's training pass. */
  readonly exchanges: readonly Exchange[];
  /** Samples per split; null where there is none. */
  readonly sizes: Readonly<Record<SplitName, number | null>>;
  /** Ends training early, after that many steps of the whole run. */
  readonly maxSteps: number | null;
  readonly observer: TrainerObserver;
}

/** Scores of the splits that the job has. */
export type Scores = { readonly [split in SplitName]?: SplitScore };

export class Trainer {
  readonly #options: TrainerOptions;
  readonly #links = new Map<string, WorkerLink>();
  readonly #membership = new Membership();
  readonly #changed = new Condition();
  #attempt: StepAttempt | null = null;
  #attempts = 0;
  #evaluation: SplitEvaluation | null = null;
  #requests = 0;
  #snapshot: ModelSnapshot;
  #failure: LockstepError | null = null;
  #stopping = false;

  constructor(options: TrainerOptions) {
    this.#options = options;
    this.#snapshot = options.state.snapshot();
  }

  get membership(): Membership {
    return this.#membership;
  }

  /** Steps of the whole run. */
  get totalSteps(): number {
    const { job, maxSteps } = this.#options;
    const steps = job.training.epochs * this.#stepsPerEpoch;
    return maxSteps === null ? steps : Math.min(steps, maxSteps);
  }

  get #stepsPerEpoch(): number {
    return stepsPerEpoch(this.#trainSize, this.#options.job.training.batchSize);
  }

  get #trainSize(): number {
    return this.#options.sizes.train ?? 0;
  }

  // ── events from the links ──────────────────────────────────────────────────────────────────────────────────────────

  /** A worker has said hello and was welcomed. */
  join(link: WorkerLink, host: string): void {
    this.#links.set(link.id, link);
    this.#membership.join(link.id, host);
    this.#membersChanged();
  }

  message(id: string, message: WorkerMessage): void {
    const attempt = this.#attempt;
    switch (message.type) {
      case 'hello':
        break;
      case 'ready': {
        const change = this.#membership.markReady(id);
        if (change === null) return;
        const link = this.#links.get(id);
        link?.openGradients();
        link?.sendModel(this.#snapshot);
        this.#options.observer.membershipChanged(change);
        this.#membersChanged();
        break;
      }
      case 'exchangeNodes': {
        if (attempt === null || !this.#isCurrent(message.fence)) return;
        const outcome = attempt.addExchange(message.exchange, message.nodes);
        if (outcome === null) return;
        const shape = this.#options.exchanges[message.exchange];
        if (shape?.result === null) break;
        for (const { worker } of attempt.assignments) {
          this.#send(worker, {
            type: 'exchangeResult',
            fence: attempt.fence,
            exchange: message.exchange,
            values: outcome.values,
          });
        }
        break;
      }
      case 'stepReport':
        if (attempt === null || !this.#isCurrent(message.fence)) return;
        attempt.addReport(id, message);
        break;
      case 'evaluated':
        this.#evaluation?.add(message);
        break;
      case 'failed':
        // What a worker cannot do, no other can: bad data and defects end the run.
        this.fail(new LockstepError(errorCode(message.code), `worker ${id}: ${message.message}`));
        break;
    }
    this.#changed.notify();
  }

  gradient(part: GradientPart): void {
    try {
      this.#options.collective.receive(part);
    } catch (thrown) {
      // The caller is a stream, which has nowhere to take an error.
      this.fail(LockstepError.from(thrown));
    }
    if (this.#options.collective.sum !== null) this.#changed.notify();
  }

  lost(id: string, reason: string): void {
    if (!this.#links.delete(id)) return;
    const change = this.#membership.remove(id, reason);
    if (change !== null && !this.#stopping) this.#options.observer.membershipChanged(change);
    this.#membersChanged();
  }

  // ── the run ────────────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Trains to the last step, evaluating as the job says; returns the final scores, or null when it was stopped.
   *
   * @throws LockstepError `unavailable` when too few workers came, or none was left for too long.
   */
  async run(): Promise<Scores | null> {
    const { job, state } = this.#options;
    await this.#gather(job.cluster.workers);
    for (;;) {
      // Before the next step and not after the last one: a run that resumes here owes its evaluation too.
      if (this.#devIsDue) await this.#evaluateAndReport('dev');
      if (state.version >= this.totalSteps || this.#stopping) break;
      const started = performance.now();
      const attempt = await this.#completeStep();
      if (attempt === null) break;
      await this.#commit(attempt, started);
    }
    return this.#stopping ? null : this.#finalScores();
  }

  /** Whether the job has the dev split evaluated at this step; at the last one all splits are. */
  get #devIsDue(): boolean {
    const { job, state, sizes } = this.#options;
    const every = job.training.evaluateEveryEpochs * this.#stepsPerEpoch;
    const done = state.version;
    return sizes.dev !== null && every > 0 && done > 0 && done % every === 0 && done < this.totalSteps;
  }

  /** Ends the run after the last committed step. */
  stop(): void {
    this.#stopping = true;
    this.#changed.notify();
  }

  /** Ends the run with an error. */
  fail(error: LockstepError): void {
    this.#failure ??= error;
    this.#changed.notify();
  }

  /** Tells every worker that it may leave, and why. */
  shutdown(reason: Shutdown['reason'], message: string): void {
    this.#stopping = true;
    for (const id of this.#links.keys()) this.#send(id, { type: 'shutdown', reason, message });
  }

  /** Waits for the first workers: as many as the job asks for. */
  async #gather(wanted: number): Promise<void> {
    const { job, observer } = this.#options;
    observer.phase('waiting');
    const { joinTimeoutMs } = job.cluster;
    const enough = (): boolean => this.#membership.ready.length >= wanted || this.#over;
    const inTime = await this.#changed.until(enough, joinTimeoutMs);
    this.#throwIfFailed();
    const found = this.#membership.ready.length;
    if (!inTime && found < wanted) {
      throw new LockstepError('unavailable', `${found} of ${wanted} workers joined within ${joinTimeoutMs / 1000} s`, {
        hint: 'Start more workers, lower cluster.workers, or raise cluster.joinTimeoutMs.',
      });
    }
  }

  get #over(): boolean {
    return this.#stopping || this.#failure !== null;
  }

  /** Tries the next step until an attempt succeeds; null when the run is to stop. */
  async #completeStep(): Promise<StepAttempt | null> {
    const { observer, collective } = this.#options;
    for (;;) {
      if (!(await this.#haveWorkers())) return null;
      observer.phase('training');
      const attempt = this.#begin();
      const complete = (): boolean => attempt.complete && collective.sum !== null;
      await this.#changed.until(() => complete() || this.#over || this.#attempt !== attempt);
      this.#throwIfFailed();
      if (this.#stopping) return null;
      if (complete()) return attempt;
      observer.recovering(attempt.fence);
    }
  }

  /** Waits until there is anyone to work; false when the run is to stop. */
  async #haveWorkers(): Promise<boolean> {
    const { job, observer } = this.#options;
    const ready = (): boolean => this.#membership.ready.length > 0 || this.#over;
    if (!ready()) observer.phase('recovering');
    const inTime = await this.#changed.until(ready, job.cluster.joinTimeoutMs);
    this.#throwIfFailed();
    if (!inTime) {
      throw new LockstepError(
        'unavailable',
        `no worker is left, and none came back within ${job.cluster.joinTimeoutMs / 1000} s`,
        {
          hint: 'The committed steps are kept: start workers and run the coordinator again with --resume auto.',
        },
      );
    }
    return !this.#stopping;
  }

  #begin(): StepAttempt {
    const { job, state, collective, exchanges } = this.#options;
    const { epoch, first, count } = stepPosition(state.version, this.#trainSize, job.training.batchSize);
    this.#attempts += 1;
    const fence = { epoch: this.#membership.epoch, step: state.version, attempt: this.#attempts };
    const work = {
      step: state.version,
      weightsVersion: state.version,
      dataEpoch: epoch,
      firstPosition: first,
      batchCount: count,
    };
    const workers = this.#membership.ready.map((member) => member.id);
    const attempt = new StepAttempt(fence, work, job.training.shards, workers, exchanges);
    this.#attempt = attempt;
    collective.begin(attempt);
    for (const { worker, plan } of attempt.plans()) this.#send(worker, plan);
    return attempt;
  }

  async #commit(attempt: StepAttempt, started: number): Promise<void> {
    const { state, collective, exchanges, observer, job } = this.#options;
    const gradient = collective.sum;
    if (gradient === null) throw new RangeError('commit without a gradient');
    const { batchCount, dataEpoch, step } = attempt.work;
    const computed = performance.now();
    const { loss, correct } = attempt.totals();
    if (!Number.isFinite(loss)) throw diverged(step, loss);
    const moments = exchanges.flatMap((exchange) => {
      const outcome = attempt.outcome(exchange.index);
      return outcome === undefined ? [] : [[exchange, outcome] as const];
    });
    const result = state.update({ epoch: dataEpoch, batchCount, gradient, moments });
    this.#attempt = null;
    this.#attempts = 0;
    const updated = performance.now();
    if (![...this.#links.values()].some((link) => link.sending)) state.recycle(this.#snapshot);
    this.#snapshot = state.snapshot();
    collective.broadcast(this.#snapshot, this.#readyLinks());
    const classifies = losses[job.training.loss].classifies;
    const reports = attempt.assignments.flatMap(({ worker }) => attempt.reports.get(worker) ?? []);
    await observer.stepCommitted({
      step: state.version,
      dataEpoch,
      samples: batchCount,
      loss: loss / batchCount,
      cost: loss / batchCount + result.penalty,
      accuracy: classifies ? correct / batchCount : null,
      ...result,
      workers: this.#membership.ready.length,
      computeMs: reports.map((report) => report.computeMs),
      waitMs: Math.max(0, ...reports.map((report) => report.waitMs)),
      updateMs: updated - computed,
      broadcastMs: performance.now() - updated,
      durationMs: performance.now() - started,
    });
  }

  async #evaluateAndReport(split: SplitName): Promise<SplitScore | null> {
    const score = await this.#evaluate(split);
    if (score !== null) await this.#options.observer.evaluated(split, score, this.#options.state.version);
    return score;
  }

  async #finalScores(): Promise<Scores | null> {
    const scores: { [split in SplitName]?: SplitScore } = {};
    for (const split of ['train', 'dev', 'test'] as const) {
      if (this.#options.sizes[split] === null) continue;
      const score = await this.#evaluateAndReport(split);
      if (score === null) return null;
      scores[split] = score;
    }
    return scores;
  }

  /** Scores the committed model on a split; null when the run is to stop. */
  async #evaluate(split: SplitName): Promise<SplitScore | null> {
    const size = this.#options.sizes[split] ?? 0;
    const evaluation = new SplitEvaluation(split, size, this.#options.state.version);
    this.#evaluation = evaluation;
    try {
      for (;;) {
        if (!(await this.#haveWorkers())) return null;
        this.#options.observer.phase('evaluating');
        const { epoch } = this.#membership;
        this.#requests += 1;
        const workers = this.#membership.ready.map((member) => member.id);
        for (const { worker, message } of evaluation.requests(workers, this.#requests)) this.#send(worker, message);
        const lostSome = (): boolean => this.#membership.epoch !== epoch && this.#lostAny(workers);
        await this.#changed.until(() => evaluation.complete || this.#over || lostSome());
        this.#throwIfFailed();
        if (this.#stopping) return null;
        if (evaluation.complete) return evaluation.score();
      }
    } finally {
      this.#evaluation = null;
    }
  }

  #lostAny(workers: readonly string[]): boolean {
    return workers.some((worker) => !this.#links.has(worker));
  }

  /** An attempt that counted on a worker that is gone will never be complete. */
  #membersChanged(): void {
    const attempt = this.#attempt;
    if (attempt !== null && this.#lostAny(attempt.assignments.map(({ worker }) => worker))) this.#attempt = null;
    this.#options.observer.membersCounted(this.#membership);
    this.#changed.notify();
  }

  #isCurrent(fence: Fence): boolean {
    return this.#attempt !== null && sameFence(this.#attempt.fence, fence);
  }

  #readyLinks(): WorkerLink[] {
    return this.#membership.ready.flatMap((member) => this.#links.get(member.id) ?? []);
  }

  #send(worker: string, message: CoordinatorMessage): void {
    this.#links.get(worker)?.send(message);
  }

  #throwIfFailed(): void {
    if (this.#failure !== null) throw this.#failure;
  }
}

function errorCode(code: string): LockstepError['code'] {
  return code === 'data' || code === 'job' || code === 'usage' || code === 'unavailable' ? code : 'internal';
}

function diverged(step: number, loss: number): LockstepError {
  return new LockstepError('job', `step ${step}: the loss is ${loss}, so training has diverged`, {
    hint: 'Lower training.optimizer.learningRate, set training.clipNorm, or normalise the input.',
  });
}
