/**
 * The two ends of the connection between a coordinator and one worker. What carries the messages (gRPC, or a call within
 * the process) is behind these interfaces.
 */
import type { Piece } from './piece.js';
import type { MemoryPart, SharedParts } from './memory-part.js';
import type { CoordinatorMessage, MemoryOffer, RosterMember, WorkerMessage } from './messages.js';

/** What the coordinator is called where processes send each other pieces; workers go by the name in their welcome. */
export const COORDINATOR = 'coordinator';

/** A worker, seen from the coordinator. */
export interface WorkerLink {
  readonly id: string;
  /** HOST:PORT where other workers reach it; null for one that only its own process can reach. */
  readonly address: string | null;
  send(message: CoordinatorMessage): void;
  /** Hands over part of a model. Its bytes must stay unchanged until {@link WorkerLink.sending} is false. */
  sendPiece(piece: Piece): void;
  /** Whether bytes that were handed over are still being read. */
  readonly sending: boolean;
  /**
   * Starts the flow of pieces from this worker; called once, when it is ready.
   *
   * @param vectors the model vectors that the worker has mapped; null: it has none.
   * @param gradients where its gradients are mapped here; null: nowhere.
   */
  openPieces(vectors: MemoryPart | null, gradients: MemoryPart | null): void;
  close(): void;
}

export interface WorkerLinkEvents {
  message(message: WorkerMessage): void;
  /** Part of a gradient sum; its bytes are valid during the call. */
  piece(piece: Piece): void;
  /** The worker is gone; called once, last. */
  lost(reason: string): void;
}

/** The rest of the cluster, seen from a worker. */
export interface CoordinatorLink {
  send(message: WorkerMessage): void;
  /** Ships part of a gradient or model to the {@link COORDINATOR} or to a peer. Its bytes stay unchanged until the next plan. */
  sendPiece(to: string, piece: Piece): void;
  /**
   * Starts the flow of pieces from the coordinator; called once, when there is room for them.
   *
   * @param parameterElements Of the model.
   * @param parts what may be shared with a coordinator of the same host; null: nothing.
   * @returns the worker's gradients as the coordinator may map them, where its model vectors are mapped here; else null.
   */
  openPieces(parameterElements: number, parts: SharedParts | null): MemoryOffer | null;
  /** The workers to exchange pieces with, from now on. */
  setPeers(peers: readonly Peer[]): void;
}

/** Another worker of a mesh. */
export interface Peer extends RosterMember {
  /** Where its gradients are mapped here; null: nowhere. */
  readonly mapped: MemoryPart | null;
}

export interface CoordinatorLinkEvents {
  message(message: CoordinatorMessage): void;
  /** Part of a model or gradient; its bytes are valid during the call. */
  piece(piece: Piece): void;
  /** Another worker cannot be reached. */
  peerLost(peer: string, reason: string): void;
  /** The coordinator is gone; called once, last. `final`: dialling again would only fail again. */
  lost(reason: string, final: boolean): void;
}
