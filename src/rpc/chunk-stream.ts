/** Sends vectors down a stream in chunks, no faster than the stream takes them. */
import type { Writable } from 'node:stream';

/** Bytes per message: large enough to forget the cost of a message, small enough to interleave. */
export const CHUNK_BYTES = 2 ** 20;

/** The parts of a vector: offset in elements, bytes, and whether it is the last. */
export function* chunksOf(values: Float32Array): Generator<{ offset: number; data: Buffer; last: boolean }> {
  for (let start = 0; start < values.byteLength; start += CHUNK_BYTES) {
    const length = Math.min(CHUNK_BYTES, values.byteLength - start);
    const data = Buffer.from(values.buffer, values.byteOffset + start, length);
    yield { offset: start / 4, data, last: start + length === values.byteLength };
  }
}

/** Resolves when the stream can take more, or has ended. */
export function drained(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      stream.off('drain', settle).off('close', settle).off('error', settle);
      resolve();
    };
    stream.once('drain', settle).once('close', settle).once('error', settle);
  });
}
