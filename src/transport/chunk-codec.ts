/** Pieces to and from the messages of the Bulk service. */
import type { PieceChunk__Output } from '../rpc/generated/lockstep/v1/PieceChunk.js';
import type { PieceKind as WireKind } from '../rpc/generated/lockstep/v1/PieceKind.js';
import type { WireFormat as WireFormatName } from '../rpc/generated/lockstep/v1/WireFormat.js';
import { ROOT, misalignment, type Piece, type PieceKind, type WireFormat } from '../protocol/piece.js';

/** Numbers of the protocol's enumerations; 0 is `unspecified`. */
export const PIECE_KINDS: readonly (PieceKind | null)[] = [null, 'gradient', 'sum', 'weights'];
export const WIRE_FORMATS: readonly (WireFormat | null)[] = [null, 'float32', 'bfloat16', 'float16'];

const KIND_OF: Readonly<Partial<Record<WireKind, PieceKind>>> = {
  PIECE_KIND_GRADIENT: 'gradient',
  PIECE_KIND_SUM: 'sum',
  PIECE_KIND_WEIGHTS: 'weights',
};
const FORMAT_OF: Readonly<Partial<Record<WireFormatName, WireFormat>>> = {
  WIRE_FORMAT_FLOAT32: 'float32',
  WIRE_FORMAT_BFLOAT16: 'bfloat16',
  WIRE_FORMAT_FLOAT16: 'float16',
};

/** null for a kind or format that this version does not know. */
export function decodePiece(chunk: PieceChunk__Output): Piece | null {
  const kind = KIND_OF[chunk.kind];
  const format = FORMAT_OF[chunk.format];
  if (kind === undefined || format === undefined) return null;
  const { fence, level, index, start, count, data } = chunk;
  const node = level === 0 && index === 0 ? ROOT : { level, index };
  return { kind, fence: fence ?? { epoch: 0, step: 0, attempt: 0 }, node, start, count, format, bytes: data };
}

/** More than the fields of a chunk and their tags ever take: nine numbers and four lengths of five bytes, 13 tags, the padding. */
export const HEADER_BYTES = 96;

/** Tags of the protocol: field number · 8 + wire type (0 varint, 2 length-delimited). */
const CHUNK_PIECE = (2 << 3) | 2;
const [KIND, FENCE, LEVEL, INDEX, START, COUNT, FORMAT, PADDING, DATA] = [8, 18, 24, 32, 40, 48, 56, 66, 74] as const;
const [EPOCH, STEP, ATTEMPT] = [8, 16, 24] as const;

/**
 * The beginning of a BulkChunk with this piece, up to its data, which follow as they are; written into `head` (at least {@link HEADER_BYTES}
 * long). Written by hand, as a generated encoder copies the data into a new buffer.
 */
export function encodeHead(piece: Piece, head: Buffer): Buffer {
  const { kind, fence, node, start, count, format, bytes } = piece;
  const kindNumber = PIECE_KINDS.indexOf(kind);
  const formatNumber = WIRE_FORMATS.indexOf(format);
  const fenceBytes = fieldBytes(fence.epoch) + fieldBytes(fence.step) + fieldBytes(fence.attempt);
  const numberBytes =
    fieldBytes(kindNumber) +
    (fieldBytes(fenceBytes) + fenceBytes) +
    fieldBytes(node.level) +
    fieldBytes(node.index) +
    fieldBytes(start) +
    fieldBytes(count) +
    fieldBytes(formatNumber);
  // Up to the first byte of data, without the chunk's own tag and length, and without the padding's bytes.
  const bodyHead = numberBytes + fieldBytes(0) + fieldBytes(bytes.byteLength);
  // A few bytes of padding may lengthen the length; it is counted with the most of them.
  const length = fieldBytes(bodyHead + 7 + bytes.byteLength) + bodyHead;
  let padding = (misalignment(piece) - length + 8 * HEADER_BYTES) % 8;
  if (fieldBytes(bodyHead + padding + bytes.byteLength) !== length - bodyHead) padding += 8;

  let at = writeField(head, 0, CHUNK_PIECE, bodyHead + padding + bytes.byteLength);
  at = writeField(head, at, KIND, kindNumber);
  at = writeField(head, at, FENCE, fenceBytes);
  at = writeField(head, at, EPOCH, fence.epoch);
  at = writeField(head, at, STEP, fence.step);
  at = writeField(head, at, ATTEMPT, fence.attempt);
  at = writeField(head, at, LEVEL, node.level);
  at = writeField(head, at, INDEX, node.index);
  at = writeField(head, at, START, start);
  at = writeField(head, at, COUNT, count);
  at = writeField(head, at, FORMAT, formatNumber);
  at = writeField(head, at, PADDING, padding);
  head.fill(0, at, at + padding);
  at = writeField(head, at + padding, DATA, bytes.byteLength);
  return head.subarray(0, at);
}

function varintBytes(value: number): number {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x20_0000 ? 3 : value < 0x1000_0000 ? 4 : 5;
}

function fieldBytes(value: number): number {
  return 1 + varintBytes(value);
}

/** A tag and a varint, seven bits a byte, the lowest first; returns where the next field begins. */
function writeField(frame: Buffer, at: number, tag: number, value: number): number {
  frame[at++] = tag;
  let rest = value;
  while (rest >= 0x80) {
    frame[at++] = (rest & 0x7f) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  frame[at++] = rest;
  return at;
}
