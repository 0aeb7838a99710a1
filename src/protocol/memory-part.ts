/**
 * Parts of memory that two processes share. Each has them in a memory of its own, at a place of its own; both begin and end on a multiple of
 * {@link PART_ALIGNMENT}.
 */

/** Bytes of the longest page of any system. */
export const PART_ALIGNMENT = 65_536;

export interface MemoryPart {
  readonly buffer: ArrayBufferLike;
  readonly byteOffset: number;
  readonly bytes: number;
}

/** What a worker has in common with a coordinator on the same host. */
export interface SharedParts {
  /** The two model vectors, one after the other: of the coordinator, mapped by workers. */
  readonly vectors: MemoryPart;
  /** The gradient sums of the worker, one after the other: mapped by the coordinator. */
  readonly gradients: MemoryPart;
}

/** The part that takes `bytes` bytes from `byteOffset` on, with what is left of its last page. */
export function wholePages(buffer: ArrayBufferLike, byteOffset: number, bytes: number): MemoryPart {
  return { buffer, byteOffset, bytes: Math.ceil(bytes / PART_ALIGNMENT) * PART_ALIGNMENT };
}

/** Where bytes begin in a part, counted from its start; null when they do not lie in it. */
export function placeIn(part: MemoryPart, bytes: Uint8Array): number | null {
  const place = bytes.byteOffset - part.byteOffset;
  const isInside = bytes.buffer === part.buffer && place >= 0 && place + bytes.byteLength <= part.bytes;
  return isInside ? place : null;
}

/** The bytes at a place of a part; null when they would reach beyond it. */
export function bytesAt(part: MemoryPart, place: number, length: number): Uint8Array | null {
  if (place + length > part.bytes) return null;
  return new Uint8Array(part.buffer, part.byteOffset + place, length);
}
