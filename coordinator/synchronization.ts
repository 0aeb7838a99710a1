/**
 * The coordinator's part in synchronizing workers: takes in gradient sums bucket by bucket, has the model state apply each as soon
 * as it is complete, and sends the new weights on their way while other buckets are still being summed. What it sends before the
 * commit is the version to come: workers keep it aside until a plan names it.
 */
import type { WireFormat } from '../src/common/wire-format.js';
import { BucketSums } from '../src/collective/bucket-sums.js';
import { EarlyPieces } from '../src/collective/early-pieces.js';
import { collectives, sentTo, type Collective } from '../src/collective/collective.js';
import { stepArgs, type Tracer } from '../src/common/trace.js';
import type { Offset } from '../src/kernels/arena.js';
import type { Exchange } from '../src/nn/layer.js';
import type { Model } from '../src/nn/model.js';
import { compareFences, type Fence, type Roster } from '../src/protocol/messages.js';
import { cutBuckets, type Bucket, type Range } from '../src/reduce/buckets.js';
import { ROOT, type Piece } from '../src/protocol/piece.js';
import type { CommitOptions, ModelState, UpdateResult } from './model-state.js';
import type { ExchangeOutcome, StepAttempt } from './step-attempt.js';

export interface SynchronizationOptions {
  readonly model: Model;
  readonly state: ModelState;
  /** Told what happens when. */
  readonly tracer: Tracer;
  /** What gradient sums travel in. */
  readonly gradientFormat: WireFormat;
  /** Whether a worker has mapped the model vectors. */
  isShared(worker: string): boolean;
  send(worker: string, piece: Piece): void;
}

/** The place of a batch in the update that it is part of. */
export interface UpdatePart {
  readonly isFirst: boolean;
  readonly isLast: boolean;
  /** Samples of all batches of the update. */
  readonly samples: number;
}

/** What a step has spent its time on here (ms). */
export interface SynchronizationTimes {
  readonly updateMs: number;
  readonly broadcastMs: number;
}

/** What a worker has been sent: versions of the parameters and of the running statistics. */
interface Known {
  parameters: number;
  statistics: number;
}

export class Synchronization {
  readonly #options: SynchronizationOptions;
  #collective: Collective = collectives.star;
  #members: readonly string[] = [];
  #buckets: readonly Bucket[] = [];
  #sums: BucketSums | null = null;
  /** Workers that take part in the attempt under way. */
  #participants: readonly string[] = [];
  /** Buckets of the attempt that are summed. */
  #complete: { readonly bucket: Bucket; readonly sum: Offset }[] = [];
  /** Whether the attempt is at the last batch of an update, and whether at the first. */
  #isLast = true;
  #isFirst = true;
  /** Buckets whose new weights have to wait for the commit. */
  #waiting: Bucket[] = [];
  readonly #known = new Map<string, Known>();
  /** A member of a mesh is gone, and with it perhaps weights that it was to pass on. */
  #memberLost = false;
  #fence: Fence = { epoch: 0, step: 0, attempt: 0 };
  /** From workers that are a step ahead: they have all that an update makes before it is committed. */
  readonly #early: EarlyPieces;
  /** The weights that a step begins with are on their way. */
  #beginningSent = false;
  #updateMs = 0;
  #broadcastMs = 0;

  constructor(options: SynchronizationOptions) {
    this.#options = options;
    const { memory } = options.state.kernels.arena;
    this.#early = new EarlyPieces(({ bytes }) => bytes.buffer === memory.buffer);
  }

  /** The members of a membership epoch, and how they work together. */
  adopt(roster: Roster): void {
    const { model, state } = this.#options;
    const members = roster.members.map(({ id }) => id);
    // Whoever leaves a mesh hangs up on the others, and what they were about to pass on is lost.
    if (this.#collective.name === 'mesh' && roster.collective !== 'mesh') this.#known.clear();
    this.#memberLost = false;
    this.#collective = collectives[roster.collective];
    this.#members = members;
    this.#buckets = cutBuckets(
      model.tensors.filter(({ parameter }) => parameter !== null),
      roster.bucketElements,
      model.parameterElements,
    );
    const room = {
      blocks: state.gradientBlocks.length,
      place: (bucket: Bucket, block: number) => (state.gradientBlocks[block] ?? 0) + bucket.start,
    };
    this.#sums = new BucketSums(
      state.kernels,
      this.#options.gradientFormat,
      room,
      this.#buckets,
      (bucket, sum) => {
        this.#complete.push({ bucket, sum });
        if (this.#isLast) this.#apply(bucket, sum);
      },
      this.#options.tracer,
    );
  }

  /** Everybody who is ready, where owners take part without shards of their own; else those who have shards. */
  get everyoneTakesPart(): boolean {
    return this.#collective.name === 'mesh';
  }

  /** @param update What the batch of the attempt is part of. */
  begin(attempt: StepAttempt, update: UpdatePart): void {
    this.#participants = attempt.participants;
    this.#complete = [];
    this.#waiting = [];
    this.#beginningSent = false;
    this.#fence = attempt.fence;
    if (update.isFirst) [this.#updateMs, this.#broadcastMs] = [0, 0];
    this.#isFirst = update.isFirst;
    this.#isLast = update.isLast;
    this.#options.state.begin({ epoch: attempt.work.dataEpoch, batchCount: update.samples });
    this.#sums?.begin({
      fence: attempt.fence,
      totalShards: attempt.totalShards,
      holdsSamples: (shard) => attempt.holdsSamples(shard),
    });
    for (const piece of this.#early.take(attempt.fence)) this.receive(piece);
  }

