/**
 * A reader of safetensors that shares nothing with Lockstep's own, from the format's description: 8 bytes of header length
 * (little-endian), a JSON header, the tensors. https://huggingface.co/docs/safetensors
 */
import { readFileSync } from 'node:fs';

export interface FileTensor {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

interface HeaderEntry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

/** Tensors in the order in which they lie in the file. */
export function readSafetensors(path: string): {
  readonly tensors: readonly FileTensor[];
  readonly metadata: Record<string, string>;
} {
  const file = readFileSync(path);
  const dataStart = 8 + Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.toString('utf8', 8, dataStart)) as Record<string, unknown>;
  const { __metadata__: metadata = {}, ...entries } = header;
  const tensors = Object.entries(entries as Record<string, HeaderEntry>)
    .sort(([, a], [, b]) => a.data_offsets[0] - b.data_offsets[0])
    .map(
      ([
        name,
        {
          dtype,
          shape,
          data_offsets: [begin, end],
        },
      ]) => ({
        name,
        dtype,
        shape,
        bytes: new Uint8Array(file.subarray(dataStart + begin, dataStart + end)),
      }),
    );
  return { tensors, metadata: metadata as Record<string, string> };
}
