/** One training pass, forward and backward over a worker's shards of a step: runs the stages of the program, and waits between them. */
import { stepArgs, type TraceArgs, type Tracer } from '../src/common/trace.js';
import type { Job } from '../src/job/job.js';
import type { Arena } from '../src/kernels/arena.js';
import type { Pass } from '../src/nn/layer.js';
import type { Stage } from '../src/nn/program.js';
import { isHealthDue, type Plan } from '../src/protocol/messages.js';
import { nextBatch, planBatch, slotOf } from './batches.js';
import type { BucketWatch } from './bucket-watch.js';
import { CalledOff } from './called-off.js';
import type { ComputePool } from './compute-pool.js';
import type { Control, SegmentRange } from './control.js';
import type { EngineTrace } from './engine-trace.js';
import type { LayerWatch } from './layer-watch.js';
import type { WorkerLayout } from './layout.js';
import { PassExchanges, type ExchangeSurroundings } from './pass-exchanges.js';
import type { PassPort, PassResult } from './pass-port.js';
import type { BoardPass } from './pass-words.js';
import { stageSegment } from './segment-runner.js';
import type { ShardScores } from './shard-scores.js';
import type { SlotNumber, Staging } from './staging.js';

/** What the training passes of an engine have in common. */
export interface TrainingSurroundings extends ExchangeSurroundings {
  readonly training: Job['training'];
  /** Samples of the training split. */
  readonly trainSize: number;
  readonly arena: Arena;
  readonly layout: WorkerLayout;
  readonly control: Control;
  readonly pool: ComputePool;
  readonly staging: Staging;
  readonly buckets: BucketWatch;
  readonly scores: ShardScores;
  readonly layers: LayerWatch;
  readonly tracer: Tracer;
  readonly trace: EngineTrace | null;
}

export class TrainingPass {
  readonly #on: TrainingSurroundings;
  readonly #plan: Plan;
  readonly #weights: 0 | 1;
  readonly #port: PassPort;
  readonly #args: TraceArgs;
  #calledOff = false;
  #computeMs = 0;
  #waitMs = 0;

  /** @param weights which of the two model vectors is in use */
  constructor(on: TrainingSurroundings, plan: Plan, weights: 0 | 1, port: PassPort) {
    this.#on = on;
    this.#plan = plan;
    this.#weights = weights;
    this.#port = port;
    this.#args = stepArgs(plan.fence);
  }

  /** Has the pass end early, wherever it is. */
  callOff(): void {
    this.#calledOff = true;
    this.#on.control.callOff();
    this.#on.board.rouse();
  }

  /** To be called once. @throws CalledOff when it is called off. */
  async run(): Promise<PassResult> {
    const { control, layout, staging, board: share, tracer, trace, training } = this.#on;
    const asked = performance.now();
    const slot = await slotOf(planBatch(this.#plan, training.shards), staging, tracer);
    const dataWaitMs = performance.now() - asked;
    // The words that describe the pass, which are written now, know nothing of what was before.
    if (this.#calledOff) throw new CalledOff();
    const board = share.of(this.#plan.fence);
    this.#describe(slot, board);
    const pass = control.pass.read(layout);
    trace?.begin(this.#args);
    const exchanges = new PassExchanges(this.#on, pass, board, this.#port);
    await this.#runStages(exchanges, this.#on.buckets.begin(pass, this.#port));
    const atBoard = control.boardWaitMs;
    this.#computeMs -= atBoard;
    this.#waitMs += atBoard;
    exchanges.tellOfBoard(layout.program.training);
    trace?.end();
    return { ...this.#look(pass), computeMs: this.#computeMs, waitMs: this.#waitMs, dataWaitMs };
  }

  /** Tells the compute threads what the pass is about. */
  #describe(slot: SlotNumber, board: BoardPass | null): void {
    const { fence, lossScale, firstShard, endShard, batchCount } = this.#plan;
    this.#on.control.setPass({
      mode: 'training',
      slot,
      split: 'train',
      step: fence.step,
      lossScale,
      weights: this.#weights,
      firstShard,
      endShard,
      totalShards: this.#on.training.shards,
      batchCount,
      board,
    });
  }

  /** @param progress to be called while gradients are formed */
  async #runStages(exchanges: PassExchanges, progress: () => void): Promise<void> {
    const { arena, control, layout } = this.#on;
    const stages = layout.program.training;
    let next = 0;
    while (next < stages.length) {
      const first = next;
      const { weightsEnd } = stages[first] as Stage;
      await this.#waitFor('wait for weights', this.#port.weights(weightsEnd));
      // A step begins with the weights of its first stage: until they come, another one is under way.
      if (first === 0) this.#waitMs = 0;
      const end = exchanges.areAnsweredByThreads ? this.#reach(first) : first + 1;
      const sendWhile = (isDone: (stage: number) => boolean): void => {
        for (; next < end && isDone(next); next += 1) exchanges.send(stages[next] as Stage);
      };
      await this.#compute({ first: stageSegment(first, false), end: stageSegment(end, false) }, () => {
        sendWhile((stage) => control.hasPassed(stageSegment(stage, false)));
        progress();
      });
      sendWhile(() => true);
      const { awaits } = stages[end - 1] as Stage;
      const { answer } = exchanges;
      if (answer === null || awaits === null) continue;
      const values = await this.#waitFor('exchange wait', answer, { exchange: awaits.index });
      arena.floats.set(values, awaits.result ?? 0);
    }
  }

  /** Behind the last stage that can be run in one go with this one: as far as the weights reach. */
  #reach(first: number): number {
    const stages = this.#on.layout.program.training;
    let end = first + 1;
    while (end < stages.length && this.#port.hasWeights((stages[end] as Stage).weightsEnd)) end += 1;
    return end;
  }

  async #compute(segments: SegmentRange, progress: () => void): Promise<void> {
    const { control, pool, staging, trainSize, training, tracer } = this.#on;
    const start = performance.now();
    const running = pool.run(segments, progress);
    if (segments.first === 0) staging.prepare(nextBatch(this.#plan, trainSize, training));
    await running;
    const end = performance.now();
    this.#computeMs += end - start;
    if (control.wasCutShort) throw new CalledOff();
    tracer.span('event loop', 'compute', start, end, this.#args);
  }

  async #waitFor<Value>(what: string, waiting: Promise<Value>, more?: TraceArgs): Promise<Value> {
    const start = performance.now();
    const value = await waiting;
    const end = performance.now();
    this.#waitMs += end - start;
    this.#on.tracer.span('event loop', what, start, end, { ...this.#args, ...more });
    return value;
  }

  /** What the pass has left in memory. */
  #look(pass: Pass): Pick<PassResult, 'shards' | 'activeUnits' | 'nonFiniteLayer'> {
    const { layers, scores, training } = this.#on;
    const shards = scores.reports(pass);
    const areFinite = shards.every(({ loss }) => Number.isFinite(loss));
    return {
      shards,
      activeUnits: isHealthDue(this.#plan.weightsVersion, training) ? layers.activeUnits(pass) : [],
      nonFiniteLayer: areFinite ? null : layers.firstNonFinite(pass),
    };
  }
}
