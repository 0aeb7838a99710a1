/**
 * What a coordinator and its workers say to each other, whatever carries it. The wire form and its rules are in
 * proto/lockstep/v1/lockstep.proto; the names are the same.
 */
import type { TraceRange, TraceRecord } from '../common/trace.js';
import type { Job, SplitName } from '../job/job.js';
import type { TreeNode } from '../reduce/tree.js';
import { EMPTY_SPREAD, type Spread } from '../scores/spread.js';

/**
 * The attempt a message belongs to. Whatever carries another fence than the current one is from a past that no longer
 * counts, and is dropped.
 */
export interface Fence {
  /** Membership epoch: grows with every change of the set of workers, or of how they work together. */
  readonly epoch: number;
  readonly step: number;
  /** Counts the tries of a step, from 1. */
  readonly attempt: number;
}

export function sameFence(a: Fence, b: Fence): boolean {
  return a.step === b.step && a.epoch === b.epoch && a.attempt === b.attempt;
}

/** Below 0 when `a` is from before `b`, 0 for the same attempt, above 0 when it is from after. */
export function compareFences(a: Fence, b: Fence): number {
  return a.epoch - b.epoch || a.step - b.step || a.attempt - b.attempt;
}

/** A partial result of the reduction tree. */
export interface NodeValues extends TreeNode {
  readonly values: Float32Array;
}

// ── coordinator → worker ─────────────────────────────────────────────────────────────────────────────────────────────

/** Part of a process's memory that others of the same host may map: a file without a name. */
export interface MemoryOffer {
  /** The same for processes that can map each other's memory. */
  readonly hostId: string;
  readonly pid: number;
  readonly fd: number;
  /** Of the part; the file is longer by the nonce. */
  readonly bytes: number;
  /** What follows the part in the file. */
  readonly nonce: Uint8Array;
}

/** First answer to `hello`: everything a worker must know to build the model. */
export interface Welcome {
  readonly type: 'welcome';
  readonly workerId: string;
  readonly runId: string;
  readonly job: Job;
  /** Folder of the job file on the coordinator's host; relative data paths start here. */
  readonly baseDir: string;
  readonly dataFingerprint: string;
  /** Input normalisation, one number per input feature. */
  readonly mean: Float32Array;
  readonly inverseDeviation: Float32Array;
  /** The steps whose spans the worker is to send; absent when the run is not traced. */
  readonly trace?: TraceRange;
  /** The coordinator's two model vectors, one after the other; absent where memory is not shared. */
  readonly vectors?: MemoryOffer;
}

/** A worker as the others of its membership epoch know it. */
export interface RosterMember {
  readonly id: string;
  /** HOST:PORT where others pull pieces from it; null for a worker in the coordinator's own process. */
  readonly address: string | null;
  /**
   * Its gradient sums, where others may map them; then it also has the coordinator's model vectors mapped, and gets no weights from other
   * members.
   */
  readonly gradients?: MemoryOffer;
}

/** How gradient sums meet: at the coordinator, or at the workers, each of which owns some of the buckets. */
export type CollectiveName = 'star' | 'mesh';

/** Who takes part in a membership epoch, and how: sent to every ready worker before the first plan of the epoch. */
export interface Roster {
  readonly type: 'roster';
  readonly epoch: number;
  readonly collective: CollectiveName;
  /** Size that the parameters are cut into buckets by. */
  readonly bucketElements: number;
  /** In the order of their rank; in a mesh, bucket i is summed by member i mod their number. */
  readonly members: readonly RosterMember[];
  /** Memory in which the members answer each other's exchanges; absent where the coordinator answers them. */
  readonly board?: MemoryOffer;
}

/**
 * Work of one step for one worker. Whatever is under way is called off for it, unless it is planned {@link ahead}: then the step before it
 * is finished first.
 */
export interface Plan {
  readonly type: 'plan';
  readonly fence: Fence;
  /** Said while the step before it, which has the number before this one, is under way: the model that it starts from is yet to come. */
  readonly ahead: boolean;
  /** The model to start from. */
  readonly weightsVersion: number;
  /** Epoch over the data, and the batch's place in it. */
  readonly dataEpoch: number;
  readonly firstPosition: number;
  /** Samples of the whole batch. */
  readonly batchCount: number;
  /** Factor on the gradient of the loss, a power of two. */
  readonly lossScale: number;
  /** Logical shards of this worker: [firstShard, endShard). */
  readonly firstShard: number;
  readonly endShard: number;
}

export interface ExchangeResult {
  readonly type: 'exchangeResult';
  readonly fence: Fence;
  readonly exchange: number;
  readonly values: Float32Array;
}

/** Losses wanted for part of a split; a whole split is cut into {@link evaluationShards}, of which [firstShard, endShard) are meant. */
export interface Evaluate {
  readonly type: 'evaluate';
  readonly request: number;
  readonly weightsVersion: number;
  readonly split: SplitName;
  readonly firstShard: number;
  readonly endShard: number;
  /** Most misjudged samples wanted of each shard. */
  readonly mistakes: number;
}

/** The run is over; the worker may leave. */
export interface Shutdown {
  readonly type: 'shutdown';
  readonly reason: 'done' | 'stopped' | 'failed' | 'rejected';
  readonly message: string;
}

