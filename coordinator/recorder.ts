/** Writes a run down as it happens: metrics and events, checkpoints, Prometheus, log. */
import { stat } from 'node:fs/promises';
import { LockstepError } from '../src/common/errors.js';
import { systemClock, type Clock } from '../src/common/clock.js';
import { SmoothedMean } from '../src/common/smoothed-mean.js';
import { describeShifts, type SplitComparison } from '../src/data/distribution.js';
import type { SplitName } from '../src/job/job.js';
import type { CoordinatorMetrics } from '../src/observe/coordinator-metrics.js';
import type { Logger } from '../src/observe/logger.js';
import type { Fence } from '../src/protocol/messages.js';
import { saveCheckpoint } from '../src/state/checkpoint.js';
import type { RunDirectory } from '../src/state/run-directory.js';
import type { BestEvaluation, EarlyStopping } from './early-stopping.js';
import type { HealthWarning } from './layer-health.js';
import type { Membership, MembershipChange } from './membership.js';
import type { ModelState } from './model-state.js';
import type { StepRecord, TrainerObserver, TrainerPhase } from './observer.js';
import type { PreparedJob } from './prepare.js';
import { splitMetrics } from './scores.js';
import type { SplitScore } from './split-evaluation.js';

/** Whoever shows the run while it goes on. */
export interface Spectator {
  phase(phase: TrainerPhase): void;
  workers(ready: number): void;
  /** The next step waits for it. @param smoothedCost as in metrics.jsonl */
  step(record: StepRecord, smoothedCost: number): void | Promise<void>;
  evaluated(split: SplitName, score: SplitScore): void;
  epochCompleted(): void;
}

export interface RecorderOptions {
  readonly prepared: PreparedJob;
  readonly state: ModelState;
  readonly directory: RunDirectory;
  readonly metrics: CoordinatorMetrics;
  readonly logger: Logger;
  readonly spectator: Spectator;
  readonly transfers: TransferTotals;
  readonly earlyStopping: EarlyStopping | null;
  /** What the checkpoint that the run goes on from keeps besides tensors; none for a new run. */
  readonly progress?: Readonly<Record<string, number>>;
  readonly clock?: Clock;
}

/** Tensor bytes exchanged since the last step was recorded. */
export class TransferTotals {
  sentBytes = 0;
  receivedBytes = 0;

  sent(bytes: number): void {
    this.sentBytes += bytes;
  }

  received(bytes: number): void {
    this.receivedBytes += bytes;
  }

  take(): { readonly sentBytes: number; readonly receivedBytes: number } {
    const { sentBytes, receivedBytes } = this;
    [this.sentBytes, this.receivedBytes] = [0, 0];
    return { sentBytes, receivedBytes };
  }
}

/** Weight of the past in the reported speed. */
const SPEED_SMOOTHING = 0.9;
/** β of the smoothed cost: about the last fifty steps count. */
const COST_SMOOTHING = 0.98;

export class Recorder implements TrainerObserver {
  /** Resolves when a step has been committed since this start of the run, and written down. */
  readonly firstStep: Promise<void>;
  readonly #options: RecorderOptions;
  readonly #clock: Clock;
  #stepRecorded: () => void = () => undefined;
  #samplesPerSecond = 0;
  #phase: TrainerPhase | null = null;
  #workers = 0;
  #writeError: LockstepError | null = null;
  readonly #smoothedCost: SmoothedMean;
  /** All steps are done and saved. */
  #trained = false;

