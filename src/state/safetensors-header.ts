/**
 * The header of a safetensors file (https://github.com/huggingface/safetensors#format), apart from any I/O:
 *
 *   8 bytes   N, the length of the header, unsigned little-endian
 *   N bytes   a JSON object: name → { dtype, shape, data_offsets: [begin, end] }, and `__metadata__`: string → string;
 *             starts with `{` and may end in spaces
 *   the rest  the tensors, little-endian and row-major; begin and end count from here, without gaps or overlaps
 */
import { z } from 'zod';
import { LockstepError } from '../common/errors.js';
import type { Shape } from '../common/shape.js';

const ELEMENT_BYTES = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E5M2: 1,
  F8_E4M3: 1,
  I16: 2,
  U16: 2,
  F16: 2,
  BF16: 2,
  I32: 4,
  U32: 4,
  F32: 4,
  I64: 8,
  U64: 8,
  F64: 8,
} as const;

export type Dtype = keyof typeof ELEMENT_BYTES;

export interface TensorHeader {
  readonly name: string;
  readonly dtype: Dtype;
  /** Empty for a scalar. */
  readonly shape: Shape;
}

/** Where a tensor lies: bytes [begin, end) of the data section. */
export interface TensorEntry extends TensorHeader {
  readonly begin: number;
  readonly end: number;
}

export type Metadata = Readonly<Record<string, string>>;

/** Length of the field that holds the length of the header. */
export const LENGTH_BYTES = 8;
/** Longer headers are refused, as by the reference implementation: their length is more likely damage than intent. */
export const MAX_HEADER_BYTES = 100_000_000;

const METADATA_KEY = '__metadata__';
/** The data section starts on a multiple of this, so that a mapped file can be used in place. */
const ALIGNMENT_BYTES = 8;

const wholeNumber = z.number().int().nonnegative();
const entrySchema = z.object({
  dtype: z.string(),
  shape: z.array(wholeNumber),
  data_offsets: z.tuple([wholeNumber, wholeNumber]),
});

/** Bytes that a tensor takes. */
export function tensorBytes({ dtype, shape }: Pick<TensorHeader, 'dtype' | 'shape'>): number {
  return shape.reduce((product, dimension) => product * dimension, ELEMENT_BYTES[dtype]);
}

/**
 * Sets tensors out one after another: wider elements first, so that each tensor is aligned to its own elements, and
 * otherwise in the order given.
 */
export function layOut<T extends TensorHeader>(tensors: readonly T[]): (T & TensorEntry)[] {
  let begin = 0;
  return tensors
    .toSorted((a, b) => ELEMENT_BYTES[b.dtype] - ELEMENT_BYTES[a.dtype])
    .map((tensor) => {
      const end = begin + tensorBytes(tensor);
      const entry = { ...tensor, begin, end };
      begin = end;
      return entry;
    });
}

