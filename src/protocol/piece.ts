/** What bulk transport carries: parts of vectors, each of which says for itself what it is and where it belongs. */
import { elementBytes, type WireFormat } from '../common/wire-format.js';
import type { Fence } from './messages.js';
import type { TreeNode } from '../reduce/tree.js';

/** `gradient`: the sum of one node of the reduction tree; `sum`: the finished sum of a step; `weights`: a committed model. */
export type PieceKind = 'gradient' | 'sum' | 'weights';

export { elementBytes, type WireFormat } from '../common/wire-format.js';

/**
 * Part of a vector. A piece may arrive in several parts, each a piece itself; every element arrives exactly once.
 */
export interface Piece {
  readonly kind: PieceKind;
  /** The attempt it belongs to. For weights, `step` is the version of the model, and `epoch` and `attempt` are 0. */
  readonly fence: Fence;
  /** Node whose sum this is; only gradients have one, everything else says {@link ROOT}. */
  readonly node: TreeNode;
  /** Elements from the start of the vector. */
  readonly start: number;
  readonly count: number;
  readonly format: WireFormat;
  /** `count` elements; a receiver may read them during the call only. See {@link misalignment} for where they lie. */
  readonly bytes: Uint8Array;
  /** False: the receiver can do nothing with it before another piece comes that is awaited. Does not travel. Default: true. */
  readonly isAwaited?: boolean;
}

/**
 * Where the bytes of a received piece begin, modulo 8: as in a vector that begins on a multiple of 8. Copied from such a vector into such
 * a vector, bytes go in words. That matters where one of the two is a SharedArrayBuffer (every WebAssembly memory here is): V8 copies
 * those byte by byte, at an eighth of the speed, when source and target differ modulo 8.
 */
export function misalignment({ start, format }: Pick<Piece, 'start' | 'format'>): number {
  return (start * elementBytes(format)) % 8;
}

/** The node of pieces that belong to no node of the tree. */
export const ROOT: TreeNode = { level: 0, index: 0 };

/** Counts tensor bytes that travel, for metrics: not those that lie in memory which both sides share. */
export interface TransferCounter {
  sent(bytes: number): void;
  received(bytes: number): void;
}

/** A process of a run, as others call it: `coordinator`, `worker-3`. */
export interface Identity {
  readonly id: string;
  readonly runId: string;
}

/** What carries the bytes between two processes. */
export type Carrier = 'grpc' | 'shm';

/** `auto`: shared memory between processes of one host where it works, else gRPC. */
export type CarrierChoice = 'auto' | Carrier;
