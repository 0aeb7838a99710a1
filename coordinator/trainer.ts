/**
 * Runs a job to its end over whatever workers there are: plans a step, waits for it, commits it, and begins it again when a
 * worker is lost in the middle. Decisions are made by the pure parts (membership, step attempt, split evaluation); this is
 * where they meet events and time.
 */
import { LockstepError } from '../src/common/errors.js';
import { NO_TRACER, stepArgs, type StepTracer, type TraceArgs } from '../src/common/trace.js';
import type { Job } from '../src/job/job.js';
import type { Exchange } from '../src/nn/layer.js';
import { losses } from '../src/nn/losses/index.js';
import type { Model } from '../src/nn/model.js';
import type { WorkerLink } from '../src/protocol/link.js';
import {
  sameFence,
  type BoardRefused,
  type ExchangeNodes,
  type Fence,
  type Shutdown,
  type WorkerMessage,
} from '../src/protocol/messages.js';
import type { Piece } from '../src/protocol/piece.js';
import { Agenda } from './agenda.js';
import { Boards, type BoardMaker } from './boards.js';
import type { CooperationChoice } from './cooperation.js';
import { Crew } from './crew.js';
import { Evaluator } from './evaluator.js';
import { HostMemory } from './host-memory.js';
import { Judge, type JudgeOptions, type Scores } from './judge.js';
import type { Membership } from './membership.js';
import { Roll } from './roll.js';
import { StepAudit } from './step-audit.js';
import { StepAttempt, type StepWork } from './step-attempt.js';
import { Synchronization, type UpdatePart } from './synchronization.js';
import { summarizeUpdate } from './update-summary.js';

export interface TrainerOptions extends JudgeOptions {
  readonly job: Job;
  readonly model: Model;
  /** How the workers are to work together. */
  readonly cooperation: CooperationChoice;
  /** The exchanges of the job's training pass. */
  readonly exchanges: readonly Exchange[];
  /** Makes memory that workers share to answer each other's exchanges; default: the coordinator answers them. */
  readonly makeBoard?: BoardMaker | undefined;
  /** Ends training early, after that many steps of the whole run. */
  readonly maxSteps: number | null;
  /** Told what happens when; default: nobody is. */
  readonly tracer?: StepTracer | undefined;
}

/** How long the coordinator waits for the end of a worker that another one can no longer reach (ms). */
const APART_MS = 3_000;

export class Trainer {
  readonly #options: TrainerOptions;
  readonly #agenda: Agenda;
  readonly #crew: Crew;
  readonly #evaluator: Evaluator;
  readonly #judge: Judge;
  readonly #audit: StepAudit;
  readonly #tracer: StepTracer;
  #attempt: StepAttempt | null = null;
  #attempts = 0;
  /** What workers have been told to go on with by themselves, and which of them. */
  #ahead: { readonly attempt: StepAttempt; readonly told: readonly string[] } | null = null;
  readonly #synchronization: Synchronization;
  readonly #memory: HostMemory;
  readonly #boards: Boards;
  readonly #roll: Roll;

