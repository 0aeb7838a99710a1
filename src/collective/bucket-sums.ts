/**
 * The owner's side of a reduction: takes the partial sums of one step's buckets as they arrive, adds them in tree order, and
 * says when a bucket is complete. The coordinator owns all buckets in a star; in a mesh each worker owns its share, and the
 * coordinator receives finished sums.
 */
import { LockstepError } from '../common/errors.js';
import { NO_TRACER, gradientFlow, stepArgs, type Tracer } from '../common/trace.js';
import type { WireFormat } from '../common/wire-format.js';
import type { Offset } from '../kernels/arena.js';
import type { Kernels } from '../kernels/kernels.js';
import { sameFence, type Fence } from '../protocol/messages.js';
import { elementBytes, type Piece } from '../protocol/piece.js';
import { TreeAccumulator } from '../reduce/accumulator.js';
import { bucketAt, type Bucket } from '../reduce/buckets.js';
import { nodeKey, rootLevel, type TreeNode } from '../reduce/tree.js';

/** What is summed: the attempt, and the shards that take part in it. */
export interface SumShape {
  readonly fence: Fence;
  readonly totalShards: number;
  readonly holdsSamples: (shard: number) => boolean;
}

/** A partial sum on its way in. */
interface Arriving {
  readonly place: Offset;
  received: number;
}

interface BucketState {
  readonly bucket: Bucket;
  readonly accumulator: TreeAccumulator<Offset>;
  /** Free places for partial sums of this bucket. */
  readonly free: Offset[];
  readonly arriving: Map<string, Arriving>;
}

/** Memory for partial sums: so many blocks for each bucket. */
export interface SumRoom {
  readonly blocks: number;
  place(bucket: Bucket, block: number): Offset;
  /** How good a place is for a sum: 0 where only others write. Default: all are alike. */
  preference?(place: Offset): number;
}

export class BucketSums {
  readonly #kernels: Kernels;
  readonly #format: WireFormat;
  readonly #room: SumRoom;
  readonly #buckets: readonly Bucket[];
  readonly #tracer: Tracer;
  readonly #complete: (bucket: Bucket, sum: Offset) => void;
  #shape: SumShape | null = null;
  /** Buckets of the attempt whose sums are not complete. */
  #left = 0;
  #states = new Map<Bucket, BucketState>();

  /**
   * @param format What gradients travel in: every sum is rounded to it.
   * @param buckets Those that are summed here.
   * @param complete Called for each bucket whose sum is complete, with the place of its first element; the sum stays there
   *   until the next {@link begin}.
   * @param tracer Told of each addition.
   */
  constructor(
    kernels: Kernels,
    format: WireFormat,
    room: SumRoom,
    buckets: readonly Bucket[],
    complete: (bucket: Bucket, sum: Offset) => void,
    tracer: Tracer = NO_TRACER,
  ) {
    this.#kernels = kernels;
    this.#format = format;
    this.#room = room;
    this.#buckets = buckets;
    this.#complete = complete;
    this.#tracer = tracer;
  }

  /** Starts to collect the sums of an attempt, dropping what is left of an earlier one. */
  begin(shape: SumShape): void {
    this.#shape = shape;
    this.#left = this.#buckets.length;
    this.#states = new Map(this.#buckets.map((bucket) => [bucket, this.#open(bucket, shape)]));
  }

  /** Whether the sums of all buckets are complete; also before the first attempt. */
  get isComplete(): boolean {
    return this.#left === 0;
  }