  receive(piece: Piece): void {
    const order = compareFences(piece.fence, this.#fence);
    if (order === 0) this.#sums?.receive(piece);
    else if (order > 0) this.#early.keep(piece);
  }

  /** Whether the sums of all buckets are in. */
  get complete(): boolean {
    return this.#complete.length === this.#buckets.length;
  }

  /** Keeps the sums of a complete attempt for the last batch of the update. */
  accumulate(): void {
    const { kernels, accumulated } = this.#options.state;
    if (accumulated === null) throw new RangeError('an update has one batch');
    for (const { bucket, sum } of this.#complete) {
      const [count, to] = [bucket.end - bucket.start, accumulated + bucket.start];
      if (this.#isFirst) kernels.copy(count, sum, to);
      else kernels.add(count, sum, to);
    }
  }

  /** Commits the step; all buckets are {@link complete}. */
  commit(
    moments: readonly (readonly [Exchange, ExchangeOutcome])[],
    options: CommitOptions = {},
  ): UpdateResult & SynchronizationTimes {
    const { state } = this.#options;
    const began = performance.now();
    const result = state.commit(moments, options);
    this.#updateMs += this.#spent('update', began);
    // First layer first: that is where the next step begins.
    const waiting = result.skipped ? [] : this.#waiting;
    for (const bucket of waiting.sort((a, b) => a.start - b.start)) {
      this.#sendBucket(bucket, state.version, state.committed);
    }
    // After a step that was skipped the weights are the old ones under a new number: each is brought up to date when it is needed.
    if (!this.#memberLost && !result.skipped) {
      for (const worker of this.#participants) this.#knownBy(worker).parameters = state.version;
    }
    return { ...result, updateMs: this.#updateMs, broadcastMs: this.#broadcastMs };
  }

  /** Sees to it that a worker has, or is on its way to have, the committed parameters; and the running statistics if asked for. */
  bring(worker: string, statistics: boolean): void {
    const { state, model } = this.#options;
    const known = this.#knownBy(worker);
    const version = state.published;
    if (known.parameters !== version) {
      this.#send([worker], { start: 0, end: model.parameterElements }, version, state.committed);
      known.parameters = version;
    }
    if (statistics && known.statistics !== version) {
      const range = { start: model.parameterElements, end: model.vectorElements };
      if (range.end > range.start) this.#send([worker], range, version, state.committed);
      known.statistics = version;
    }
  }

  /** Forgets a worker that is gone. */
  forget(worker: string): void {
    this.#known.delete(worker);
    if (this.#collective.name !== 'mesh' || !this.#members.includes(worker)) return;
    this.#memberLost = true;
    this.#known.clear();
  }

  #apply(bucket: Bucket, sum: Offset): void {
    const { state } = this.#options;
    const began = performance.now();
    if (state.accumulated !== null && !this.#isFirst)
      state.kernels.add(bucket.end - bucket.start, state.accumulated + bucket.start, sum);
    const isThere = state.updateRange(bucket, sum);
    this.#updateMs += this.#spent('update', began, bucket);
    if (isThere) this.#sendBucket(bucket, state.version + 1, state.next);
    else this.#waiting.push(bucket);
  }

  #sendBucket(bucket: Bucket, version: number, vector: Float32Array): void {
    const owner = this.#collective.owner(bucket.index, this.#members);
    const began = performance.now();
    this.#beginningSent ||= bucket.start === 0;
    this.#send(
      sentTo(owner, this.#participants, (worker) => this.#options.isShared(worker)),
      bucket,
      version,
      vector,
      // Nobody can use the others before.
      this.#beginningSent,
    );
    this.#broadcastMs += this.#spent('broadcast', began, bucket);
  }

  /** Tells of something that ends now; returns how long it took (ms). */
  #spent(what: 'update' | 'broadcast', began: number, bucket?: Bucket): number {
    const { tracer } = this.#options;
    const now = performance.now();
    if (tracer.enabled) {
      const args = stepArgs(this.#fence, bucket === undefined ? {} : { bucket: bucket.index });
      tracer.span(what, bucket === undefined ? 'commit' : what, began, now, args);
    }
    return now - began;
  }

  #send(
    workers: readonly string[],
    { start, end }: Range,
    version: number,
    vector: Float32Array,
    isAwaited = true,
  ): void {
    const bytes = new Uint8Array(vector.buffer, vector.byteOffset + start * 4, (end - start) * 4);
    const fence = { epoch: 0, step: version, attempt: 0 };
    const piece: Piece = {
      kind: 'weights',
      fence,
      node: ROOT,
      start,
      count: end - start,
      format: 'float32',
      bytes,
      isAwaited,
    };
    for (const worker of workers) this.#options.send(worker, piece);
  }

  #knownBy(worker: string): Known {
    const known = this.#known.get(worker) ?? { parameters: -1, statistics: -1 };
    this.#known.set(worker, known);
    return known;
  }
}
