/** A worker's end of the connection: its control stream, the pieces it pulls from the coordinator and from other workers. */
import { setTimeout } from 'node:timers/promises';
import type { ClientDuplexStream } from '@grpc/grpc-js';
import { status } from '@grpc/grpc-js';
import { COORDINATOR, type CoordinatorLink, type CoordinatorLinkEvents, type Peer } from '../protocol/link.js';
import type { MemoryPart, SharedParts } from '../protocol/memory-part.js';
import type { Hello, MemoryOffer, Welcome, WorkerMessage } from '../protocol/messages.js';
import { formatAddress, parseAddress, type Address } from '../rpc/address.js';
import { callMetadata, clientCredentials, clientOptions, type Security } from '../rpc/channel.js';
import { decodeCoordinatorMessage, encodeWorkerMessage } from '../rpc/codec.js';
import type { CoordinatorClient } from '../rpc/generated/lockstep/v1/Coordinator.js';
import type { CoordinatorMessage__Output } from '../rpc/generated/lockstep/v1/CoordinatorMessage.js';
import type { WorkerMessage as WireToCoordinator } from '../rpc/generated/lockstep/v1/WorkerMessage.js';
import { protocol } from '../rpc/proto.js';
import { plainReason } from '../rpc/reason.js';
import { BulkReader } from './bulk-reader.js';
import { CoordinatorMemory } from './coordinator-memory.js';
import { LAST_WORDS_MS } from './last-words.js';
import type { Piece, TransferCounter } from '../protocol/piece.js';
import { noteFromCoordinator, noteToCoordinator, type NoteFromCoordinator } from './short-cut.js';
import { WireCodec } from './wire-codec.js';
import type { WorkerServer } from './worker-server.js';

export interface ConnectOptions {
  readonly coordinator: Address;
  readonly security: Security;
  readonly heartbeatTimeoutMs: number;
  readonly hello: Hello;
  /** Where others pull this worker's pieces. */
  readonly server: WorkerServer;
  readonly transfers: TransferCounter;
}

export class GrpcCoordinatorLink implements CoordinatorLink {
  readonly #options: ConnectOptions;
  readonly #client: CoordinatorClient;
  readonly #call: ClientDuplexStream<WireToCoordinator, CoordinatorMessage__Output>;
  readonly #events: CoordinatorLinkEvents;
  /** One for the coordinator and one for each other worker that pieces come from. */
  readonly #readers = new Map<string, BulkReader>();
  /** Messages that the control stream has brought. */
  #heard = 0;
  /** Notes that came before what they have to wait for. */
  readonly #notes: NoteFromCoordinator[] = [];
  #welcome: Welcome | null = null;
  #codec: WireCodec | null = null;
  #memory: CoordinatorMemory | null = null;
  /** Readers of this host. */
  readonly #sharing = new Set<string>();
  /** Resolves with the end of the control stream. */
  readonly #ended: Promise<unknown>;
  #closed = false;

