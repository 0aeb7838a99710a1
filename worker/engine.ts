/**
 * A worker's numeric side: holds the model and the data, runs passes on the compute threads. Knows nothing of networks; what a pass has to
 * do with the rest of the cluster goes through a {@link PassPort}.
 */
import { LockstepError } from '../src/common/errors.js';
import { NO_TRACER, type Tracer } from '../src/common/trace.js';
import type { LoadedData } from '../src/data/load.js';
import type { Job } from '../src/job/job.js';
import { Arena, type Offset } from '../src/kernels/arena.js';
import type { BackendName, KernelFactory } from '../src/kernels/kernels.js';
import { kernelFactory } from '../src/kernels/select.js';
import { losses } from '../src/nn/losses/index.js';
import type { Model } from '../src/nn/model.js';
import { gradientElements, vectorStride } from '../src/nn/shared-blocks.js';
import { wholePages, type MemoryPart, type SharedParts } from '../src/protocol/memory-part.js';
import type { Plan, Roster, ShardScore } from '../src/protocol/messages.js';
import type { Bucket, Extent } from '../src/reduce/buckets.js';
import { BoardShare } from './board-share.js';
import { BucketWatch } from './bucket-watch.js';
import { ComputePool } from './compute-pool.js';
import { Control } from './control.js';
import { EngineTrace } from './engine-trace.js';
import { evaluate, type EvaluationRange, type EvaluationSurroundings } from './evaluation.js';
import { ExchangeSums } from './exchange-sums.js';
import { LayerWatch } from './layer-watch.js';
import { layOut, layoutOptions, maxRows, measureLayout } from './layout.js';
import type { PassPort, PassResult } from './pass-port.js';
import { ShardScores } from './shard-scores.js';
import { startStaging } from './start-staging.js';
import { TrainingPass, type TrainingSurroundings } from './training-pass.js';

export interface EngineOptions {
  readonly job: Job;
  readonly model: Model;
  readonly data: LoadedData;
  readonly backend: BackendName;
  readonly threads: number;
  /**
   * Memory to share with the coordinator, with room for {@link engineElements}, and the coordinator's two model vectors, which are
   * then used in place. Default: memory of its own.
   */
  readonly shared?: { readonly arena: Arena; readonly vectors: readonly [Offset, Offset] } | undefined;
  /** Told what runs when; default: nobody is. */
  readonly tracer?: Tracer | undefined;
}

/** Elements of memory that an engine takes. */
export function engineElements({
  job,
  model,
  data,
  threads,
}: Pick<EngineOptions, 'job' | 'model' | 'data' | 'threads'>): number {
  return measureLayout(layoutOptions(job, model, data.splits.train.size, threads)).elements;
}

/** Two things that are started at once; where one fails, the other is ended again. */
async function bothStarted<A extends { close(): Promise<void> }, B extends { close(): Promise<void> }>(
  one: Promise<A>,
  other: Promise<B>,
): Promise<readonly [A, B]> {
  try {
    return await Promise.all([one, other]);
  } catch (thrown) {
    for (const outcome of await Promise.allSettled([one, other])) {
      if (outcome.status === 'fulfilled') await outcome.value.close();
    }
    throw LockstepError.from(thrown);
  }
}

/** What an engine consists of once it has started. */
type Surroundings = TrainingSurroundings & EvaluationSurroundings;

export class Engine {
  readonly #options: EngineOptions;
  readonly #on: Surroundings;
  #underWay: TrainingPass | null = null;

  private constructor(options: EngineOptions, surroundings: Surroundings) {
    this.#options = options;
    this.#on = surroundings;
  }

