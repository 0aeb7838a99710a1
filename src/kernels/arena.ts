/**
 * One block of memory that holds everything numeric in a process: weights, gradients, activations. It is a shared
 * WebAssembly memory, so that compute threads, the WASM kernels and OpenBLAS all work on it in place.
 *
 * An arena hands out space by bumping a pointer and never takes it back. Threads that build the same layout in the same
 * order therefore arrive at the same offsets without exchanging them.
 */

/** A position in an arena, counted in elements (not bytes) from its start. */
export type Offset = number;

export type Precision = 'float32' | 'float64';

/** Left free at the bottom of a float32 arena for the static data of the WASM module (bytes). */
export const RESERVED_BYTES = 65_536;

/** Of WebAssembly, and no shorter than those of any system that Node runs on. */
export const PAGE_BYTES = 65_536;
/** Blocks start on a cache line, which is also the widest vector register. */
const ALIGNMENT_BYTES = 64;
/** The limit of 32-bit WebAssembly addresses. */
export const MAX_ARENA_BYTES = 65_536 * PAGE_BYTES;

export class Arena {
  readonly precision: Precision;
  /** Bytes per element: 4 or 8. */
  readonly elementBytes: 4 | 8;
  /** Every element, by offset. */
  readonly floats: Float32Array | Float64Array;
  /** The same memory as bytes; byte position = offset × elementBytes. */
  readonly bytes: Uint8Array;
  readonly memory: WebAssembly.Memory;
  #next: Offset;

  private constructor(memory: WebAssembly.Memory, precision: Precision, next?: Offset) {
    this.memory = memory;
    this.precision = precision;
    this.elementBytes = precision === 'float32' ? 4 : 8;
    this.floats = precision === 'float32' ? new Float32Array(memory.buffer) : new Float64Array(memory.buffer);
    this.bytes = new Uint8Array(memory.buffer);
    this.#next = next ?? RESERVED_BYTES / this.elementBytes;
  }

  /**
   * Reserves address space for `elements` elements. The operating system hands out the pages when they are first
   * written, so room that a layout might need costs nothing until it does.
   *
   * @throws RangeError when it would not fit 32-bit addresses (4 GiB).
   */
  static create(elements: number, precision: Precision = 'float32'): Arena {
    const bytes = RESERVED_BYTES + elements * (precision === 'float32' ? 4 : 8);
    if (bytes > MAX_ARENA_BYTES) {
      throw new RangeError(
        `${(bytes / 2 ** 30).toFixed(1)} GiB of tensors do not fit the 4 GiB that one process can address`,
      );
    }
    const pages = Math.ceil(bytes / PAGE_BYTES);
    return new Arena(new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true }), precision);
  }

  /**
   * The same memory seen from another thread; replay the same allocations to find the same blocks.
   *
   * @param next where these allocations begin: what {@link Arena.next} was before the first of them
   */
  static attach(memory: WebAssembly.Memory, next: Offset, precision: Precision = 'float32'): Arena {
    return new Arena(memory, precision, next);
  }

  /** Where the next block will start. */
  get next(): Offset {
    return this.#next;
  }

  /** Space for `elements` elements, zero on first use. */
  allocate(elements: number): Offset {
    const offset = this.#next;
    const step = ALIGNMENT_BYTES / this.elementBytes;
    const next = offset + Math.ceil(elements / step) * step;
    if (next > this.floats.length) {
      throw new RangeError(`arena of ${this.floats.length} elements has no room for ${elements} more at ${offset}`);
    }
    this.#next = next;
    return offset;
  }

  /**
   * Space for `elements` elements that begins and ends on a multiple of 65 536 bytes, the longest page of any system: other memory can be
   * put in its place.
   */
  allocateAligned(elements: number): Offset {
    const page = PAGE_BYTES / this.elementBytes;
    const offset = Math.ceil(this.#next / page) * page;
    const next = offset + Math.ceil(elements / page) * page;
    if (next > this.floats.length) {
      throw new RangeError(
        `arena of ${this.floats.length} elements has no room for ${elements} more on whole pages from ${offset}`,
      );
    }
    this.#next = next;
    return offset;
  }

  /** A view of `length` elements; it stays valid for the life of the arena. */
  view(offset: Offset, length: number): Float32Array | Float64Array {
    return this.floats.subarray(offset, offset + length);
  }
}

/** Elements that `allocate` takes for blocks of these sizes, alignment included: for sizing an arena beforehand. */
export function allocationSize(elements: number, precision: Precision = 'float32'): number {
  const step = ALIGNMENT_BYTES / (precision === 'float32' ? 4 : 8);
  return Math.ceil(elements / step) * step;
}

/** The most elements that `allocateAligned` takes for a block of this size, wherever the one before it ended. */
export function alignedAllocationSize(elements: number, precision: Precision = 'float32'): number {
  const page = PAGE_BYTES / (precision === 'float32' ? 4 : 8);
  return (Math.ceil(elements / page) + 1) * page;
}
