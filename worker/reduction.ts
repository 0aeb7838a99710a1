/**
 * A worker's part in summing gradients: sends its partial sums of a bucket to the bucket's owner, adds up those of the buckets
 * that it owns itself, and passes the new weights of these on.
 */
import { collectives, passedOnTo, type Collective } from '../src/collective/collective.js';
import { BucketSums } from '../src/collective/bucket-sums.js';
import { EarlyPieces } from '../src/collective/early-pieces.js';
import { gradientFlow, stepArgs, type Tracer } from '../src/common/trace.js';
import type { WireFormat } from '../src/common/wire-format.js';
import type { KernelFactory } from '../src/kernels/kernels.js';
import { COORDINATOR } from '../src/protocol/link.js';
import type { MemoryPart } from '../src/protocol/memory-part.js';
import { compareFences, type Fence, type Plan, type Roster } from '../src/protocol/messages.js';
import { bucketAt, type Bucket } from '../src/reduce/buckets.js';
import { cutShards } from '../src/reduce/shards.js';
import { rootLevel, type TreeNode } from '../src/reduce/tree.js';
import { ROOT, type Piece } from '../src/protocol/piece.js';
import { SharedBucketMemory, packedMemory, type BucketMemory } from './bucket-memory.js';

export interface ReductionOptions {
  readonly self: string;
  readonly createKernels: KernelFactory;
  /** This worker's gradient sums, where others may share them; null: they may not. */
  readonly gradients: MemoryPart | null;
  readonly parameterElements: number;
  /** Logical shards of a batch. */
  readonly shards: number;
  /** What gradient sums travel in. */
  readonly gradientFormat: WireFormat;
  send(to: string, piece: Piece): void;
  /** Told what happens when. */
  readonly tracer: Tracer;
}

/** A gradient sum of this worker, laid out like the parameters. */
export interface GradientNode extends TreeNode {
  readonly values: Float32Array;
}

/** What a plan says of sums. */
type PlannedSums = Pick<Plan, 'fence' | 'batchCount' | 'ahead'>;

export class Reduction {
  readonly #options: ReductionOptions;
  #collective: Collective = collectives.star;
  #members: readonly string[] = [];
  #sharing: readonly string[] = [];
  #buckets: readonly Bucket[] = [];
  #owned: BucketSums | null = null;
  #shared: SharedBucketMemory | null = null;
  #fence: Fence | null = null;
  /** A plan whose turn comes when the sums of the one before are complete. */
  #next: PlannedSums | null = null;
  /** Pieces of a plan that has not begun here: streams overtake each other. */
  readonly #early = new EarlyPieces(({ bytes }) => this.#shared?.holds(bytes) === true);

  constructor(options: ReductionOptions) {
    this.#options = options;
  }