  /**
   * Takes a part of a node's sum, or of a finished sum; parts of other attempts are dropped.
   *
   * @param origin Whether it was formed by whoever sums: no arrow of the trace leads here then.
   */
  receive({ kind, fence, node, start, count, format, bytes }: Piece, origin: 'here' | 'elsewhere' = 'elsewhere'): void {
    const shape = this.#shape;
    if (shape === null || !sameFence(fence, shape.fence)) return;
    const bucket = bucketAt(this.#buckets, start);
    const state = bucket === undefined ? undefined : this.#states.get(bucket);
    if (bucket === undefined || state === undefined || start + count > bucket.end)
      throw new LockstepError('internal', `elements ${start} to ${start + count} are no part of a bucket summed here`);
    const { arriving } = state;
    const length = bucket.end - bucket.start;
    const place = kind === 'sum' ? { level: rootLevel(shape.totalShards), index: 0 } : node;
    const { arena } = this.#kernels;
    if (bytes.buffer === arena.memory.buffer && count === length && format === 'float32') {
      // From within this process: it stays unchanged until the next plan.
      this.#add(state, fence, place, bytes.byteOffset / arena.elementBytes, origin);
      return;
    }
    if (format !== 'float32' || bytes.length !== count * elementBytes(format))
      throw new LockstepError('internal', `a piece of ${count} elements in ${format} has ${bytes.length} bytes`);
    const key = nodeKey(place);
    let part = arriving.get(key);
    if (part === undefined) {
      part = { place: this.#takeBlock(state), received: 0 };
      arriving.set(key, part);
    }
    const began = performance.now();
    arena.bytes.set(bytes, (part.place + start - bucket.start) * arena.elementBytes);
    if (this.#tracer.enabled) {
      const args = stepArgs(fence, { bucket: bucket.index, bytes: bytes.length });
      this.#tracer.span('reduce', 'take in', began, performance.now(), args);
    }
    part.received += count;
    if (part.received < length) return;
    arriving.delete(key);
    this.#add(state, fence, place, part.place, origin);
  }

  #open(bucket: Bucket, { totalShards, holdsSamples }: SumShape): BucketState {
    const places = Array.from({ length: this.#room.blocks }, (_, block) => this.#room.place(bucket, block));
    const free = [...places].reverse();
    const length = bucket.end - bucket.start;
    const state: BucketState = {
      bucket,
      free,
      arriving: new Map(),
      accumulator: new TreeAccumulator<Offset>(totalShards, holdsSamples, (left, right) => {
        const { from, to } = this.#roles(state, left, right);
        if (this.#format === 'float32') this.#kernels.add(length, from, to);
        else this.#kernels.addRounded(this.#format, length, from, to);
        if (places.includes(from)) free.push(from);
        return to;
      }),
    };
    return state;
  }

  /** Which of two sums is added to the other: a sum is the same either way, but not everyone's may be written. */
  #roles(state: BucketState, left: Offset, right: Offset): { readonly from: Offset; readonly to: Offset } {
    const preference = (place: Offset): number => this.#room.preference?.(place) ?? 1;
    const [ofLeft, ofRight] = [preference(left), preference(right)];
    if (ofRight > ofLeft) return { from: left, to: right };
    if (ofLeft > 0) return { from: right, to: left };
    const to = this.#takeBlock(state);
    this.#kernels.copy(state.bucket.end - state.bucket.start, left, to);
    return { from: right, to };
  }

  #add(
    { bucket, accumulator }: BucketState,
    fence: Fence,
    node: TreeNode,
    sum: Offset,
    origin: 'here' | 'elsewhere',
  ): void {
    const began = performance.now();
    accumulator.add(node, sum);
    if (this.#tracer.enabled) {
      const flow = origin === 'here' ? {} : { flowIn: gradientFlow(fence, node, bucket.index) };
      const args = stepArgs(fence, { bucket: bucket.index, ...flow });
      this.#tracer.span('reduce', 'add', began, performance.now(), args);
    }
    if (accumulator.sum === undefined) return;
    this.#left -= 1;
    this.#complete(bucket, accumulator.sum);
  }

  #takeBlock({ free }: BucketState): Offset {
    const place = free.pop();
    if (place === undefined) {
      throw new LockstepError('job', `there is no room for more than ${this.#room.blocks} partial gradients`, {
        hint: 'Lower training.shards, or use fewer workers.',
      });
    }
    return place;
  }
}
