import { open, type FileHandle } from 'node:fs/promises';
import { writeFileAtomic } from './atomic-write.js';
import { fileError } from './file-errors.js';
import {
  encodeHeader,
  layOut,
  LENGTH_BYTES,
  parseHeader,
  parseHeaderLength,
  tensorBytes,
  type Dtype,
  type Metadata,
  type TensorEntry,
} from './safetensors-header.js';
import { LockstepError } from '../common/errors.js';
import type { Shape } from '../common/shape.js';

/**
 * A tensor in a safetensors file; row-major, `data` as long as `shape` says. F32 data are numbers, all others bare
 * bytes. Byte order is the machine's own, which is the format's little-endian wherever WebAssembly memory can be viewed
 * as floats.
 */
export type Tensor = { readonly name: string; readonly shape: Shape } & (
  | { readonly dtype: 'F32'; readonly data: Float32Array }
  | { readonly dtype: Exclude<Dtype, 'F32'>; readonly data: Uint8Array }
);

export interface Safetensors {
  /** By name, in the order of their bytes in the file. */
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly metadata: Metadata;
}

/** Largest single read: Node refuses buffers of 2 GiB and more. */
const READ_BYTES = 1 << 28;

/**
 * The bytes of a safetensors file, in parts. The data are copied before this returns, also from shared memory, so they
 * may change afterwards. Tensors of equally wide elements keep the order given.
 *
 * @throws RangeError when a name is taken twice or `data` is not as long as `shape` says
 */
export function encodeSafetensors(tensors: readonly Tensor[], metadata: Metadata = {}): Uint8Array[] {
  const entries = layOut(tensors);
  for (const { name, data, ...header } of entries) {
    const needed = tensorBytes(header);
    if (data.byteLength !== needed) {
      const shape = header.shape.join(', ');
      throw new RangeError(`tensor ${name} has ${data.byteLength} bytes, but its shape [${shape}] needs ${needed}`);
    }
  }
  return [
    encodeHeader(entries, metadata),
    ...entries.map(({ data }) => new Uint8Array(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))),
  ];
}

/** Writes a safetensors file atomically. The tensors are copied before the first await and may change at once. */
export async function writeSafetensors(
  path: string,
  tensors: readonly Tensor[],
  metadata: Metadata = {},
): Promise<void> {
  await writeFileAtomic(path, encodeSafetensors(tensors, metadata));
}

/**
 * Reads a safetensors file; every tensor gets memory of its own.
 *
 * @throws LockstepError `data` when the file is truncated, malformed or inconsistent; `usage` when it cannot be opened
 */
export async function readSafetensors(path: string): Promise<Safetensors> {
  try {
    const file = await open(path, 'r');
    try {
      return await readOpened(file, path);
    } finally {
      await file.close();
    }
  } catch (thrown) {
    throw fileError('read', path, thrown);
  }
}

async function readOpened(file: FileHandle, path: string): Promise<Safetensors> {
  const { size } = await file.stat();
  const start = await readRange(file, path, 0, Math.min(size, LENGTH_BYTES));
  const headerBytes = parseHeaderLength(start, size, path);
  const dataStart = LENGTH_BYTES + headerBytes;
  const header = await readRange(file, path, LENGTH_BYTES, headerBytes);
  const { entries, metadata } = parseHeader(header, size - dataStart, path);
  const tensors = new Map<string, Tensor>();
  for (const entry of entries) {
    tensors.set(
      entry.name,
      toTensor(entry, await readRange(file, path, dataStart + entry.begin, entry.end - entry.begin)),
    );
  }
  return { tensors, metadata };
}

function toTensor({ name, dtype, shape }: TensorEntry, bytes: Uint8Array): Tensor {
  return dtype === 'F32'
    ? { name, shape, dtype, data: new Float32Array(bytes.buffer) }
    : { name, shape, dtype, data: bytes };
}

/** Bytes [position, position + length) in a buffer that holds nothing else. */
async function readRange(file: FileHandle, path: string, position: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await file.read(bytes, done, Math.min(length - done, READ_BYTES), position + done);
    if (bytesRead === 0) throw new LockstepError('data', `${path}: the file became shorter while it was read`);
    done += bytesRead;
  }
  return bytes;
}
