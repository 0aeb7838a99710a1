/** One training run from its preparation to its record: the state, the trainer, the run directory, and who may take part. */
import { randomUUID } from 'node:crypto';
import { LockstepError } from '../src/common/errors.js';
import { compareSplits } from '../src/data/distribution.js';
import type { Job } from '../src/job/job.js';
import type { Arena, Offset } from '../src/kernels/arena.js';
import type { CoordinatorMetrics } from '../src/observe/coordinator-metrics.js';
import type { Logger } from '../src/observe/logger.js';
import type { WorkerLink, WorkerLinkEvents } from '../src/protocol/link.js';
import type { Hello, Shutdown } from '../src/protocol/messages.js';
import type { ModelTensor } from '../src/state/checkpoint.js';
import { offerFile, offerPart, type OfferedMemory } from '../src/transport/shared-part.js';
import { RunDirectory } from '../src/state/run-directory.js';
import type { RunRecord, RunStatus } from '../src/state/run-record.js';
import { weightsSha256 } from '../src/state/weights-hash.js';
import { CooperationChoice, type CooperationSettings } from './cooperation.js';
import { EarlyStopping } from './early-stopping.js';
import { trainingExchanges } from './exchanges.js';
import { ModelState } from './model-state.js';
import type { PreparedJob } from './prepare.js';
import type { Reception } from './reception.js';
import { Recorder, TransferTotals, type Spectator } from './recorder.js';
import { checkResumable, findCheckpoint } from './resumption.js';
import { evaluationRecord, splitMetrics } from './scores.js';
import type { ClusterTrace } from './trace/cluster-trace.js';
import type { Scores } from './judge.js';
import { Trainer } from './trainer.js';

export interface RunOptions {
  readonly prepared: PreparedJob;
  /** Run directory; null takes the next free `runs/<job>-<n>`. */
  readonly out: string | null;
  /** `auto`: go on from the newest checkpoint of `out` if there is one; `never`; or the path of a checkpoint. */
  readonly resume: string;
  readonly maxSteps: number | null;
  readonly metrics: CoordinatorMetrics;
  readonly logger: Logger;
  readonly spectator: Spectator;
  /** Memory to share with a worker in this process; default: memory of its own. */
  readonly arena?: Arena | undefined;
  /** Starts a trace of the run, whose first step is the one given (from 0); default: it is not traced. */
  readonly trace?: ((firstStep: number) => ClusterTrace) | undefined;
  /** Where workers have come to before the run was open. */
  readonly reception?: Pick<Reception, 'runId' | 'transfers'> | undefined;
}

export interface RunOutcome {
  readonly status: Extract<RunStatus, 'done' | 'stopped'>;
  readonly scores: Scores;
  readonly steps: number;
  readonly weightsSha256: string;
  readonly samplesPerSecond: number;
  readonly workers: number;
}

export class TrainingRun {
  /** Names this start of the coordinator: messages of an earlier one are told apart by it. */
  readonly runId: string;
  readonly directory: RunDirectory;
  readonly transfers: TransferTotals;
  readonly recorder: Recorder;
  readonly trainer: Trainer;
  /** Steps that were done before this start. */
  readonly resumedSteps: number;
  readonly #options: RunOptions;
  readonly #state: ModelState;
  /** The model vectors, for workers of this host; null where nobody shares memory. */
  readonly #vectors: OfferedMemory | null;
  readonly #trace: ClusterTrace | null;
  readonly #earlyStopping: EarlyStopping | null;
  /** What workers are told once the run is over. */
  #farewell: Shutdown | null = null;

  private constructor(
    options: RunOptions,
    state: ModelState,
    directory: RunDirectory,
    progress: Readonly<Record<string, number>>,
  ) {
    const { prepared } = options;
    const { earlyStopping: spec } = prepared.job.training;
    const earlyStopping = spec === null ? null : new EarlyStopping(spec);
    earlyStopping?.restore(progress);
    this.#earlyStopping = earlyStopping;
    this.#options = options;
    this.#state = state;
    this.#vectors = offerVectors(options, state);
    this.directory = directory;
    this.resumedSteps = state.version;
    this.runId = options.reception?.runId ?? randomUUID();
    this.transfers = options.reception?.transfers ?? new TransferTotals();
    this.#trace = options.trace?.(state.version) ?? null;
    this.recorder = new Recorder({
      ...options,
      state,
      directory,
      transfers: this.transfers,
      earlyStopping,
      progress,
    });
    this.trainer = new Trainer({
      job: prepared.job,
      state,
      model: prepared.model,
      cooperation: new CooperationChoice(cooperationSettings(prepared.job), prepared.model.parameterElements),
      exchanges: trainingExchanges(prepared),
      makeBoard: offerFile,
      sizes: prepared.sizes,
      classes: prepared.data.classes?.length ?? null,
      earlyStopping,
      maxSteps: options.maxSteps,
      observer: this.recorder,
      tracer: this.#trace ?? undefined,
    });
  }

