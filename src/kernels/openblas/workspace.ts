import type { BlasLibrary } from './cblas.js';

const ALIGNMENT_BYTES = 64;

/** A matrix outside any arena, for products whose bits are compared. */
export interface Block {
  readonly values: Float32Array;
  readonly address: number;
}

/**
 * Blocks of the given lengths in one buffer, each starting on a cache line. As long as one of them is in use, none of
 * their addresses goes stale.
 */
export function allocateBlocks<const T extends readonly number[]>(
  library: BlasLibrary,
  lengths: T,
): { [K in keyof T]: Block } {
  const step = ALIGNMENT_BYTES / 4;
  const starts: number[] = [];
  let total = 0;
  for (const length of lengths) {
    starts.push(total);
    total += Math.ceil(length / step) * step;
  }
  // An ArrayBuffer of its own: V8 keeps short typed arrays in its heap, where they move.
  const buffer = new ArrayBuffer(total * 4 + ALIGNMENT_BYTES);
  const misalignment = library.addressOf(new Uint8Array(buffer)) % ALIGNMENT_BYTES;
  const first = misalignment === 0 ? 0 : ALIGNMENT_BYTES - misalignment;
  const blocks = lengths.map((length, i): Block => {
    const values = new Float32Array(buffer, first + (starts[i] ?? 0) * 4, length);
    return { values, address: library.addressOf(values) };
  });
  return blocks as { [K in keyof T]: Block };
}

export type Filling = 'dense' | 'sparse';

/**
 * Uniform numbers in [−1, 1), a function of `stream` and the position alone. `sparse` looks like activations: negative
 * numbers are 0, and so is every third column throughout, because zeros are where a difference of sign can hide.
 */
export function fillRandom(values: Float32Array, stream: number, filling: Filling, cols: number): void {
  // SplitMix32: a Weyl sequence through a mixing function. Philox would take longer than the products that are compared.
  const start = Math.imul(stream + 1, 0x85ebca6b);
  const sparse = filling === 'sparse';
  for (let i = 0, column = 0; i < values.length; i++) {
    let word = (start + Math.imul(i, 0x9e3779b9)) | 0;
    word = Math.imul(word ^ (word >>> 16), 0x21f0aaad);
    word = Math.imul(word ^ (word >>> 15), 0x735a2d97);
    // The upper 24 bits: exactly what float32 holds.
    const value = ((word ^ (word >>> 15)) >>> 8) * 2 ** -23 - 1;
    values[i] = sparse && (value < 0 || column % 3 === 0) ? 0 : value;
    column = column + 1 === cols ? 0 : column + 1;
  }
}

/** Whether two vectors of equal length hold the same bits. */
export function sameBits(x: Float32Array, y: Float32Array): boolean {
  const left = new Int32Array(x.buffer, x.byteOffset, x.length);
  const right = new Int32Array(y.buffer, y.byteOffset, y.length);
  for (let i = 0; i < left.length; i++) if (left[i] !== right[i]) return false;
  return true;
}
