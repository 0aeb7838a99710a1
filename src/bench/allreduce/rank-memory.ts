/** Memory of one process of an all-reduce: its vectors, and those of others of this host. */
import { Arena, alignedAllocationSize, allocationSize, type Offset } from '../../kernels/arena.js';
import { KERNEL_SCRATCH_ELEMENTS, type Kernels } from '../../kernels/kernels.js';
import { createWasmKernels } from '../../kernels/wasm/wasm-kernels.js';
import { wholePages, type MemoryPart } from '../../protocol/memory-part.js';
import type { MemoryOffer } from '../../protocol/messages.js';
import type { SumRoom } from '../../collective/bucket-sums.js';
import { GradientRooms } from '../../transport/gradient-rooms.js';

export class RankMemory {
  readonly kernels: Kernels;
  /** What this process adds to the sum, and where the sum ends up. */
  readonly part: Offset;
  readonly result: Offset;
  /** Both, for others to map. */
  readonly vectors: MemoryPart;
  readonly room: SumRoom;
  readonly #rooms: GradientRooms;
  readonly #mapped = new Map<string, MemoryPart>();

  /** @param elements of the longest vector. */
  constructor(elements: number, processes: number) {
    const others = processes - 1;
    const stride = allocationSize(elements);
    const shared = 2 * stride;
    const arena = Arena.create(
      KERNEL_SCRATCH_ELEMENTS + allocationSize(others * stride) + processes * alignedAllocationSize(shared),
    );
    this.kernels = createWasmKernels(arena, arena.allocate(KERNEL_SCRATCH_ELEMENTS));
    const base = arena.allocate(others * stride);
    const allocate = (): MemoryPart =>
      wholePages(arena.memory.buffer, arena.allocateAligned(shared) * arena.elementBytes, shared * arena.elementBytes);
    this.vectors = allocate();
    this.part = this.vectors.byteOffset / arena.elementBytes;
    this.result = this.part + stride;
    const rooms = Array.from({ length: others }, allocate);
    this.#rooms = new GradientRooms(rooms, 'read');
    const isIn = ({ byteOffset, bytes }: MemoryPart, at: number): boolean =>
      at >= byteOffset && at < byteOffset + bytes;
    this.room = {
      blocks: others,
      place: ({ start }, block) => base + block * stride + start,
      // As in a worker: what others have computed is only read.
      preference: (place) => (rooms.some((room) => isIn(room, place * arena.elementBytes)) ? 0 : 1),
    };
  }

  /** Maps the vectors of another process. */
  map(member: string, offer: MemoryOffer): void {
    const room = this.#rooms.take(member, offer);
    if (room !== null) this.#mapped.set(member, room);
  }

  /** Where the vectors of another process are mapped; null: nowhere. */
  mappedOf(member: string): MemoryPart | null {
    return this.#mapped.get(member) ?? null;
  }

  /** Whether bytes lie in this memory: they are there for longer than a call. */
  holds(bytes: Uint8Array): boolean {
    return bytes.buffer === this.kernels.arena.memory.buffer;
  }
}