  /** Lays out the state, resumes if asked to, and only then makes the run directory. */
  static async start(options: RunOptions): Promise<TrainingRun> {
    const { prepared, out, resume, logger } = options;
    const state = new ModelState(prepared.job, prepared.model, prepared.backend, options.arena);
    const checkpoint = await findCheckpoint(out, resume, logger);
    if (checkpoint !== null) {
      checkResumable(checkpoint, prepared);
      const byName = (tensors: readonly ModelTensor[]) => new Map(tensors.map(({ name, data }) => [name, data]));
      const best = checkpoint.best ? byName(checkpoint.best) : null;
      const { step, progress } = checkpoint.state;
      state.restore(step, byName(checkpoint.tensors), checkpoint.slots, progress, best);
      logger.info({ step: checkpoint.state.step, path: checkpoint.path }, 'resumed from checkpoint');
    }
    const record = initialRecord(options, state.version);
    const directory =
      out === null
        ? await RunDirectory.createNumbered('runs', prepared.job.name, record)
        : await RunDirectory.create(out, record, { resume: resume !== 'never' });
    if (resume !== 'never') await directory.truncateMetricsAfter(checkpoint === null ? -1 : state.version);
    return new TrainingRun(options, state, directory, checkpoint?.state.progress ?? {});
  }