  /** Dials and says hello; what comes back goes to `events`, a failure to connect as `lost`. */
  constructor(options: ConnectOptions, events: CoordinatorLinkEvents) {
    const { coordinator, security, heartbeatTimeoutMs } = options;
    this.#options = options;
    this.#events = events;
    this.#client = new (protocol().Coordinator)(
      formatAddress(coordinator),
      clientCredentials(security),
      clientOptions(heartbeatTimeoutMs),
    );
    this.#call = this.#client.session(callMetadata(security));
    this.#ended = new Promise((resolve) => this.#call.once('status', resolve));
    this.#call.on('data', (wire: CoordinatorMessage__Output) => {
      const message = decodeCoordinatorMessage(wire);
      this.#heard += 1;
      if (message === null) return;
      if (message.type === 'welcome') {
        this.#welcome = message;
        options.server.serveAs({ id: message.workerId, runId: message.runId });
      }
      events.message(message);
      this.#hearNotes();
    });
    this.#call.on('end', () => this.#lose('it closed the connection'));
    this.#call.on('error', (error) => this.#lose(plainReason(error), isFinal(error)));
    this.send(options.hello);
  }

  send(message: WorkerMessage): void {
    if (this.#closed) return;
    const note = noteToCoordinator(message);
    if (note !== null && this.#options.server.note(COORDINATOR, note)) return;
    this.#call.write(encodeWorkerMessage(message));
  }

  sendPiece(to: string, piece: Piece): void {
    if (this.#closed) return;
    // What need not travel needs no format to travel in.
    const isShared = piece.kind !== 'weights' && this.#sharing.has(to);
    this.#options.server.send(to, isShared ? piece : (this.#codec?.encode(piece) ?? piece));
  }

  openPieces(parameterElements: number, parts: SharedParts | null): MemoryOffer | null {
    const welcome = this.#welcome;
    if (welcome === null || this.#closed) return null;
    const { wireFormat } = welcome.job.training;
    this.#codec = new WireCodec({ ...wireFormat, parameterElements });
    const { vectors } = welcome;
    this.#memory = vectors === undefined || parts === null ? null : CoordinatorMemory.share(vectors, parts);
    this.#share(COORDINATOR);
    const lost = async (reason: string): Promise<void> => {
      await setTimeout(LAST_WORDS_MS, undefined, { ref: false });
      this.#lose(reason);
    };
    const memory = this.#memory;
    this.#open(COORDINATOR, this.#options.coordinator, lost, memory?.parts.vectors ?? null, () =>
      memory?.unmapVectors(),
    );
    return this.#memory?.offer ?? null;
  }

  setPeers(peers: readonly Peer[]): void {
    for (const [id, reader] of this.#readers) {
      if (id === COORDINATOR || peers.some((peer) => peer.id === id)) continue;
      reader.close();
      this.#readers.delete(id);
    }
    for (const { id, address, gradients, mapped } of peers) {
      // Who offers its gradients has mapped what others offer, or says that it has not when it dials.
      if (gradients !== undefined) this.#share(id);
      if (this.#readers.has(id)) continue;
      const lost = (reason: string): void => {
        this.#readers.delete(id);
        this.#events.peerLost(id, reason);
      };
      if (address === null) lost('it cannot be reached from other processes');
      else this.#open(id, parseAddress(address, `address of ${id}`), lost, mapped);
    }
  }

  /** Leaves; resolves when the coordinator has taken what was sent before, or has let the time for it pass. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#options.server.serveAs(null);
    for (const reader of this.#readers.values()) reader.close();
    this.#memory?.close();
    this.#call.end();
    await Promise.race([this.#ended, setTimeout(LAST_WORDS_MS, undefined, { ref: false })]);
    this.#client.close();
  }

  /** Lets a reader have this worker's gradients where they lie. */
  #share(reader: string): void {
    if (this.#memory === null || this.#sharing.has(reader)) return;
    this.#sharing.add(reader);
    this.#options.server.offer(reader, this.#memory.parts.gradients);
  }

  #open(
    source: string,
    address: Address,
    lost: (reason: string) => void | Promise<void>,
    mapped: MemoryPart | null,
    unmap: () => void = () => undefined,
  ): void {
    if (this.#welcome === null || this.#closed) return;
    const { workerId: self, runId, job } = this.#welcome;
    const { security, heartbeatTimeoutMs, transfers: counters } = this.#options;
    const { transport: carrier, connections: lanes } = job.cluster;
    const reader = new BulkReader(
      {
        address,
        self,
        source,
        runId,
        security,
        heartbeatTimeoutMs,
        lanes,
        carrier,
        counters,
        mapped,
      },
      {
        // What comes by gRPC after all is written where the vectors were mapped.
        opened: (carrier) => {
          if (carrier !== 'shm') unmap();
        },
        piece: (piece) => this.#events.piece(this.#codec?.decode(piece) ?? piece),
        note: (bytes) => {
          const note = source === COORDINATOR ? noteFromCoordinator(bytes) : null;
          if (note === null) return;
          this.#notes.push(note);
          this.#hearNotes();
        },
        lost: (reason) => void lost(reason),
      },
    );
    this.#readers.set(source, reader);
  }

  /** Hands over the notes for which all that comes before them has been heard. */
  #hearNotes(): void {
    while ((this.#notes[0]?.after ?? Infinity) <= this.#heard) {
      const note = this.#notes.shift();
      if (note !== undefined) this.#events.message(note.message);
    }
  }

  #lose(reason: string, final = false): void {
    if (this.#closed) return;
    void this.close();
    this.#events.lost(reason, final);
  }
}

/** Whether dialling again would only fail again. */
function isFinal(error: Error): boolean {
  const code: unknown = 'code' in error ? error.code : undefined;
  return code === status.UNAUTHENTICATED || code === status.UNIMPLEMENTED || code === status.FAILED_PRECONDITION;
}