  constructor(options: RecorderOptions) {
    this.#options = options;
    this.firstStep = new Promise((resolve) => (this.#stepRecorded = resolve));
    const { costSum: sum = 0, costWeight: weight = 0 } = options.progress ?? {};
    this.#smoothedCost = new SmoothedMean(COST_SMOOTHING, { sum, weight });
    this.#clock = options.clock ?? systemClock;
  }

  get samplesPerSecond(): number {
    return this.#samplesPerSecond;
  }

  get workers(): number {
    return this.#workers;
  }

  get currentPhase(): TrainerPhase | null {
    return this.#phase;
  }

  phase(phase: TrainerPhase): void {
    if (phase === this.#phase) return;
    this.#phase = phase;
    this.#options.metrics.setPhase(phase);
    this.#options.spectator.phase(phase);
    this.#options.logger.debug({ phase }, 'phase');
  }

  membersCounted(membership: Membership): void {
    const ready = membership.ready.length;
    this.#workers = ready;
    const counts = { ready, joining: membership.joining.length, lost: membership.lostCount };
    this.#options.metrics.setWorkers(counts, membership.epoch);
    this.#options.spectator.workers(ready);
  }

  membershipChanged({ epoch, reason }: MembershipChange): void {
    this.#event('membership', { epoch, reason });
    const lost = reason.includes(' was lost');
    this.#options.logger[lost ? 'warn' : 'info']({ membershipEpoch: epoch }, reason);
  }

  recovering({ step, attempt, epoch }: Fence): void {
    this.#options.metrics.recovered();
    this.#event('recovery', {
      step,
      attempt,
      epoch,
      reason: 'a worker was lost; the step begins again from the same weights',
    });
    this.#options.logger.warn({ step }, 'step begins again with the workers that are left');
  }

  cooperation(reason: string): void {
    this.#event('collective', { reason });
    this.#options.logger.info({}, `collective: ${reason}`);
  }

  apart(worker: string, peer: string, reason: string): void {
    this.#event('collective', { collective: 'star', reason: `${worker} cannot reach ${peer}: ${reason}` });
    this.#options.logger.warn({ worker, peer, reason }, 'two workers cannot reach each other; going on with a star');
  }

  sharesBoard(workers: number): void {
    this.#options.logger.debug({ workers }, 'workers answer exchanges in memory that they share');
  }

  withoutBoard(worker: string, reason: string): void {
    this.#options.logger.warn(
      { worker, reason },
      'a worker cannot share memory for exchanges with the others; they go by the coordinator',
    );
  }

  /** Two splits are no samples of one distribution. */
  distribution(comparison: SplitComparison): void {
    const { splits, shifts } = comparison;
    const reason = describeShifts(comparison);
    this.#event('distribution', { splits, shifts, reason });
    this.#options.logger.warn({ splits, shifted: shifts.length }, reason);
  }