  /** A worker wants to take part. */
  hello(hello: Hello, link: WorkerLink): WorkerLinkEvents | null {
    const { prepared, logger } = this.#options;
    if (this.#farewell !== null) {
      link.send(this.#farewell);
      return null;
    }
    const refusal = refuse(hello, prepared);
    if (refusal !== null) {
      logger.warn({ worker: link.id, host: hello.host }, `turned a worker away: ${refusal}`);
      link.send({ type: 'shutdown', reason: 'rejected', message: refusal });
      return null;
    }
    link.send({
      type: 'welcome',
      workerId: link.id,
      runId: this.runId,
      job: prepared.job,
      baseDir: prepared.baseDir,
      dataFingerprint: prepared.data.fingerprint,
      ...prepared.normalization,
      ...(this.#vectors === null ? {} : { vectors: this.#vectors.offer }),
      ...(this.#trace === null ? {} : { trace: this.#trace.range }),
    });
    this.#trace?.join(link, hello);
    this.trainer.join(link, hello.host);
    return {
      message: (message) => {
        if (this.#trace?.message(link.id, message) !== true) this.trainer.message(link.id, message);
      },
      piece: (piece) => this.trainer.piece(piece),
      lost: (reason) => {
        this.#trace?.lost(link.id);
        this.trainer.lost(link.id, reason);
      },
    };
  }

  /** Trains to the end and writes the result; or, when stopped, a checkpoint to go on from. */
  async execute(): Promise<RunOutcome> {
    try {
      const training = this.trainer.run();
      const [scores] = await Promise.all([training, this.#compareSplits(training)]);
      const status = scores === null ? 'stopped' : 'done';
      const sha = await this.#save(status, scores ?? {});
      this.#dismiss(status, status === 'done' ? '' : 'the coordinator was asked to stop');
      const { samplesPerSecond, workers } = this.recorder;
      return {
        status,
        scores: scores ?? {},
        steps: this.#state.version,
        weightsSha256: sha,
        samplesPerSecond,
        workers,
      };
    } catch (thrown) {
      await this.abandon(thrown);
      throw LockstepError.from(thrown);
    } finally {
      this.#vectors?.seal();
    }
  }

  /** Says so where the splits differ: after the first step, which all that is done before it would make wait. */
  async #compareSplits(training: Promise<unknown>): Promise<void> {
    await Promise.race([this.recorder.firstStep, training]);
    for (const comparison of compareSplits(this.#options.prepared.data)) {
      if (comparison.verdict === 'differ') this.recorder.distribution(comparison);
    }
  }

  /** Ends a run that could not be served: leaves no directory behind where there was none. */
  async abandon(thrown: unknown): Promise<void> {
    await this.#fail(LockstepError.from(thrown)).catch(() => undefined);
  }

  /** Ends the run after the last committed step; `execute` then resolves. */
  stop(): void {
    this.trainer.stop();
  }

  /** The evaluation whose weights the run ends with, where the job stops early; null elsewhere, and before the first one. */
  get best(): RunRecord['best'] | null {
    const best = this.#earlyStopping?.best ?? null;
    if (best === null || this.#earlyStopping === null) return null;
    const { spec, stopped } = this.#earlyStopping;
    return {
      ...best,
      epoch: best.step / this.#options.prepared.stepsPerEpoch,
      metric: spec.metric,
      stoppedEarly: stopped,
    };
  }

  /** Where the two model vectors lie in the memory of this process. */
  get modelVectors(): readonly [Offset, Offset] {
    return this.#state.vectors;
  }

  /** For probes: ready while steps or evaluations are under way. */
  health(): { readonly live: boolean; readonly ready: boolean; readonly detail: unknown } {
    const { currentPhase: phase, workers } = this.recorder;
    return { live: true, ready: phase === 'training' || phase === 'evaluating', detail: { phase, workers } };
  }

  /** Lets the workers go, and those that come from now on. */
  #dismiss(reason: Shutdown['reason'], message: string): void {
    this.#farewell = { type: 'shutdown', reason, message };
    this.trainer.shutdown(reason, message);
  }

  async #save(status: RunStatus, scores: Scores): Promise<string> {
    const { prepared } = this.#options;
    const { model } = this.#state.tensors();
    const sha = weightsSha256(model.map(({ values }) => values));
    await this.recorder.checkpoint();
    if (status === 'done') {
      const description = {
        version: prepared.version,
        job: prepared.job,
        classes: prepared.data.classes,
        ...normalization(prepared),
      };
      const tensors = model.map(({ name, shape, values }) => ({ name, shape, dtype: 'F32' as const, data: values }));
      await this.directory.writeModel(tensors, { lockstep: JSON.stringify(description) });
      await this.directory.writeEvaluation(evaluationRecord(scores, prepared.data, sha));
    }
    await this.directory.flush();
    await this.directory.update({
      status,
      step: this.#state.version,
      epoch: Math.floor(this.#state.version / prepared.stepsPerEpoch),
      workers: this.recorder.workers,
      finishedAt: new Date().toISOString(),
      weightsSha256: sha,
      final: Object.fromEntries(Object.entries(scores).map(([split, score]) => [split, splitMetrics(score)])),
      ...(this.best === null ? {} : { best: this.best }),
    });
    return sha;
  }

  async #fail(error: LockstepError): Promise<void> {
    const reason: Shutdown['reason'] = error.code === 'unavailable' ? 'stopped' : 'failed';
    this.#dismiss(reason, error.message);
    if (this.#state.version > this.resumedSteps) await this.recorder.checkpoint();
    await this.directory.flush();
    const { code, message, hint } = error;
    await this.directory.update({
      status: 'failed',
      step: this.#state.version,
      finishedAt: new Date().toISOString(),
      error: { code, message, ...(hint === undefined ? {} : { hint }) },
    });
    await this.directory.discardIfEmpty();
  }
}

/** Offers the model vectors to workers of this host. */
function offerVectors({ prepared, arena, logger }: RunOptions, state: ModelState): OfferedMemory | null {
  // A worker in this process has them anyway.
  if (prepared.job.cluster.transport === 'grpc' || arena !== undefined) return null;
  try {
    return offerPart(state.publishedVectors);
  } catch (thrown) {
    const { code, message } = LockstepError.from(thrown);
    if (code !== 'unavailable') throw thrown;
    logger.debug({ reason: message }, 'the model is sent to every worker');
    return null;
  }
}

function cooperationSettings({ cluster: { collective, bucketBytes } }: Job): CooperationSettings {
  return {
    collective: collective === 'auto' ? null : collective === 'mesh' ? 'mesh' : 'star',
    bucketElements: bucketBytes === null ? null : Math.max(1, Math.floor(bucketBytes / 4)),
  };
}

function normalization({ normalization: { mean, inverseDeviation } }: PreparedJob): Pick<RunRecord, 'normalization'> {
  return { normalization: { mean: Array.from(mean), inverseDeviation: Array.from(inverseDeviation) } };
}

function initialRecord({ prepared, maxSteps }: RunOptions, step: number): RunRecord {
  const { job } = prepared;
  const steps = job.training.epochs * prepared.stepsPerEpoch;
  return {
    version: prepared.version,
    job,
    jobHash: prepared.jobHash,
    backend: prepared.backend,
    seed: job.seed,
    status: 'running',
    step,
    epoch: Math.floor(step / prepared.stepsPerEpoch),
    steps: maxSteps === null ? steps : Math.min(steps, maxSteps),
    workers: job.cluster.workers,
    startedAt: new Date().toISOString(),
    finishedAt: null,
    weightsSha256: null,
    final: {},
    ...normalization(prepared),
  };
}

/** Why a worker cannot take part; null when it can. */
function refuse(hello: Hello, { version, backend }: PreparedJob): string | null {
  if (hello.version !== version) return `it runs Lockstep ${hello.version}, the coordinator ${version}`;
  if (hello.backend !== backend) {
    return `it computes with ${hello.backend}, the run with ${backend}, and the two round differently: start it with --backend ${backend}`;
  }
  return null;
}
