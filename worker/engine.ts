/**
 * A worker's numeric side: holds the model and the data, runs passes on the compute threads. Knows nothing of networks; the
 * exchanges of a pass go through an {@link ExchangePort}.
 */
import { LockstepError } from '../src/common/errors.js';
import { NO_TRACER, stepArgs, type TraceArgs, type Tracer } from '../src/common/trace.js';
import type { LoadedData } from '../src/data/load.js';
import { stepPosition } from '../src/data/sampler.js';
import type { Job } from '../src/job/job.js';
import { Arena, type Offset } from '../src/kernels/arena.js';
import type { BackendName, KernelFactory } from '../src/kernels/kernels.js';
import { kernelFactory } from '../src/kernels/select.js';
import type { Exchange, Pass } from '../src/nn/layer.js';
import { losses } from '../src/nn/losses/index.js';
import type { Model } from '../src/nn/model.js';
import { gradientElements, vectorStride } from '../src/nn/shared-blocks.js';
import type { Stage } from '../src/nn/program.js';
import { wholePages, type MemoryPart, type SharedParts } from '../src/protocol/memory-part.js';
import {
  evaluationShards,
  isHealthDue,
  type ActiveUnits,
  type Evaluate,
  type NodeValues,
  type Plan,
  type Roster,
  type ShardReport,
  type ShardScore,
} from '../src/protocol/messages.js';
import { BucketProgress, type Bucket, type Extent } from '../src/reduce/buckets.js';
import { cutShards, type Shard } from '../src/reduce/shards.js';
import { BoardShare } from './board-share.js';
import { CalledOff } from './called-off.js';
import { ComputePool } from './compute-pool.js';
import { Control, type SegmentRange } from './control.js';
import { EngineTrace } from './engine-trace.js';
import { ExchangeSums, holdsWholeBatch } from './exchange-sums.js';
import type { GradientNode } from './reduction.js';
import { layOut, maxRows, measureLayout, type LayoutOptions, type WorkerLayout } from './layout.js';
import { LayerWatch } from './layer-watch.js';
import { inferenceSegment, stageSegment } from './segment-runner.js';
import { ShardScores } from './shard-scores.js';
import type { Batch, SlotNumber, Staging } from './staging.js';
import { startStaging } from './start-staging.js';

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

/** How a pass reaches the rest of the cluster. */
export interface PassPort {
  /** Sends partial results that nobody here waits for; none, when the attempt is called off. */
  post(exchange: number, nodes: readonly NodeValues[]): void;
  /** Sends partial results and resolves with the merged vector; rejects when the attempt is called off. */
  exchange(exchange: number, nodes: readonly NodeValues[]): Promise<Float32Array>;
  /** Resolves when elements [0, end) of the model in use are there; rejects when the attempt is called off. */
  weights(end: number): Promise<void>;
  /** Whether they are there now. */
  hasWeights(end: number): boolean;
  /** The gradient sums of a bucket are formed; they stay unchanged until the next pass. */
  bucket(bucket: Bucket, nodes: readonly GradientNode[]): void;
}

export interface PassResult {
  readonly shards: readonly ShardReport[];
  readonly computeMs: number;
  readonly waitMs: number;
  /** Time in which threads had nothing to do because samples were not in place yet. */
  readonly dataWaitMs: number;
  /** See `StepReport`. */
  readonly activeUnits: readonly ActiveUnits[];
  readonly nonFiniteLayer: number | null;
}

/** Shards of an evaluation that are reported together: a message of at most some hundred kilobytes. */
const REPORTED_SHARDS = 64;

type BatchPlan = Pick<Plan, 'dataEpoch' | 'firstPosition' | 'batchCount' | 'firstShard' | 'endShard'>;

function countRows(shards: readonly Shard[]): number {
  return shards.reduce((sum, { rows }) => sum + rows, 0);
}

