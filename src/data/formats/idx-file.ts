/**
 * The IDX file format of MNIST: two zero bytes, element type, number of dimensions, each dimension as a big-endian
 * unsigned 32-bit integer, then the elements, row-major and big-endian.
 */
import { LockstepError } from '../../common/errors.js';
import type { DataFile } from '../files.js';

const ELEMENT_TYPES: Readonly<Record<number, { readonly name: string; readonly bytes: number }>> = {
  0x08: { name: 'uint8', bytes: 1 },
  0x09: { name: 'int8', bytes: 1 },
  0x0b: { name: 'int16', bytes: 2 },
  0x0c: { name: 'int32', bytes: 4 },
  0x0d: { name: 'float32', bytes: 4 },
  0x0e: { name: 'float64', bytes: 8 },
};

type IdxElements = Uint8Array<SharedArrayBuffer> | Int32Array<SharedArrayBuffer> | Float32Array<SharedArrayBuffer>;

export interface IdxFile {
  /** Absolute path, for messages. */
  readonly path: string;
  /** The first dimension counts the samples. */
  readonly shape: readonly number[];
  /** On the memory of the file, in the byte order of this machine. */
  readonly elements: IdxElements;
}

/**
 * @param what - `features` or `labels`, for messages.
 * @throws LockstepError `data` for a wrong magic number, an element type other than uint8, int32 and float32, or a size
 *   that is not what the dimensions say.
 */
export function parseIdx(file: DataFile, what: 'features' | 'labels'): IdxFile {
  const { bytes } = file;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const type = bytes[2] === undefined ? undefined : ELEMENT_TYPES[bytes[2]];
  const rank = bytes[3] ?? 0;
  if (bytes[0] !== 0 || bytes[1] !== 0 || type === undefined || rank === 0) {
    const found = bytes.length === 0 ? 'is empty' : `begins with 0x${hex(bytes.subarray(0, 4))}`;
    const expected = what === 'features' ? '0x00000803 (uint8 images)' : '0x00000801 (uint8 labels)';
    throw new LockstepError(
      'data',
      `${file.path} is not an IDX file: it ${found}; ${what} begin, for example, with ${expected}`,
      {
        hint: 'Name an IDX file, plain or packed with gzip, or choose another data format in the job.',
      },
    );
  }

  const headerBytes = 4 + 4 * rank;
  if (bytes.length < headerBytes) {
    throw truncated(file, `a header of ${headerBytes} bytes for ${rank} dimensions`, headerBytes);
  }
  const shape = Array.from({ length: rank }, (_, dimension) => view.getUint32(4 + 4 * dimension));
  const count = shape.reduce((product, dimension) => product * dimension, 1);
  const expectedBytes = headerBytes + count * type.bytes;
  if (bytes.length !== expectedBytes) {
    throw truncated(file, `${shape.join('×')} elements of type ${type.name}`, expectedBytes);
  }
  if (shape[0] === 0) {
    throw new LockstepError('data', `${file.path} holds no samples: its dimensions are ${shape.join('×')}`, {
      hint: 'Name a file with at least one sample.',
    });
  }
  return { path: file.path, shape, elements: decode(file, headerBytes, count, type.name, what) };
}

function decode(file: DataFile, start: number, count: number, type: string, what: string): IdxElements {
  const { buffer, byteOffset } = file.bytes;
  const at = byteOffset + start;
  if (type === 'uint8') return new Uint8Array(buffer, at, count);
  // The header is a multiple of 4 bytes, so the elements are aligned and can change their byte order in place.
  const view = new DataView(buffer, at, count * 4);
  if (type === 'float32') {
    const floats = new Float32Array(buffer, at, count);
    for (let i = 0; i < count; i++) floats[i] = view.getFloat32(4 * i);
    return floats;
  }
  if (type === 'int32') {
    const integers = new Int32Array(buffer, at, count);
    for (let i = 0; i < count; i++) integers[i] = view.getInt32(4 * i);
    return integers;
  }
  throw new LockstepError('data', `${file.path} holds ${what} of type ${type}, which is not supported`, {
    hint: 'Convert them to uint8 or float32 (labels may also be int32).',
  });
}

function truncated(file: DataFile, content: string, expectedBytes: number): LockstepError {
  const fate = file.bytes.length < expectedBytes ? 'is truncated' : 'is longer than its header says';
  const sizes = `expected ${expectedBytes} bytes (${content}), found ${file.bytes.length}`;
  return new LockstepError('data', `${file.path} ${fate}: ${sizes}`, { hint: 'Download or write the file again.' });
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