  /**
   * Lays out memory and starts the threads.
   *
   * @throws LockstepError `internal` when a thread cannot be started, and what a backend throws that is not available here.
   */
  static async start(options: EngineOptions): Promise<Engine> {
    const { job, model, data, threads, backend, tracer } = options;
    const { splits } = data;
    const layoutOf = {
      ...layoutOptions(job, model, splits.train.size, threads),
      vectors: options.shared?.vectors,
    };
    const arena = options.shared?.arena ?? Arena.create(measureLayout(layoutOf).elements);
    const base = arena.next;
    const control = new Control();
    const create = kernelFactory(backend);
    const layout = layOut(layoutOf, threads, arena, (scratch) => create(arena, scratch), null);
    const { program } = layout;
    const { model: _model, ...shape } = layoutOf;
    const trace = tracer === undefined ? null : new EngineTrace(tracer, program, threads);
    const starting = ComputePool.start(threads, control, {
      backend,
      memory: arena.memory,
      base,
      model: job.model,
      inputShape: model.inputShape,
      layout: shape,
      types: {
        train: splits.train.dtype,
        dev: splits.dev?.dtype ?? null,
        test: splits.test?.dtype ?? null,
      },
      trace: trace?.buffer ?? null,
    });
    const rows = maxRows(layoutOf);
    const [pool, staging] = await bothStarted(starting, startStaging(job, splits, arena, layout.staging, rows));
    return new Engine(options, {
      training: job.training,
      splits,
      trainSize: splits.train.size,
      maxRows: rows,
      arena,
      layout,
      control,
      pool,
      staging,
      exchanges: program.exchanges.map((exchange) => new ExchangeSums(exchange, arena)),
      board: new BoardShare(layout, arena, job.training.shards),
      buckets: new BucketWatch(arena, layout, control),
      scores: new ShardScores(arena, program, losses[job.training.loss], model),
      layers: new LayerWatch(arena, model, program),
      tracer: tracer ?? NO_TRACER,
      trace,
    });
  }

  /** Says how inputs are standardised, one number per feature; to be called before the first pass. */
  normalizeBy(mean: Float32Array, inverseDeviation: Float32Array): void {
    const { arena, layout } = this.#on;
    arena.floats.set(mean, layout.mean);
    arena.floats.set(inverseDeviation, layout.inverseDeviation);
  }

  /** The two model vectors: passes read one while the other is received. */
  get vectors(): readonly [Float32Array, Float32Array] {
    const { arena, layout } = this.#on;
    const vector = (at: Offset): Float32Array => arena.view(at, this.#options.model.vectorElements) as Float32Array;
    return [vector(layout.vectors[0]), vector(layout.vectors[1])];
  }

  /** What others of this host may share of this engine's memory; null where the model vectors are somebody else's. */
  get parts(): SharedParts | null {
    const { model, job, shared } = this.#options;
    if (shared !== undefined) return null;
    const { vectors, gradients } = this.#on.layout;
    const { memory, elementBytes } = this.#on.arena;
    const part = (offset: Offset, elements: number): MemoryPart =>
      wholePages(memory.buffer, offset * elementBytes, elements * elementBytes);
    return {
      vectors: part(vectors[0], 2 * vectorStride(model)),
      gradients: part(gradients, gradientElements(model, job.training.shards)),
    };
  }

  /** Where the parameters lie in a model vector. */
  get parameters(): readonly Extent[] {
    return this.#options.model.tensors.filter(({ parameter }) => parameter !== null);
  }

  /** Elements of the parameter part of a model vector. */
  get parameterElements(): number {
    return this.#options.model.parameterElements;
  }

  /** The backend's kernels, for memory of the caller's own. */
  get createKernels(): KernelFactory {
    return kernelFactory(this.#options.backend);
  }

  /** Says in which buckets the gradient is wanted, from the next pass on. */
  setBuckets(buckets: readonly Bucket[]): void {
    this.#on.buckets.setBuckets(buckets);
  }

  /**
   * Says where this worker answers exchanges together with others of a membership epoch; by no board where none is offered. No pass may
   * be under way.
   *
   * @throws LockstepError `unavailable` when the board cannot be used here; the engine then goes on without.
   */
  setBoard(roster: Pick<Roster, 'epoch' | 'members' | 'board'>): void {
    this.#on.board.adopt(roster);
  }

  /** Forward and backward over this worker's shards of a step. @throws CalledOff when {@link callOff} ends it. */
  async train(plan: Plan, weights: 0 | 1, port: PassPort): Promise<PassResult> {
    const pass = new TrainingPass(this.#on, plan, weights, port);
    this.#underWay = pass;
    try {
      return await pass.run();
    } finally {
      this.#underWay = null;
    }
  }

  /** Has the training pass under way, if there is one, end early. */
  callOff(): void {
    this.#underWay?.callOff();
  }

  /** Scores shards of a split, with running statistics; `report` takes them as they come, some at a time. */
  async evaluate(
    range: EvaluationRange,
    weights: 0 | 1,
    report: (shards: readonly ShardScore[]) => void,
  ): Promise<void> {
    await evaluate(this.#on, range, weights, report);
  }

  async close(): Promise<void> {
    this.callOff();
    await Promise.all([this.#on.pool.close(), this.#on.staging.close()]);
    this.#on.board.close();
  }
}