/** All bytes before the data section: length field and padded header. @throws RangeError for a name that is taken. */
export function encodeHeader(entries: readonly TensorEntry[], metadata: Metadata = {}): Uint8Array {
  const names = new Set([METADATA_KEY]);
  for (const { name } of entries) {
    if (names.has(name)) throw new RangeError(`two tensors, or a tensor and a reserved key, are named ${name}`);
    names.add(name);
  }
  const tensors = entries.map(
    ({ name, dtype, shape, begin, end }) => [name, { dtype, shape, data_offsets: [begin, end] }] as const,
  );
  const head = Object.keys(metadata).length === 0 ? [] : [[METADATA_KEY, metadata] as const];
  const json = Buffer.from(JSON.stringify(Object.fromEntries<unknown>([...head, ...tensors])));
  const padded = Math.ceil(json.length / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
  const bytes = Buffer.alloc(LENGTH_BYTES + padded, ' ');
  bytes.writeBigUInt64LE(BigInt(padded), 0);
  bytes.set(json, LENGTH_BYTES);
  return bytes;
}

/**
 * The length of the header, from the first bytes of a file.
 *
 * @param fileBytes size of the whole file
 * @param where what to call the file in messages
 * @throws LockstepError `data` when such a header does not fit the file
 */
export function parseHeaderLength(start: Uint8Array, fileBytes: number, where: string): number {
  if (start.length < LENGTH_BYTES) throw corrupt(where, `${fileBytes} bytes are too few for a safetensors file`);
  const length = new DataView(start.buffer, start.byteOffset, LENGTH_BYTES).getBigUint64(0, true);
  if (length > BigInt(MAX_HEADER_BYTES)) {
    throw corrupt(where, `a header of ${length.toString()} bytes is over the limit of ${MAX_HEADER_BYTES}`);
  }
  if (LENGTH_BYTES + Number(length) > fileBytes) {
    throw corrupt(where, `the header should have ${length.toString()} bytes, but the file ends after ${fileBytes}`);
  }
  return Number(length);
}

/**
 * The tensors that a header describes, in the order of their bytes.
 *
 * @param header the header without its length field
 * @param dataBytes bytes that the file has after the header
 * @throws LockstepError `data` when the header is malformed, or its tensors do not cover the data exactly
 */
export function parseHeader(
  header: Uint8Array,
  dataBytes: number,
  where: string,
): { entries: TensorEntry[]; metadata: Metadata } {
  const { [METADATA_KEY]: rawMetadata, ...rawEntries } = parseJsonObject(header, where);
  const metadata = rawMetadata ?? {};
  if (!isMetadata(metadata)) throw corrupt(where, `${METADATA_KEY} is not an object of texts`);
  const entries = Object.entries(rawEntries)
    .map(([name, value]) => parseEntry(name, value, where))
    .sort((a, b) => a.begin - b.begin || a.end - b.end);
  checkCoverage(entries, dataBytes, where);
  return { entries, metadata };
}

function parseJsonObject(header: Uint8Array, where: string): Record<string, unknown> {
  if (header[0] !== '{'.charCodeAt(0)) throw corrupt(where, 'the header does not start with {');
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(header));
  } catch (cause) {
    throw corrupt(where, 'the header is not JSON in UTF-8', cause);
  }
  if (!isObject(json)) throw corrupt(where, 'the header is not an object');
  return json;
}

function parseEntry(name: string, value: unknown, where: string): TensorEntry {
  const parsed = entrySchema.safeParse(value);
  if (!parsed.success)
    throw corrupt(where, `tensor ${name} lacks a dtype, a shape or two offsets, or one is malformed`);
  const {
    dtype,
    shape,
    data_offsets: [begin, end],
  } = parsed.data;
  if (!isDtype(dtype)) throw corrupt(where, `tensor ${name} has the unknown dtype ${dtype}`);
  const bytes = tensorBytes({ dtype, shape });
  if (end - begin !== bytes) {
    throw corrupt(
      where,
      `tensor ${name}, ${dtype} [${shape.join(', ')}], needs ${bytes} bytes but has offsets ${begin} to ${end}`,
    );
  }
  return { name, dtype, shape, begin, end };
}

function checkCoverage(entries: readonly TensorEntry[], dataBytes: number, where: string): void {
  let covered = 0;
  for (const { name, begin, end } of entries) {
    if (begin < covered)
      throw corrupt(where, `tensor ${name} at byte ${begin} overlaps the one before, which ends at ${covered}`);
    if (begin > covered)
      throw corrupt(where, `bytes ${covered} to ${begin}, before tensor ${name}, belong to no tensor`);
    if (end > dataBytes) {
      throw corrupt(
        where,
        `tensor ${name} ends at byte ${end} of the data, but the file has only ${dataBytes}: it is truncated`,
      );
    }
    covered = end;
  }
  if (covered < dataBytes) throw corrupt(where, `${dataBytes - covered} bytes at the end belong to no tensor`);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isMetadata(value: unknown): value is Metadata {
  return isObject(value) && Object.values(value).every((entry) => typeof entry === 'string');
}

function isDtype(name: string): name is Dtype {
  return Object.hasOwn(ELEMENT_BYTES, name);
}

function corrupt(where: string, what: string, cause?: unknown): LockstepError {
  return new LockstepError('data', `${where}: ${what}`, {
    hint: 'The file is damaged or is not in the safetensors format; use another copy of it.',
    cause,
  });
}
