/** A part of a memory that two processes share: each has it in its own memory, at a place of its own. */
export interface MemoryPart {
  readonly buffer: ArrayBufferLike;
  readonly byteOffset: number;
  readonly bytes: number;
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
