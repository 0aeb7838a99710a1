/** One worker over gRPC: its control stream, the pieces sent to it, the pieces pulled from it. */
import type { ServerDuplexStream } from '@grpc/grpc-js';
import { LockstepError } from '../common/errors.js';
import { COORDINATOR, type WorkerLink } from '../protocol/link.js';
import type { MemoryPart } from '../protocol/memory-part.js';
import type { CoordinatorMessage, WorkerMessage } from '../protocol/messages.js';
import { formatAddress, isUnspecified, parseAddress, type Address } from '../rpc/address.js';
import type { Security } from '../rpc/channel.js';
import { encodeCoordinatorMessage } from '../rpc/codec.js';
import type { CoordinatorMessage as WireToWorker } from '../rpc/generated/lockstep/v1/CoordinatorMessage.js';
import type { WorkerMessage__Output } from '../rpc/generated/lockstep/v1/WorkerMessage.js';
import type { BulkSource } from './bulk.js';
import { BulkReader } from './bulk-reader.js';
import { LAST_WORDS_MS } from './last-words.js';
import type { CarrierChoice, Piece, TransferCounter } from '../protocol/piece.js';
import { noteFromWorker, noteToWorker } from './short-cut.js';
import type { WireCodec } from './wire-codec.js';

export interface GrpcWorkerLinkOptions {
  readonly id: string;
  readonly call: ServerDuplexStream<WorkerMessage__Output, WireToWorker>;
  /** Where the worker says that it listens. */
  readonly address: string;
  /** The host that its control stream comes from. */
  readonly peerHost: string;
  readonly runId: string;
  readonly security: Security;
  readonly heartbeatTimeoutMs: number;
  /** Where pieces for the worker are put. */
  readonly bulk: BulkSource;
  readonly carrier: CarrierChoice;
  readonly lanes: number;
  readonly transfers: TransferCounter;
  readonly codec: () => WireCodec;
  readonly onPiece: (piece: Piece) => void;
  /** Told what the worker says past its control stream. */
  readonly onMessage: (message: WorkerMessage) => void;
  readonly onBroken: (reason: string) => void;
}

export class GrpcWorkerLink implements WorkerLink {
  readonly id: string;
  readonly #options: GrpcWorkerLinkOptions;
  #reader: BulkReader | null = null;
  /** Messages that the control stream has taken. */
  #sent = 0;
  /** The worker has mapped the model vectors that pieces for it lie in. */
  #sharesVectors = false;
  #closed = false;

  constructor(options: GrpcWorkerLinkOptions) {
    this.id = options.id;
    this.#options = options;
  }

  /** What the worker says, with the host it is seen from where it listens on every interface; null when it makes no sense. */
  get address(): string | null {
    try {
      return formatAddress(this.#reachableAddress());
    } catch {
      return null;
    }
  }

  send(message: CoordinatorMessage): void {
    if (this.#closed) return;
    const note = noteToWorker(message, this.#sent);
    // A worker that reads the model in place hears of a plan for later with the weights that it begins with.
    const isAwaited = message.type !== 'plan' || !message.ahead || !this.#sharesVectors;
    if (note !== null && this.#options.bulk.note(this.id, note, isAwaited)) return;
    this.#sent += 1;
    this.#options.call.write(encodeCoordinatorMessage(message));
  }

  sendPiece(piece: Piece): void {
    if (this.#closed) return;
    const { bulk, codec } = this.#options;
    // What need not travel needs no format to travel in.
    bulk.send(this.id, this.#sharesVectors ? piece : codec().encode(piece));
  }

  get sending(): boolean {
    return !this.#closed && this.#options.bulk.busy(this.id);
  }

  openPieces(vectors: MemoryPart | null, mapped: MemoryPart | null): void {
    this.#sharesVectors = vectors !== null;
    this.#options.bulk.offer(this.id, vectors);
    const { security, heartbeatTimeoutMs, runId, carrier, lanes, codec, onBroken, onMessage, onPiece, transfers } =
      this.#options;
    let address: Address;
    try {
      address = this.#reachableAddress();
    } catch (thrown) {
      // Later, like every other way in which a worker turns out to be of no use.
      queueMicrotask(() => onBroken(LockstepError.from(thrown).message));
      return;
    }
    this.#reader = new BulkReader(
      {
        address,
        self: COORDINATOR,
        source: this.id,
        runId,
        security,
        heartbeatTimeoutMs,
        lanes,
        carrier,
        counters: transfers,
        mapped,
      },
      {
        piece: (piece) => onPiece(codec().decode(piece)),
        note: (bytes) => {
          const message = noteFromWorker(bytes);
          if (message !== null) onMessage(message);
        },
        lost: (reason) => {
          const lose = (): void => {
            if (!this.#closed) onBroken(`gradients cannot be pulled from ${formatAddress(address)}: ${reason}`);
          };
          setTimeout(lose, LAST_WORDS_MS).unref();
        },
      },
    );
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#options.call.end();
    this.#options.bulk.drop(this.id);
    this.#reader?.close();
  }

  #reachableAddress(): Address {
    const address = parseAddress(this.#options.address, 'worker address');
    return isUnspecified(address.host) ? { ...address, host: this.#options.peerHost } : address;
  }
}
