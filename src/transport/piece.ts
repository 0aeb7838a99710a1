/** What bulk transport carries: parts of vectors, each of which says for itself what it is and where it belongs. */
import type { WireFormat } from '../common/wire-format.js';
import type { Fence } from '../protocol/messages.js';
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
  /** `count` elements; a receiver may read them during the call only, and must not assume that they are aligned. */
  readonly bytes: Uint8Array;
}

/** The node of pieces that belong to no node of the tree. */
export const ROOT: TreeNode = { level: 0, index: 0 };

/** Counts tensor bytes, for metrics. */
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
