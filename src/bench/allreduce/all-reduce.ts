/**
 * An all-reduce of one vector among equals, put together from the parts that sum gradients: each process sends its part of a bucket
 * to the bucket's owner, the owner adds the parts in tree order as they arrive, and sends the sum to everybody else. In training the
 * coordinator stands between the sum and what owners pass on; here nothing does, so that this can be held against other
 * libraries. In a star the first process owns every bucket, in a mesh each process its share.
 */
import { BucketSums } from '../../collective/bucket-sums.js';
import { collectives, passedOnTo } from '../../collective/collective.js';
import { Condition } from '../../common/condition.js';
import type { Offset } from '../../kernels/arena.js';
import { COORDINATOR } from '../../protocol/link.js';
import type { CollectiveName, Fence } from '../../protocol/messages.js';
import { bucketElements, cutBuckets, type Bucket } from '../../reduce/buckets.js';
import { ROOT, type Piece, type WireFormat } from '../../protocol/piece.js';
import { FLOAT32, WireCodec } from '../../transport/wire-codec.js';
import type { RankMemory } from './rank-memory.js';

export interface AllReduceOptions {
  readonly self: string;
  /** In the order of their rank. */
  readonly members: readonly string[];
  readonly collective: CollectiveName;
  readonly elements: number;
  /** What parts and sums travel in; parts must hold numbers of this format. */
  readonly format: WireFormat;
  /** With room for the vector, and for those of the others. */
  readonly memory: RankMemory;
  /** Whether a member has this one's memory mapped: what need not travel needs no format to travel in. Default: no. */
  readonly shares?: (member: string) => boolean;
  readonly send: (to: string, piece: Piece) => void;
}

/** A piece that can be looked at later. (`slice` of a Node buffer, which gRPC uses again, would not copy.) */
export function keptPiece(piece: Piece, memory: RankMemory): Piece {
  return memory.holds(piece.bytes) ? piece : { ...piece, bytes: Uint8Array.from(piece.bytes) };
}

export class AllReduce {
  readonly #options: AllReduceOptions;
  readonly #memory: RankMemory;
  readonly #buckets: readonly Bucket[];
  readonly #sums: BucketSums;
  readonly #codec: WireCodec;
  readonly #changed = new Condition();
  #step = -1;
  /** Elements of the result that are there. */
  #arrived = 0;
  /** Pieces of the next all-reduce: others may be ahead. */
  #early: Piece[] = [];

  constructor(options: AllReduceOptions) {
    const { collective, members, elements, format } = options;
    this.#options = options;
    this.#memory = options.memory;
    this.#codec = new WireCodec({ ...FLOAT32, gradients: format });
    const owners = collective === 'mesh' ? members.length : 1;
    this.#buckets = cutBuckets([{ offset: 0, size: elements }], bucketElements(elements, owners), elements);
    const owned = this.#buckets.filter((bucket) => this.#owner(bucket) === options.self);
    const { kernels, room } = this.#memory;
    this.#sums = new BucketSums(kernels, format, room, owned, (bucket, sum) => this.#publish(bucket, sum));
  }

  /** What this process adds to the sum; may be changed while no all-reduce is under way. */
  get part(): Float32Array {
    return this.#view(this.#memory.part);
  }

  get result(): Float32Array {
    return this.#view(this.#memory.result);
  }

  /** Sums the parts of all members; `step` counts the calls, and is the same for all members. */
  async run(step: number): Promise<void> {
    const { self, members } = this.#options;
    this.#step = step;
    this.#arrived = 0;
    const fence = this.#fence;
    this.#sums.begin({ fence, totalShards: members.length, holdsSamples: () => true });
    const early = this.#early;
    this.#early = [];
    for (const piece of early) this.receive(piece);
    const node = { level: 0, index: members.indexOf(self) };
    for (const bucket of this.#buckets) {
      const owner = this.#owner(bucket);
      const piece = this.#piece('gradient', bucket, this.#memory.part + bucket.start, node);
      if (owner === self) this.#sums.receive(piece);
      else this.#send(owner, piece);
    }
    await this.#changed.until(() => this.#arrived === this.#options.elements);
  }

  /** Part of another member's vector, or of the sum. */
  receive(arrived: Piece): void {
    const { step } = arrived.fence;
    if (step > this.#step) this.#early.push(keptPiece(arrived, this.#memory));
    if (step !== this.#step) return;
    const piece = this.#codec.decode(arrived);
    if (piece.kind === 'gradient') {
      this.#sums.receive(piece);
    } else {
      this.#memory.kernels.arena.bytes.set(piece.bytes, (this.#memory.result + piece.start) * 4);
      this.#arrive(piece.count);
    }
  }

  #publish(bucket: Bucket, sum: Offset): void {
    const { self, members } = this.#options;
    const count = bucket.end - bucket.start;
    this.#memory.kernels.copy(count, sum, this.#memory.result + bucket.start);
    const piece = this.#piece('sum', bucket, this.#memory.result + bucket.start, ROOT);
    for (const member of passedOnTo(self, members, () => false)) this.#send(member, piece);
    this.#arrive(count);
  }

  #send(to: string, piece: Piece): void {
    const { send, shares } = this.#options;
    send(to, shares?.(to) === true ? piece : this.#codec.encode(piece));
  }

  #arrive(count: number): void {
    this.#arrived += count;
    if (this.#arrived === this.#options.elements) this.#changed.notify();
  }

  #piece(kind: Piece['kind'], { start, end }: Bucket, at: Offset, node: Piece['node']): Piece {
    const count = end - start;
    const bytes = this.#memory.kernels.arena.bytes.subarray(at * 4, (at + count) * 4);
    return { kind, fence: this.#fence, node, start, count, format: 'float32', bytes };
  }

  get #fence(): Fence {
    return { epoch: 0, step: this.#step, attempt: 1 };
  }

  #owner(bucket: Bucket): string {
    const { collective, members } = this.#options;
    const owner = collectives[collective].owner(bucket.index, members);
    // There is no coordinator here.
    return owner === COORDINATOR ? (members[0] ?? '') : owner;
  }

  #view(at: Offset): Float32Array {
    return this.#memory.kernels.arena.view(at, this.#options.elements) as Float32Array;
  }
}
