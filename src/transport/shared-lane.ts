/** The two ends of a lane through shared memory: a ring that the source writes and the reader reads, and a doorbell for each. */
import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { LockstepError } from '../common/errors.js';
import type { Segment, Segment__Output } from '../rpc/generated/lockstep/v1/Segment.js';
import { Doorbell, callAt, type DoorbellServer } from './doorbell.js';
import type { Outbox } from './outbox.js';
import type { MemoryPart } from '../protocol/memory-part.js';
import type { Piece, TransferCounter } from '../protocol/piece.js';
import { NONCE_BYTES, RING_START, RingError, RingReader, RingWriter } from './ring.js';
import { offerMemory, openMemory, type Mapping, type OfferedMapping } from './shared-memory.js';

/** Of the ring: room for both sides to work at the same time, and small enough to stay in the cache. */
const RING_BYTES = 2 ** 22;

/** How long a reader may be left asleep while it can do nothing with all that is new. */
const ANNOUNCE_AFTER_MS = 20;

/** The source's end. It exists from the offer on, and carries pieces once the reader has rung. */
export class SharedLane {
  /** What the reader needs to know. */
  readonly segment: Segment;
  readonly #memory: OfferedMapping;
  readonly #outbox: Outbox;
  readonly #counters: TransferCounter;
  readonly #gone: () => void;
  readonly #shared: () => MemoryPart | null;
  readonly #stopExpecting: () => void;
  #doorbell: Doorbell | null = null;
  #writer: RingWriter | null = null;
  #announcement: NodeJS.Timeout | null = null;

  /**
   * @param gone the reader has left; called once.
   * @param shared memory that the reader has mapped: pieces that lie in it are not copied.
   * @throws LockstepError `unavailable` where memory cannot be shared.
   */
  constructor(
    doorbells: DoorbellServer,
    outbox: Outbox,
    counters: TransferCounter,
    gone: () => void,
    shared: () => MemoryPart | null,
  ) {
    this.#shared = shared;
    this.#memory = offerMemory(RING_START + RING_BYTES);
    this.#outbox = outbox;
    this.#counters = counters;
    this.#gone = gone;
    const nonce = randomBytes(NONCE_BYTES);
    new Uint8Array(this.#memory.buffer).set(nonce);
    this.#stopExpecting = doorbells.expect(nonce, (socket) => this.#attach(socket));
    this.segment = {
      pid: process.pid,
      fd: this.#memory.fd,
      bytes: RING_START + RING_BYTES,
      nonce,
      socket: doorbells.name,
    };
  }

  /** Whether the reader has come. */
  get attached(): boolean {
    return this.#writer !== null;
  }

  /** Writes what the ring takes now; goes on by itself when it takes more. */
  pump(): void {
    const writer = this.#writer;
    if (writer === null) return;
    writer.pump(this.#outbox, (bytes) => this.#counters.sent(bytes));
    this.#announceLater(writer);
  }

  /** Writes a note, ahead of the pieces that wait; false when that cannot be now. */
  note(bytes: Uint8Array, isAwaited: boolean): boolean {
    const writer = this.#writer;
    if (writer?.note(bytes, isAwaited) !== true) return false;
    this.#announceLater(writer);
    return true;
  }

  /** As a rule something that is awaited comes sooner. */
  #announceLater(writer: RingWriter): void {
    if (writer.unannounced) this.#announcement ??= setTimeout(() => this.#announce(), ANNOUNCE_AFTER_MS);
  }

  #announce(): void {
    this.#announcement = null;
    if (this.#writer?.unannounced === true) this.#writer.announce();
  }

  close(): void {
    if (this.#announcement !== null) clearTimeout(this.#announcement);
    this.#stopExpecting();
    this.#doorbell?.close();
    this.#writer = null;
    this.#memory.release();
  }

  #attach(socket: Socket): void {
    this.#memory.seal();
    this.#doorbell = new Doorbell(socket, { rung: () => this.pump(), gone: this.#gone });
    this.#writer = new RingWriter(this.#memory.buffer, this.#doorbell.ring, this.#shared);
    this.pump();
  }
}

export interface SharedLaneEvents {
  readonly piece: (piece: Piece) => void;
  /** The bytes are valid during the call. */
  readonly note: (bytes: Uint8Array) => void;
  /** The source has left, or writes what it should not; called once. */
  readonly lost: (reason: string) => void;
}

/** The reader's end. */
export class SharedLaneReader {
  readonly #memory: Mapping;
  readonly #doorbell: Doorbell;
  readonly #reader: RingReader;
  readonly #events: SharedLaneEvents;
  #turnDue = false;
  #closed = false;

  private constructor(memory: Mapping, socket: Socket, events: SharedLaneEvents, shared: MemoryPart | null) {
    this.#memory = memory;
    this.#events = events;
    this.#doorbell = new Doorbell(socket, {
      rung: () => this.drain(),
      gone: () => {
        // What was written before it left is there to be read.
        this.drain();
        if (!this.#closed) events.lost('it closed the connection');
      },
    });
    this.#reader = new RingReader(memory.buffer, this.#doorbell.ring, shared);
    this.#turn();
  }

  /**
   * @param shared memory of the source that is mapped here, and that its pieces may lie in.
   * @throws LockstepError `unavailable` where the memory cannot be shared.
   */
  static async open(
    segment: Segment__Output,
    events: SharedLaneEvents,
    shared: MemoryPart | null,
  ): Promise<SharedLaneReader> {
    const { pid, fd, bytes, nonce, socket } = segment;
    const memory = openMemory(pid, fd, bytes);
    try {
      // Nothing is written before it is certain whose memory this is.
      if (nonce.length !== NONCE_BYTES || !nonce.equals(new Uint8Array(memory.buffer, 0, NONCE_BYTES))) {
        throw new LockstepError('unavailable', 'shared memory is not what was offered: its nonce differs');
      }
      return new SharedLaneReader(memory, await callAt(socket, nonce), events, shared);
    } catch (error) {
      memory.release();
      throw error;
    }
  }

  /** Hands over what has arrived. */
  drain(): void {
    if (this.#closed) return;
    try {
      if (this.#reader.drain(this.#events.piece, this.#events.note)) this.#turn();
    } catch (error) {
      if (!(error instanceof RingError)) throw error;
      this.#events.lost(error.message);
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#reader.close();
    this.#doorbell.close();
    this.#memory.release();
  }

  #turn(): void {
    if (this.#turnDue) return;
    this.#turnDue = true;
    setImmediate(() => {
      this.#turnDue = false;
      this.drain();
    });
  }
}