  constructor(options: TrainerOptions) {
    this.#options = options;
    this.#agenda = new Agenda(options);
    this.#crew = new Crew(options.observer, options.job.cluster.joinTimeoutMs);
    this.#tracer = options.tracer ?? NO_TRACER;
    this.#audit = new StepAudit(options, options.sizes.train ?? 0);
    this.#memory = new HostMemory(options.state.gradientRooms);
    this.#boards = new Boards(options.job, options.exchanges, options.makeBoard ?? null);
    this.#roll = new Roll({ cooperation: options.cooperation, memory: this.#memory, boards: this.#boards });
    this.#synchronization = new Synchronization({
      ...options,
      tracer: this.#tracer,
      gradientFormat: options.job.training.wireFormat.gradients,
      isShared: (worker) => this.#memory.isShared(worker),
      send: (worker, piece) => this.#crew.sendPiece(worker, piece),
    });
    this.#evaluator = new Evaluator(this.#crew, options.observer, (worker) =>
      this.#synchronization.bring(worker, true),
    );
    this.#judge = new Judge(options, this.#evaluator, this.#tracer);
  }

  get membership(): Membership {
    return this.#crew.membership;
  }

  // ── events from the links ──────────────────────────────────────────────────────────────────────────────────────────

  /** A worker has said hello and was welcomed. */
  join(link: WorkerLink, host: string): void {
    this.#crew.join(link, host);
  }

  message(id: string, message: WorkerMessage): void {
    switch (message.type) {
      case 'hello':
        break;
      case 'clockPong':
      case 'traceSpans':
        // For whoever traces the run, who has taken them out before.
        break;
      case 'ready': {
        const { gradients } = message;
        const link = this.#crew.markReady(id);
        if (link === null) break;
        if (gradients === undefined) link.openPieces(null, null);
        else link.openPieces(this.#options.state.publishedVectors, this.#memory.admit(id, gradients));
        break;
      }
      case 'exchangeNodes':
        this.#addExchange(message);
        break;
      case 'stepReport':
        this.#attemptOf(message.fence)?.addReport(id, message);
        break;
      case 'evaluated':
        this.#evaluator.add(message);
        break;
      case 'peerLost':
        this.#lostBetween(id, message.peer, message.reason);
        break;
      case 'boardRefused':
        this.#withoutBoard(id, message);
        break;
      case 'failed':
        // What a worker cannot do, no other can: bad data and defects end the run.
        this.fail(new LockstepError(errorCode(message.code), `worker ${id}: ${message.message}`));
        break;
    }
    this.#crew.notify();
  }

  piece(piece: Piece): void {
    try {
      this.#synchronization.receive(piece);
    } catch (thrown) {
      // The caller is a stream, which has nowhere to take an error.
      this.fail(LockstepError.from(thrown));
    }
    if (this.#synchronization.complete) this.#crew.notify();
  }

  lost(id: string, reason: string): void {
    this.#synchronization.forget(id);
    this.#memory.forget(id);
    this.#crew.remove(id, reason);
  }

  // ── the run ────────────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Trains to the last step, evaluating as the job says; returns the final scores, or null when it was stopped.
   *
   * @throws LockstepError `unavailable` when too few workers came, or none was left for too long.
   */
  async run(): Promise<Scores | null> {
    const { job, state, earlyStopping } = this.#options;
    await this.#crew.gather(job.cluster.workers);
    for (;;) {
      // Before the next step and not after the last one: a run that resumes here owes its evaluation too.
      if (this.#agenda.devIsDue(state.version)) await this.#judge.judge();
      if (state.version >= this.#agenda.totalSteps || this.#crew.stopping || earlyStopping?.stopped === true) break;
      const started = performance.now();
      const attempts = await this.#completeUpdate();
      if (attempts === null) break;
      await this.#commit(attempts, started);
    }
    return this.#crew.stopping ? null : this.#judge.finish();
  }

  /** Ends the run after the last committed step. */
  stop(): void {
    this.#crew.stop();
  }

  /** Ends the run with an error. */
  fail(error: LockstepError): void {
    this.#crew.fail(error);
  }

  /** Tells every worker that it may leave, and why. */
  shutdown(reason: Shutdown['reason'], message: string): void {
    this.#crew.shutdown(reason, message);
    this.#boards.close();
  }

  /** Has the gradients of all batches of the next update summed; null when the run is to stop. */
  async #completeUpdate(): Promise<readonly StepAttempt[] | null> {
    const { first, end, samples } = this.#agenda.batches(this.#options.state.version);
    const attempts: StepAttempt[] = [];
    for (let batch = first; batch < end; batch += 1) {
      const part = { isFirst: batch === first, isLast: batch === end - 1, samples };
      const attempt = await this.#completeBatch(batch, part);
      if (attempt === null) return null;
      attempts.push(attempt);
      if (!part.isLast) this.#synchronization.accumulate();
    }
    return attempts;
  }

  /** Tries a batch until an attempt succeeds; null when the run is to stop. */
  async #completeBatch(batch: number, part: UpdatePart): Promise<StepAttempt | null> {
    const { observer } = this.#options;
    this.#attempts = 0;
    while (await this.#crew.haveWorkers()) {
      // The last one may have gone before this was heard.
      if (this.#crew.ready.length === 0) continue;
      observer.phase('training');
      const attempt = this.#begin(batch, part);
      const planned = performance.now();
      // In a mesh, whoever is gone may have owned a bucket.
      const workers = attempt.participants;
      const complete = (): boolean => attempt.complete && this.#synchronization.complete;
      // An attempt that counts on a worker that is gone will never be complete.
      const broken = (): boolean => this.#crew.lostAny(workers) || this.#roll.isStale;
      if (!(await this.#crew.until(() => complete() || broken()))) return null;
      this.#span('event loop', 'wait for workers', planned, attempt.fence);
      if (complete()) return attempt;
      this.#tracer.instant('event loop', 'begin again', performance.now(), stepArgs(attempt.fence));
      this.#attempt = null;
      observer.recovering(attempt.fence);
    }
    return null;
  }

  #begin(batch: number, part: UpdatePart): StepAttempt {
    const { state } = this.#options;
    const began = performance.now();
    this.#tracer.begin(state.version);
    this.#callTheRoll();
    this.#attempts += 1;
    const fence = { epoch: this.membership.epoch, step: batch, attempt: this.#attempts };
    const work = this.#agenda.work(batch, state.version, state.lossScale);
    const ahead = this.#ahead !== null && sameFence(this.#ahead.attempt.fence, fence) ? this.#ahead : null;
    const attempt = ahead?.attempt ?? this.#attemptAt(fence, work);
    this.#attempt = attempt;
    this.#ahead = null;
    this.#synchronization.begin(attempt, part);
    for (const { worker, plan } of attempt.plans(false)) {
      this.#synchronization.bring(worker, false);
      if (ahead?.told.includes(worker) !== true) this.#crew.send(worker, plan);
    }
    if (part.isLast) this.#planAhead(attempt);
    this.#span('event loop', 'plan', began, fence);
    return attempt;
  }

  /**
   * Tells those who take part in an attempt what comes after the update, where that is certain: they go on with it as soon as they have its
   * weights, without waiting for the commit.
   */
  #planAhead({ fence: { epoch }, participants }: StepAttempt): void {
    const { version, lossScale } = this.#options.state;
    const work = this.#agenda.after(version, lossScale);
    if (work === null) return;
    const attempt = this.#attemptAt({ epoch, step: work.step, attempt: 1 }, work);
    const plans = attempt.plans(true).filter(({ worker }) => participants.includes(worker));
    for (const { worker, plan } of plans) this.#crew.send(worker, plan);
    this.#ahead = { attempt, told: plans.map(({ worker }) => worker) };
  }

  #attemptAt(fence: Fence, work: StepWork): StepAttempt {
    const { job, exchanges } = this.#options;
    const { everyoneTakesPart } = this.#synchronization;
    return new StepAttempt(fence, work, job.training.shards, this.#crew.ready, exchanges, everyoneTakesPart);
  }

  /** The attempt under way, or the one after it, if that is what a message belongs to. */
  #attemptOf(fence: Fence): StepAttempt | undefined {
    const attempts = [this.#attempt, this.#ahead?.attempt ?? null];
    return attempts.find((attempt) => attempt !== null && sameFence(attempt.fence, fence)) ?? undefined;
  }

  /** Tells the workers of a new membership epoch who they are and how they work together. */
  #callTheRoll(): void {
    // The same workers in another way.
    if (this.#roll.isStale) this.membership.renew();
    const roster = this.#roll.call(this.membership.epoch, this.#crew.readyLinks);
    if (roster === null) return;
    this.#ahead = null;
    // Sums of an attempt that counted on whoever has left are of no use now.
    this.#memory.keep(this.#crew.ready);
    this.#synchronization.adopt(roster);
    const { board, members } = roster;
    if (board !== undefined) this.#options.observer.sharesBoard(members.length);
    for (const { id } of members) this.#crew.send(id, roster);
  }

  async #commit(attempts: readonly StepAttempt[], started: number): Promise<void> {
    const { state, exchanges, observer, job } = this.#options;
    const [first] = attempts;
    if (first === undefined) throw new RangeError('an update without a batch');
    const { fence, work } = first;
    const { loss, correct, samples, moments, computeMs, waitMs } = summarizeUpdate(attempts, exchanges);
    const admission = this.#audit.admit(loss, attempts);
    const { norms, ...result } = this.#synchronization.commit(moments, admission);
    this.#attempt = null;
    const committed = performance.now();
    const settled = this.#roll.observe(committed - started);
    if (settled !== null) observer.cooperation(settled);
    await observer.stepCommitted({
      step: state.version,
      dataEpoch: work.dataEpoch,
      samples,
      loss: loss / samples,
      cost: loss / samples + result.penalty,
      accuracy: losses[job.training.loss].classifies ? correct / samples : null,
      ...result,
      layers: result.skipped ? null : this.#audit.examine(admission, norms, attempts, samples),
      workers: this.membership.ready.length,
      computeMs,
      waitMs,
      durationMs: committed - started,
    });
    this.#span('event loop', 'record', committed, fence);
    this.#span('event loop', 'step', started, fence);
  }

  #addExchange({ fence, exchange, nodes }: ExchangeNodes): void {
    const attempt = this.#attemptOf(fence);
    if (attempt === undefined) return;
    const began = performance.now();
    const outcome = attempt.addExchange(exchange, nodes);
    this.#span('reduce', 'exchange', began, fence, { exchange });
    if (outcome === null || this.#options.exchanges[exchange]?.result === null) return;
    // Where workers share a board they have answered it themselves, and one of them tells.
    if (this.#boards.isShared) return;
    for (const { worker } of attempt.assignments) {
      this.#crew.send(worker, { type: 'exchangeResult', fence: attempt.fence, exchange, values: outcome.values });
    }
  }

  /** Tells of something that ends now. */
  #span(track: string, name: string, startMs: number, fence: Fence, more?: TraceArgs): void {
    if (this.#tracer.enabled) this.#tracer.span(track, name, startMs, performance.now(), stepArgs(fence, more));
  }

  /**
   * Two workers cannot reach each other. Where one of them is gone its own connection will say so in a moment; where both are
   * still here after that, they go on without a mesh.
   */
  #lostBetween(worker: string, peer: string, reason: string): void {
    const timer = setTimeout(() => {
      const ready = this.#crew.ready;
      if (!ready.includes(worker) || !ready.includes(peer) || !this.#roll.keepApart()) return;
      this.#options.observer.apart(worker, peer, reason);
      this.#crew.notify();
    }, APART_MS);
    timer.unref();
  }

  /** A worker cannot use the board: nobody will. */
  #withoutBoard(worker: string, { epoch, reason }: BoardRefused): void {
    if (this.#roll.withoutBoard(epoch)) this.#options.observer.withoutBoard(worker, reason);
  }
}

function errorCode(code: string): LockstepError['code'] {
  return code === 'data' || code === 'job' || code === 'usage' || code === 'unavailable' ? code : 'internal';
}