/** Asks what the worker's clock shows; only sent when the run is traced. */
export interface ClockPing {
  readonly type: 'clockPing';
  /** By the coordinator's clock (ms); the answer repeats it. */
  readonly sentMs: number;
}

export type CoordinatorMessage = Welcome | Roster | Plan | ExchangeResult | Evaluate | Shutdown | ClockPing;

// ── worker → coordinator ─────────────────────────────────────────────────────────────────────────────────────────────

export interface Hello {
  readonly type: 'hello';
  /** Lockstep's version; coordinator and workers must agree. */
  readonly version: string;
  readonly backend: string;
  readonly threads: number;
  /** HOST:PORT where the coordinator pulls gradients. */
  readonly address: string;
  readonly host: string;
  readonly pid: number;
}

/** Data is loaded and the model laid out. */
export interface Ready {
  readonly type: 'ready';
  readonly dataFingerprint: string;
  /** The worker's gradient sums, one after the other; present when it has mapped the coordinator's model vectors. */
  readonly gradients?: MemoryOffer;
}

/** The complete subtrees of one exchange that this worker owns. */
export interface ExchangeNodes {
  readonly type: 'exchangeNodes';
  readonly fence: Fence;
  readonly exchange: number;
  readonly nodes: readonly NodeValues[];
}

export interface ShardReport {
  readonly shard: number;
  /** Sum over the shard's samples, float64. */
  readonly loss: number;
  /** Samples predicted right; 0 where the loss does not classify. */
  readonly correct: number;
}

/** Forward and backward are done, and gradients on their way. */
export interface StepReport {
  readonly type: 'stepReport';
  readonly fence: Fence;
  readonly shards: readonly ShardReport[];
  readonly computeMs: number;
  /** Time spent waiting for exchanges, and for weights. */
  readonly waitMs: number;
  /** One per ReLU where the layers are looked at in this step, else empty. */
  readonly activeUnits: readonly ActiveUnits[];
  /** Index of the first layer whose output is not finite; null where the losses are. */
  readonly nonFiniteLayer: number | null;
}

/** The units of a ReLU that are above 0 for some sample of the worker's shards. */
export interface ActiveUnits {
  /** Index of the ReLU in the model. */
  readonly layer: number;
  /** Bit u mod 8 of byte ⌊u / 8⌋ is unit u. */
  readonly units: Uint8Array;
}

/** A sample that is predicted wrong, or off by more than others. */
export interface Misjudged {
  /** Number in its split, from 0. */
  readonly sample: number;
  readonly loss: number;
  readonly target: number;
  readonly predicted: number;
}

/** What an evaluation finds in one shard. What does not apply to the job's loss is empty or 0. */
export interface ShardScore extends ShardReport {
  /** Triples of actual class, predicted class, samples. */
  readonly confusion: readonly number[];
  /** Two classes: by which samples are ranked, of those of class 1. */
  readonly positiveScores: Float32Array;
  /** Of those of class 0. */
  readonly negativeScores: Float32Array;
  /** Σ |t − y| of a regression. */
  readonly absoluteError: number;
  readonly targets: Spread;
  /** Largest loss first. */
  readonly misjudged: readonly Misjudged[];
}

/** What a score says where nothing but the loss and the right predictions were looked at. */
export const UNSCORED: Omit<ShardScore, keyof ShardReport> = {
  confusion: [],
  positiveScores: new Float32Array(0),
  negativeScores: new Float32Array(0),
  absoluteError: 0,
  targets: EMPTY_SPREAD,
  misjudged: [],
};

/** May come in several messages, each with some of the shards. */
export interface Evaluated {
  readonly type: 'evaluated';
  readonly request: number;
  readonly shards: readonly ShardScore[];
}

/** Another worker cannot be reached from this one. */
export interface PeerLost {
  readonly type: 'peerLost';
  readonly peer: string;
  readonly reason: string;
}

/** The board of this membership epoch cannot be used by this worker. */
export interface BoardRefused {
  readonly type: 'boardRefused';
  readonly epoch: number;
  readonly reason: string;
}

/** The worker cannot go on; the coordinator gives it up and tells the user. */
export interface Failed {
  readonly type: 'failed';
  readonly code: string;
  readonly message: string;
}

/** What the worker's clock showed when a {@link ClockPing} came and when this left (ms). */
export interface ClockPong {
  readonly type: 'clockPong';
  /** Of the ping. */
  readonly sentMs: number;
  readonly remoteReceivedMs: number;
  readonly remoteSentMs: number;
}

/** What a worker did, by its own clock. */
export interface TraceSpans {
  readonly type: 'traceSpans';
  readonly records: readonly TraceRecord[];
  /** Records that were lost for want of room. */
  readonly dropped: number;
}

export type WorkerMessage =
  Hello | Ready | ExchangeNodes | StepReport | Evaluated | PeerLost | BoardRefused | Failed | ClockPong | TraceSpans;

/** Whether the layers are looked at in the update that follows so many others. */
export function isHealthDue(updates: number, { healthEverySteps }: { readonly healthEverySteps: number }): boolean {
  return healthEverySteps > 0 && updates % healthEverySteps === 0;
}

/** Most samples in a shard of an evaluation. */
export const EVALUATION_ROWS = 256;

/** Into how many shards a split of `size` samples is cut for evaluation: a function of its size alone. */
export function evaluationShards(size: number): number {
  return Math.ceil(size / EVALUATION_ROWS);
}