  /** Takes part in a membership epoch. */
  adopt(roster: Roster, buckets: readonly Bucket[]): void {
    const { createKernels, shards } = this.#options;
    this.#collective = collectives[roster.collective];
    this.#members = roster.members.map(({ id }) => id);
    this.#sharing = roster.members.filter(({ gradients }) => gradients !== undefined).map(({ id }) => id);
    this.#buckets = buckets;
    this.#fence = null;
    this.#next = null;
    const owned = buckets.filter((bucket) => this.#owner(bucket) === this.#options.self);
    // Who owns nothing now may own something later, and dials the others only once.
    if (roster.collective === 'mesh') this.#share(roster);
    const memory = (): BucketMemory => this.#shared ?? packedMemory(createKernels, owned, shards);
    this.#owned = owned.length === 0 ? null : this.#collect(owned, memory());
  }

  /** Where a member's gradients are mapped in this worker; null: nowhere. */
  mappedOf(member: string): MemoryPart | null {
    return this.#shared?.partOf(member) ?? null;
  }

  /** Starts to sum the attempt of a plan: at once, or, for one that is made ahead, when the sums of the one before are complete. */
  begin(plan: PlannedSums): void {
    this.#next = null;
    if (plan.ahead && this.#owned?.isComplete === false) this.#next = plan;
    else this.#start(plan);
  }

  #start({ fence, batchCount }: PlannedSums): void {
    this.#fence = fence;
    const shards = cutShards(batchCount, this.#options.shards);
    this.#owned?.begin({
      fence,
      totalShards: this.#options.shards,
      holdsSamples: (shard) => (shards[shard]?.rows ?? 0) > 0,
    });
    for (const piece of this.#early.take(fence)) this.receive(piece);
  }

  /** This worker's sums of a bucket are formed. */
  ready(bucket: Bucket, nodes: readonly GradientNode[]): void {
    const fence = this.#fence;
    if (fence === null) return;
    const { start, end } = bucket;
    const owner = this.#owner(bucket);
    for (const { level, index, values } of nodes) {
      const bytes = new Uint8Array(values.buffer, values.byteOffset + start * 4, (end - start) * 4);
      const node = { level, index };
      const piece: Piece = { kind: 'gradient', fence, node, start, count: end - start, format: 'float32', bytes };
      if (owner === this.#options.self)
        this.#owned?.receive({ ...piece, bytes: this.#shared?.fromEngine(bytes) ?? bytes }, 'here');
      else this.#send(owner, piece, bucket, 'send gradient');
    }
  }

  /** A part of another worker's sum, for a bucket that this one owns. */
  receive(piece: Piece): void {
    const order = this.#fence === null ? 1 : compareFences(piece.fence, this.#fence);
    if (order === 0) this.#owned?.receive(piece);
    else if (order > 0) this.#early.keep(piece);
  }

  /** New weights came from the coordinator: `vector` holds them, and the other workers are waiting. */
  passOn({ fence, start, count }: Piece, vector: Float32Array): void {
    const bucket = bucketAt(this.#buckets, start);
    if (bucket === undefined || this.#owner(bucket) !== this.#options.self || start + count > bucket.end) return;
    const bytes = new Uint8Array(vector.buffer, vector.byteOffset + start * 4, count * 4);
    const piece: Piece = { kind: 'weights', fence, node: ROOT, start, count, format: 'float32', bytes };
    const { self, tracer } = this.#options;
    const began = performance.now();
    for (const member of passedOnTo(self, this.#members, (member) => this.#sharing.includes(member)))
      this.#options.send(member, piece);
    // Versions are counted like steps from 1: the weights of a version are those that its step has made.
    const args = { step: fence.step, bucket: bucket.index, bytes: bytes.length };
    tracer.span('broadcast', 'pass on', began, performance.now(), args);
  }

  /** The bucket that an element belongs to; undefined for running statistics. */
  bucketOf(element: number): number | undefined {
    return bucketAt(this.#buckets, element)?.index;
  }

  #owner(bucket: Bucket): string {
    return this.#collective.owner(bucket.index, this.#members);
  }

  /** Queues a piece of this step; where it is added, an arrow ends that begins here. */
  #send(to: string, piece: Piece, bucket: Bucket, name: string): void {
    const { tracer, shards } = this.#options;
    const began = performance.now();
    this.#options.send(to, piece);
    if (!tracer.enabled) return;
    const node = piece.kind === 'sum' ? { level: rootLevel(shards), index: 0 } : piece.node;
    const flowOut = gradientFlow(piece.fence, node, bucket.index);
    const args = stepArgs(piece.fence, { bucket: bucket.index, bytes: piece.bytes.byteLength, flowOut });
    tracer.span('network', name, began, performance.now(), args);
  }

  #share({ members }: Roster): void {
    const { self, gradients, createKernels, shards, parameterElements } = this.#options;
    if (gradients !== null && this.#sharing.includes(self))
      this.#shared ??= SharedBucketMemory.create(self, gradients, createKernels, shards, parameterElements);
    this.#shared?.adopt(members);
  }

  #collect(owned: readonly Bucket[], { kernels, room }: BucketMemory): BucketSums {
    const { gradientFormat, tracer } = this.#options;
    return new BucketSums(
      kernels,
      gradientFormat,
      room,
      owned,
      (bucket, sum) => {
        const fence = this.#fence;
        if (fence === null) return;
        const count = bucket.end - bucket.start;
        const values = kernels.arena.view(sum, count);
        const formed = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
        const bytes = this.#shared?.toEngine(formed) ?? formed;
        const piece: Piece = { kind: 'sum', fence, node: ROOT, start: bucket.start, count, format: 'float32', bytes };
        this.#send(COORDINATOR, piece, bucket, 'send sum');
        if (this.#next !== null && this.#owned?.isComplete === true) this.begin(this.#next);
      },
      tracer,
    );
  }
}