  async stepCommitted(record: StepRecord): Promise<void> {
    const { metrics, directory, spectator, prepared, transfers, state } = this.#options;
    const rate = (record.samples * 1000) / record.durationMs;
    this.#samplesPerSecond =
      this.#samplesPerSecond === 0 ? rate : SPEED_SMOOTHING * this.#samplesPerSecond + (1 - SPEED_SMOOTHING) * rate;
    const computeMs = Math.max(0, ...record.computeMs);
    const { accuracy: share, layers, ...measured } = record;
    const accuracy = share === null ? {} : { accuracy: share };
    if (this.#writeError !== null) throw this.#writeError;
    if (Number.isFinite(record.cost)) this.#smoothedCost.add(record.cost);
    const smoothedCost = this.#smoothedCost.value ?? record.cost;
    metrics.stepCommitted({
      ...measured,
      smoothedCost,
      layers: layers ?? [],
      ...transfers.take(),
      ...accuracy,
      epoch: record.dataEpoch + 1,
      phasesMs: {
        compute: computeMs,
        wait: record.waitMs,
        update: record.updateMs,
        broadcast: record.broadcastMs,
        reduce: Math.max(0, record.durationMs - computeMs - record.waitMs - record.updateMs - record.broadcastMs),
      },
      workerComputeMs: new Map(record.computeMs.entries()),
    });
    await spectator.step(record, smoothedCost);
    const written = directory.appendMetrics({
      step: record.step,
      epoch: record.dataEpoch + 1,
      split: 'train',
      loss: record.loss,
      cost: record.cost,
      smoothedCost,
      ...accuracy,
      learningRate: record.learningRate,
      gradientNorm: record.gradientNorm,
      ...(layers === null ? {} : { layers }),
      samplesPerSecond: Math.round(this.#samplesPerSecond),
      workers: record.workers,
      time: this.#now(),
    });
    this.#write(written.then(this.#stepRecorded));
    const { everySteps } = prepared.job.training.checkpoint;
    if (everySteps > 0 && record.step % everySteps === 0) await this.checkpoint();
    if (record.step % prepared.stepsPerEpoch === 0) {
      const epoch = record.step / prepared.stepsPerEpoch;
      if (!this.#isDevDue(epoch)) spectator.epochCompleted();
      this.#write(directory.update({ step: state.version, epoch, workers: this.#workers }));
    }
  }

  async evaluated(split: SplitName, score: SplitScore, step: number, isFinal: boolean): Promise<void> {
    const { metrics, directory, spectator, prepared, state, earlyStopping } = this.#options;
    const { accuracy: share, ...figures } = splitMetrics(score);
    const accuracy = typeof share === 'number' ? { accuracy: share } : {};
    const { loss: _loss, ...others } = figures;
    const scores = Object.fromEntries(
      Object.entries(others).filter((entry): entry is [string, number] => typeof entry[1] === 'number'),
    );
    metrics.evaluated({ split, loss: score.loss, ...accuracy, scores });
    spectator.evaluated(split, score);
    const epoch = step / prepared.stepsPerEpoch;
    await directory.appendMetrics({
      step,
      epoch: Math.ceil(epoch),
      split,
      evaluation: true,
      ...(isFinal ? { final: true } : {}),
      ...figures,
      ...accuracy,
      learningRate: state.learningRate(Math.max(0, step - 1), Math.max(0, Math.ceil(epoch) - 1)),
      samplesPerSecond: Math.round(this.#samplesPerSecond),
      workers: this.#workers,
      time: this.#now(),
    });
    // A job that stops early has been judged at the end of its last epoch before it is scored.
    const isJudgement = split === 'dev' && !(isFinal && earlyStopping !== null);
    if (isJudgement && this.#isDevDue(epoch)) spectator.epochCompleted();
  }

  stepSkipped(step: number, reason: string): void {
    this.#options.metrics.stepSkipped();
    this.#event('skipped', { step, reason });
    this.#options.logger.warn({ step }, `step skipped: ${reason}`);
  }

  unhealthy(step: number, { kind, layer, message }: HealthWarning): void {
    this.#event('health', { step, kind, layer, message });
    this.#options.logger.warn({ step, layer }, message);
  }

  stoppedEarly({ step, value }: BestEvaluation): void {
    const { state, prepared } = this.#options;
    const { metric } = prepared.job.training.earlyStopping ?? { metric: 'loss' };
    const epoch = step / prepared.stepsPerEpoch;
    this.#event('earlyStopping', { step: state.version, bestStep: step, metric, value });
    const message = `training stops early: the ${metric} on the dev split was smallest, ${value}, after epoch ${epoch}`;
    this.#options.logger.info({ step: state.version }, message);
  }

  async trained(): Promise<void> {
    await this.checkpoint();
    this.#trained = true;
  }

  /** Saves the committed state, unless training is over and that has been done. */
  async checkpoint(): Promise<void> {
    if (this.#trained) return;
    const { prepared, state, directory, metrics, logger, earlyStopping } = this.#options;
    const started = performance.now();
    // A checkpoint stands for the lines of its steps: they come first.
    await directory.flush();
    const { model, slots, best } = state.tensors();
    const inFile = ({ name, shape, values }: (typeof model)[number]) => ({ name, shape, data: values });
    const { sum: costSum, weight: costWeight } = this.#smoothedCost.state;
    const { path, weightsSha256 } = await saveCheckpoint(
      directory.checkpointsPath,
      {
        state: {
          jobHash: prepared.jobHash,
          step: state.version,
          epoch: Math.floor(state.version / prepared.stepsPerEpoch),
          backend: prepared.backend,
          seed: prepared.job.seed,
          dataFingerprint: prepared.data.fingerprint,
          progress: { ...state.progress, ...earlyStopping?.progress, costSum, costWeight },
        },
        tensors: model.map(inFile),
        best: best?.map(inFile) ?? null,
        slots: new Map(slots.map(({ name, values }) => [name, values])),
      },
      prepared.job.training.checkpoint.keep,
    );
    const durationMs = performance.now() - started;
    const sizeBytes = (await stat(path)).size;
    metrics.checkpointWritten({ durationMs, sizeBytes });
    this.#event('checkpoint', { step: state.version, path, weightsSha256 });
    logger.info({ step: state.version, path, durationMs: Math.round(durationMs) }, 'checkpoint written');
  }

  /** Whether the dev split is evaluated when so many epochs are done: the epoch is over after that. */
  #isDevDue(epoch: number): boolean {
    const { job, sizes } = this.#options.prepared;
    const { evaluateEveryEpochs: every } = job.training;
    return sizes.dev !== null && every > 0 && epoch % every === 0;
  }

  #event(type: string, detail: Readonly<Record<string, unknown>>): void {
    this.#write(this.#options.directory.appendEvent({ time: this.#now(), type, ...detail }));
  }

  /** Lets a write go on beside the training; a failure ends the run at the next step. */
  #write(writing: Promise<void>): void {
    writing.catch((thrown: unknown) => {
      this.#writeError ??= LockstepError.from(thrown);
    });
  }

  #now(): string {
    return new Date(this.#clock.now()).toISOString();
  }
}
