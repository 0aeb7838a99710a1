/**
 * The two ends of the connection between a coordinator and one worker. What carries the messages (gRPC, or a call within
 * the process) is behind these interfaces.
 */
import type { TreeNode } from '../reduce/tree.js';
import type { CoordinatorMessage, Fence, WorkerMessage } from './messages.js';

/** A committed model. The vector is not changed while a link is still {@link WorkerLink.sending}. */
export interface ModelSnapshot {
  /** Number of committed updates. */
  readonly version: number;
  readonly vector: Float32Array;
}

/** Part of the gradient sum of one tree node. */
export interface GradientPart {
  readonly fence: Fence;
  readonly node: TreeNode;
  /** Elements from the start of the parameters. */
  readonly offset: number;
  /** Little-endian float32; valid during the call. */
  readonly bytes: Uint8Array;
}

/** Part of a committed model. */
export interface WeightsPart {
  readonly version: number;
  readonly offset: number;
  /** Little-endian float32; valid during the call. */
  readonly bytes: Uint8Array;
  readonly last: boolean;
}

/** A worker, seen from the coordinator. */
export interface WorkerLink {
  readonly id: string;
  send(message: CoordinatorMessage): void;
  /** Hands over a committed model; only the newest matters. */
  sendModel(snapshot: ModelSnapshot): void;
  /** Whether a model that was handed over is still being read. */
  readonly sending: boolean;
  /** Starts the flow of gradients from this worker; called once, when it is ready. */
  openGradients(): void;
  close(): void;
}

export interface WorkerLinkEvents {
  message(message: WorkerMessage): void;
  gradient(part: GradientPart): void;
  /** The worker is gone; called once, last. */
  lost(reason: string): void;
}

/** The coordinator, seen from a worker. */
export interface CoordinatorLink {
  send(message: WorkerMessage): void;
  /** Ships gradient sums; the vectors stay unchanged until the next plan. */
  sendGradients(fence: Fence, nodes: readonly (TreeNode & { readonly values: Float32Array })[]): void;
  /** Starts the flow of models to this worker; called once, when there is room for them. */
  openModels(): void;
}

export interface CoordinatorLinkEvents {
  message(message: CoordinatorMessage): void;
  weights(part: WeightsPart): void;
  /** The coordinator is gone; called once, last. `final`: dialling again would only fail again. */
  lost(reason: string, final: boolean): void;
}