/** The shape of a worker's memory for this job, on data of this size. */
export function layoutOptions(job: Job, model: Model, trainSize: number, threads: number): LayoutOptions {
  const { batchSize, shards, loss, wireFormat } = job.training;
  return {
    model,
    loss,
    seed: job.seed,
    threads,
    shards,
    gradientFormat: wireFormat.gradients,
    batchSize: batchSize === 0 ? trainSize : Math.min(batchSize, trainSize),
  };
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

export class Engine {
  readonly #options: EngineOptions;
  readonly #layout: WorkerLayout;
  readonly #arena: Arena;
  readonly #pool: ComputePool;
  readonly #control: Control;
  readonly #staging: Staging;
  readonly #maxRows: number;
  readonly #tracer: Tracer;
  readonly #trace: EngineTrace | null;
  readonly #exchanges: readonly ExchangeSums[];
  readonly #scores: ShardScores;
  readonly #watch: LayerWatch;
  #buckets: readonly Bucket[] = [];
  #progress = new BucketProgress([], []);
  readonly #board: BoardShare;
  #underWay: { calledOff: boolean } | null = null;

  private constructor(
    options: EngineOptions,
    layout: WorkerLayout,
    arena: Arena,
    pool: ComputePool,
    staging: Staging,
    control: Control,
    rows: number,
    trace: EngineTrace | null,
  ) {
    const { job, model } = options;
    this.#options = options;
    this.#layout = layout;
    this.#arena = arena;
    this.#pool = pool;
    this.#staging = staging;
    this.#control = control;
    this.#maxRows = rows;
    this.#tracer = options.tracer ?? NO_TRACER;
    this.#trace = trace;
    this.#exchanges = layout.program.exchanges.map((exchange) => new ExchangeSums(exchange, arena));
    this.#scores = new ShardScores(arena, layout.program, losses[job.training.loss], model);
    this.#watch = new LayerWatch(arena, model, layout.program);
    this.#board = new BoardShare(layout, arena, job.training.shards);
  }

  static async start(options: EngineOptions): Promise<Engine> {
    const { job, model, data, threads, backend, tracer } = options;
    const layoutOf = {
      ...layoutOptions(job, model, data.splits.train.size, threads),
      vectors: options.shared?.vectors,
    };
    const arena = options.shared?.arena ?? Arena.create(measureLayout(layoutOf).elements);
    const base = arena.next;
    const rows = maxRows(layoutOf);
    const control = new Control();
    const create = kernelFactory(backend);
    const layout = layOut(layoutOf, threads, arena, (scratch) => create(arena, scratch), null);
    const { model: _model, ...shape } = layoutOf;
    const trace = tracer === undefined ? null : new EngineTrace(tracer, layout.program, threads);
    const pool = ComputePool.start(threads, control, {
      backend,
      memory: arena.memory,
      base,
      model: job.model,
      inputShape: model.inputShape,
      layout: shape,
      types: {
        train: data.splits.train.dtype,
        dev: data.splits.dev?.dtype ?? null,
        test: data.splits.test?.dtype ?? null,
      },
      trace: trace?.buffer ?? null,
    });
    const staging = startStaging(job, data.splits, arena, layout.staging, rows);
    return new Engine(options, layout, arena, ...(await bothStarted(pool, staging)), control, rows, trace);
  }

  /** Says how inputs are standardised, one number per feature; to be called before the first pass. */
  normalizeBy(mean: Float32Array, inverseDeviation: Float32Array): void {
    this.#arena.floats.set(mean, this.#layout.mean);
    this.#arena.floats.set(inverseDeviation, this.#layout.inverseDeviation);
  }

  /** The two model vectors: passes read one while the other is received. */
  get vectors(): readonly [Float32Array, Float32Array] {
    const { vectors } = this.#layout;
    const { vectorElements } = this.#options.model;
    return [this.#floats(vectors[0], vectorElements), this.#floats(vectors[1], vectorElements)];
  }

  /** What others of this host may share of this engine's memory; null where the model vectors are somebody else's. */
  get parts(): SharedParts | null {
    const { model, job, shared } = this.#options;
    if (shared !== undefined) return null;
    const { vectors, gradients } = this.#layout;
    const { memory, elementBytes } = this.#arena;
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
    this.#buckets = buckets;
    const { gradients } = this.#layout.program;
    this.#progress = new BucketProgress(
      buckets,
      gradients.map(({ writes }) => writes),
    );
    this.#control.wakeAfter(this.#progress.lastOperations);
  }

  /**
   * Says where this worker answers exchanges together with others of a membership epoch; by no board where none is offered. No pass may
   * be under way.
   *
   * @throws LockstepError `unavailable` when the board cannot be used here; the engine then goes on without.
   */
  setBoard(roster: Pick<Roster, 'epoch' | 'members' | 'board'>): void {
    this.#board.adopt(roster);
  }

  /** Has the training pass under way, if there is one, end early. */
  callOff(): void {
    if (this.#underWay === null) return;
    this.#underWay.calledOff = true;
    this.#control.callOff();
    this.#board.rouse();
  }

  /** Forward and backward over this worker's shards of a step. @throws CalledOff when it is called off at the board. */
  async train(plan: Plan, weights: 0 | 1, port: PassPort): Promise<PassResult> {
    const underWay = { calledOff: false };
    this.#underWay = underWay;
    try {
      const asked = performance.now();
      const slot = await this.#samples(this.#batch(plan));
      const dataWaitMs = performance.now() - asked;
      // The words that describe the pass, which are written now, know nothing of what was before.
      if (underWay.calledOff) throw new CalledOff();
      return { ...(await this.#train(plan, slot, weights, port)), dataWaitMs };
    } finally {
      this.#underWay = null;
    }
  }

  async #train(plan: Plan, slot: SlotNumber, weights: 0 | 1, port: PassPort): Promise<Omit<PassResult, 'dataWaitMs'>> {
    const board = this.#board.of(plan.fence);
    this.#pool.setPass({
      mode: 'training',
      slot,
      split: 'train',
      step: plan.fence.step,
      lossScale: plan.lossScale,
      weights,
      firstShard: plan.firstShard,
      endShard: plan.endShard,
      totalShards: this.#options.job.training.shards,
      batchCount: plan.batchCount,
      board,
    });
    const pass = this.#pass();
    const args = stepArgs(plan.fence);
    this.#trace?.begin(args);
    let computeMs = 0;
    let waitMs = 0;
    const run = async (segments: SegmentRange, progress: () => void): Promise<void> => {
      const start = performance.now();
      const running = this.#pool.run(segments, progress);
      if (segments.first === 0) this.#stageNext(plan);
      await running;
      const end = performance.now();
      computeMs += end - start;
      if (this.#control.wasCutShort) throw new CalledOff();
      this.#tracer.span('event loop', 'compute', start, end, args);
    };
    const waitFor = async <Value>(what: string, waiting: Promise<Value>, more?: TraceArgs): Promise<Value> => {
      const start = performance.now();
      const value = await waiting;
      const end = performance.now();
      waitMs += end - start;
      this.#tracer.span('event loop', what, start, end, { ...args, ...more });
      return value;
    };
    const progress = this.#watchGradients(pass, port);
    const stages = this.#layout.program.training;
    const alone = holdsWholeBatch(pass);
    const together = board !== null && !alone;
    let next = 0;
    while (next < stages.length) {
      const first = next;
      await waitFor('wait for weights', port.weights((stages[first] as Stage).weightsEnd));
      let end = first + 1;
      // Whose threads answer exchanges goes on as far as the weights reach.
      while ((alone || together) && end < stages.length && port.hasWeights((stages[end] as Stage).weightsEnd)) end += 1;
      let answer: Promise<Float32Array> | null = null;
      const ship = ({ posts, awaits }: Stage): void => {
        for (const exchange of posts) port.post(exchange.index, this.#sums(exchange).merge(pass));
        if (awaits === null || together) return;
        const nodes = this.#sums(awaits).merge(pass);
        if (alone) {
          port.post(awaits.index, nodes);
          return;
        }
        answer = port.exchange(awaits.index, nodes);
        // An attempt that is called off meanwhile must not become an unhandled rejection.
        answer.catch(() => undefined);
      };
      const shipWhile = (isDone: (stage: number) => boolean): void => {
        for (; next < end && isDone(next); next += 1) ship(stages[next] as Stage);
      };
      await run({ first: stageSegment(first, false), end: stageSegment(end, false) }, () => {
        shipWhile((stage) => this.#control.hasPassed(stageSegment(stage, false)));
        progress();
      });
      shipWhile(() => true);
      const { awaits } = stages[end - 1] as Stage;
      if (answer !== null && awaits !== null)
        this.#arena.floats.set(await waitFor('exchange wait', answer, { exchange: awaits.index }), awaits.result ?? 0);
    }
    if (together) {
      const atBoard = this.#control.boardWaitMs;
      computeMs -= atBoard;
      waitMs += atBoard;
      // For the coordinator's running statistics, one of them tells what all have come to.
      if (pass.firstShard === 0)
        for (const { awaits } of stages)
          if (awaits !== null) port.post(awaits.index, [this.#board.root(awaits, pass, board)]);
    }
    this.#trace?.end();
    const shards = this.#scores.reports(pass);
    const areFinite = shards.every(({ loss }) => Number.isFinite(loss));
    return {
      shards,
      computeMs,
      waitMs,
      activeUnits: isHealthDue(plan.weightsVersion, this.#options.job.training) ? this.#watch.activeUnits(pass) : [],
      nonFiniteLayer: areFinite ? null : this.#watch.firstNonFinite(pass),
    };
  }

  /** The samples of a plan. */
  #batch({ dataEpoch, firstPosition, batchCount, firstShard, endShard }: BatchPlan): Batch {
    const shards = cutShards(batchCount, this.#options.job.training.shards).slice(firstShard, endShard);
    const first = firstPosition + (shards[0]?.start ?? 0);
    return { split: 'train', epoch: dataEpoch, first, rows: countRows(shards) };
  }

  /** The slot that holds a batch. */
  async #samples(batch: Batch): Promise<SlotNumber> {
    const slot = this.#staging.use(batch);
    if (typeof slot === 'number') return slot;
    const start = performance.now();
    const number = await slot;
    this.#tracer.span('event loop', 'wait for samples', start, performance.now());
    return number;
  }

  /** Stages what the next step will ask for if this worker keeps its shards. */
  #stageNext({ fence, ...plan }: Plan): void {
    const { job, data } = this.#options;
    const { epoch, first, count } = stepPosition(fence.step + 1, data.splits.train.size, job.training.batchSize);
    this.#staging.prepare(this.#batch({ ...plan, dataEpoch: epoch, firstPosition: first, batchCount: count }));
  }

  /** Returns what is to be called while gradients are formed: hands over the buckets that have become complete. */
  #watchGradients(pass: Pass, port: PassPort): () => void {
    const { gradients: start, gradientStride, program } = this.#layout;
    const nodes = pass.nodes.map((node, i) => ({
      ...node,
      values: this.#floats(start + i * gradientStride, gradientStride),
    }));
    this.#progress.begin();
    let running = program.gradients.map(({ count }, operation) => ({ operation, count }));
    return () => {
      const ended = running.filter(({ operation, count }) => this.#control.hasEnded(operation, count));
      if (ended.length === 0) return;
      running = running.filter((one) => !ended.includes(one));
      for (const { operation } of ended) {
        for (const index of this.#progress.ended(operation)) {
          const bucket = this.#buckets[index];
          if (bucket !== undefined) port.bucket(bucket, nodes);
        }
      }
    };
  }

  /** Scores shards of a split, with running statistics; `report` takes them as they come, some at a time. */
  async evaluate(
    { split, firstShard: first, endShard: end, mistakes }: Omit<Evaluate, 'type' | 'request' | 'weightsVersion'>,
    weights: 0 | 1,
    report: (shards: readonly ShardScore[]) => void,
  ): Promise<void> {
    const dataset = this.#options.data.splits[split];
    if (dataset === null) throw new RangeError(`this job has no ${split} split`);
    const totalShards = evaluationShards(dataset.size);
    const cut = cutShards(dataset.size, totalShards);
    const atOnce = Math.max(1, Math.floor(this.#maxRows / Math.ceil(dataset.size / totalShards)));
    /** The samples of the shards from `firstShard` on that fit one pass. */
    const batchFrom = (firstShard: number): Batch => {
      const shards = cut.slice(firstShard, Math.min(end, firstShard + atOnce));
      return { split, epoch: null, first: shards[0]?.start ?? 0, rows: countRows(shards) };
    };
    let scores: ShardScore[] = [];
    this.#trace?.begin({});
    for (let firstShard = first; firstShard < end; firstShard += atOnce) {
      this.#pool.setPass({
        mode: 'inference',
        split,
        slot: await this.#samples(batchFrom(firstShard)),
        step: 0,
        lossScale: 1,
        weights,
        firstShard,
        endShard: Math.min(end, firstShard + atOnce),
        totalShards,
        batchCount: dataset.size,
        board: null,
      });
      const running = this.#pool.run(inferenceSegment(this.#layout.program));
      this.#staging.prepare(batchFrom(firstShard + atOnce));
      await running;
      scores.push(...this.#scores.scores(this.#pass(), cut[firstShard]?.start ?? 0, mistakes));
      if (scores.length < REPORTED_SHARDS && firstShard + atOnce < end) continue;
      report(scores);
      scores = [];
    }
    this.#trace?.end();
  }

  async close(): Promise<void> {
    this.callOff();
    await Promise.all([this.#pool.close(), this.#staging.close()]);
  }

  #pass(): Pass {
    return this.#control.pass(this.#layout.vectors, this.#layout.gradients, this.#layout.gradientStride);
  }

  #floats(offset: number, length: number): Float32Array {
    return this.#arena.view(offset, length) as Float32Array;
  }

  #sums({ index }: Exchange): ExchangeSums {
    const sums = this.#exchanges[index];
    if (sums === undefined) throw new RangeError(`no exchange ${index}`);
    return sums;
  }
}
