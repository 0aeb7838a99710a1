/** Memory in which a worker adds up the buckets that it owns. */
import type { SumRoom } from '../src/collective/bucket-sums.js';
import { Arena, MAX_ARENA_BYTES, alignedAllocationSize, allocationSize, type Offset } from '../src/kernels/arena.js';
import { KERNEL_SCRATCH_ELEMENTS, type KernelFactory, type Kernels } from '../src/kernels/kernels.js';
import { bytesAt, placeIn, wholePages, type MemoryPart } from '../src/protocol/memory-part.js';
import type { RosterMember } from '../src/protocol/messages.js';
import type { Bucket } from '../src/reduce/buckets.js';
import { GradientRooms } from '../src/transport/gradient-rooms.js';

export interface BucketMemory {
  readonly kernels: Kernels;
  readonly room: SumRoom;
}

/** Memory for the buckets that a worker owns, packed one behind the other: for sums that all arrive by themselves. */
export function packedMemory(createKernels: KernelFactory, owned: readonly Bucket[], shards: number): BucketMemory {
  const places = new Map<number, number>();
  let stride = 0;
  for (const { index, start, end } of owned) {
    places.set(index, stride);
    stride += allocationSize(end - start);
  }
  const arena = Arena.create(allocationSize(KERNEL_SCRATCH_ELEMENTS) + allocationSize(stride * shards));
  const kernels = createKernels(arena, arena.allocate(KERNEL_SCRATCH_ELEMENTS));
  const base = arena.allocate(stride * shards);
  const place = (bucket: Bucket, block: number): Offset => base + block * stride + (places.get(bucket.index) ?? 0);
  return { kernels, room: { blocks: shards, place } };
}

/**
 * Memory with the gradients of the members of this host in it, this worker's own among them. It stays for as long as the worker takes part,
 * whatever it owns. Others begin their next attempt when they are told to, and not when a worker is done with the former one: so
 * their gradients are only read, and sums are formed in this worker's own.
 */
export class SharedBucketMemory implements BucketMemory {
  readonly kernels: Kernels;
  readonly room: SumRoom;
  readonly #self: string;
  /** This worker's gradients, where it computes them. */
  readonly #gradients: MemoryPart;
  readonly #rooms: GradientRooms;
  readonly #parts = new Map<string, MemoryPart>();

  private constructor(self: string, gradients: MemoryPart, createKernels: KernelFactory, sizes: Sizes) {
    const { blocks, stride, rooms, roomElements } = sizes;
    this.#self = self;
    this.#gradients = gradients;
    const arena = Arena.create(elementsOf(sizes));
    this.kernels = createKernels(arena, arena.allocate(KERNEL_SCRATCH_ELEMENTS));
    const base = arena.allocate(blocks * stride);
    const parts = Array.from({ length: rooms }, () =>
      wholePages(arena.memory.buffer, arena.allocateAligned(roomElements) * arena.elementBytes, gradients.bytes),
    );
    this.#rooms = new GradientRooms(parts, 'read');
    this.room = {
      blocks,
      place: ({ start }, block) => base + block * stride + start,
      // Who gets the sum has this worker's own gradients mapped.
      preference: (place) => {
        const own = this.#parts.get(self);
        const at = place * arena.elementBytes;
        const isIn = ({ byteOffset, bytes }: MemoryPart): boolean => at >= byteOffset && at < byteOffset + bytes;
        return own !== undefined && isIn(own) ? 2 : parts.some(isIn) ? 0 : 1;
      },
    };
  }

  /** @returns null where all that would not fit the addresses of one memory. */
  static create(
    self: string,
    gradients: MemoryPart,
    createKernels: KernelFactory,
    shards: number,
    parameterElements: number,
  ): SharedBucketMemory | null {
    const roomElements = gradients.bytes / Float32Array.BYTES_PER_ELEMENT;
    // More members than shards have nothing to add; and one room is this worker's own.
    const sizes = { blocks: shards, stride: allocationSize(parameterElements), rooms: shards + 1, roomElements };
    const fits = elementsOf(sizes) * Float32Array.BYTES_PER_ELEMENT < MAX_ARENA_BYTES / 2;
    return fits ? new SharedBucketMemory(self, gradients, createKernels, sizes) : null;
  }

  /** Maps the gradients of the members that offer them, and no others. */
  adopt(members: readonly RosterMember[]): void {
    this.#rooms.keep(members.map(({ id }) => id));
    this.#parts.clear();
    for (const { id, gradients } of members) {
      if (gradients === undefined) continue;
      const part = id === this.#self ? this.#rooms.take(id, gradients, 'write') : this.#rooms.take(id, gradients);
      if (part !== null) this.#parts.set(id, part);
    }
  }

  /** Where a member's gradients are mapped; null: nowhere. */
  partOf(member: string): MemoryPart | null {
    return this.#parts.get(member) ?? null;
  }

  /** Whether bytes lie in this memory. */
  holds(bytes: Uint8Array): boolean {
    return bytes.buffer === this.kernels.arena.memory.buffer;
  }

  /** Bytes of this worker's gradients, as they lie in this memory; others as they are. */
  fromEngine(bytes: Uint8Array): Uint8Array {
    return moved(bytes, this.#gradients, this.#parts.get(this.#self));
  }

  /** The way back from {@link fromEngine}: where others have this worker's gradients mapped. */
  toEngine(bytes: Uint8Array): Uint8Array {
    return moved(bytes, this.#parts.get(this.#self), this.#gradients);
  }
}

interface Sizes {
  readonly blocks: number;
  readonly stride: number;
  readonly rooms: number;
  readonly roomElements: number;
}

function elementsOf({ blocks, stride, rooms, roomElements }: Sizes): number {
  return (
    allocationSize(KERNEL_SCRATCH_ELEMENTS) +
    allocationSize(blocks * stride) +
    rooms * alignedAllocationSize(roomElements)
  );
}

/** The same memory by its other addresses. */
function moved(bytes: Uint8Array, from: MemoryPart | undefined, to: MemoryPart | undefined): Uint8Array {
  const place = from === undefined ? null : placeIn(from, bytes);
  return place === null || to === undefined ? bytes : (bytesAt(to, place, bytes.byteLength) ?? bytes);
}
