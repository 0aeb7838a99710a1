/** The two ends of bulk transport, as the rest of the program sees them. */
import type { Address } from '../rpc/address.js';
import type { Security } from '../rpc/channel.js';
import type { MemoryPart } from '../protocol/memory-part.js';
import type { Carrier, CarrierChoice, Identity, Piece, TransferCounter } from '../protocol/piece.js';

/** Where pieces leave a process: one queue for each reader, which may come before or after what is queued for it. */
export interface BulkSource {
  /** Takes a name; null while the process has none. Whoever read under the former name is let go, and its queue dropped. */
  serveAs(self: Identity | null): void;
  /**
   * Queues a piece for a reader; the order of calls is kept. The bytes must stay unchanged until they are no longer
   * {@link busy}; they may be done with when this returns.
   */
  send(reader: string, piece: Piece): void;
  /**
   * Says which memory of this process is offered to a reader. Pieces that lie in it are not copied where the reader has mapped it;
   * such a piece must stay unchanged for as long as the reader may use it. Default: none.
   */
  offer(reader: string, part: MemoryPart | null): void;
  /**
   * Hands over a few bytes that are no piece, ahead of what is queued. False where no shared memory leads to the reader, or it has no
   * room for them now: then they have to take another way. The bytes may be written again when this returns.
   *
   * @param isAwaited See `Piece`.
   */
  note(reader: string, bytes: Uint8Array, isAwaited?: boolean): boolean;
  /** Whether bytes that were handed over are still to be read: of one reader, or of any. */
  busy(reader?: string): boolean;
  /** Resolves when {@link busy} is false. */
  flushed(reader?: string): Promise<void>;
  /** Forgets what is queued: for one reader, or for all. Part of a piece may have left already. */
  drop(reader?: string): void;
}

export interface BulkReaderOptions {
  /** Where the source listens. */
  readonly address: Address;
  readonly self: string;
  readonly source: string;
  readonly runId: string;
  readonly security: Security;
  readonly heartbeatTimeoutMs: number;
  /** Connections, from 1, when gRPC carries; the order of pieces is kept with one only. */
  readonly lanes: number;
  readonly carrier: CarrierChoice;
  readonly counters: TransferCounter;
  /** Memory of the source that is mapped here; pieces may lie in it when shared memory carries. Default: none. */
  readonly mapped?: MemoryPart | null;
}

export interface BulkReaderEvents {
  piece(piece: Piece): void;
  /** What the source has handed over as a note; the bytes are valid during the call. Default: nobody expects any. */
  note?(bytes: Uint8Array): void;
  /** What carries the pieces from now on, and why it is not shared memory. Before the first piece. */
  opened?(carrier: Carrier, refusal: string | null): void;
  /** The source is gone, or was never reached; called once, last, and not after `close`. */
  lost(reason: string): void;
}
