/** Where pieces enter a process: dials one source, and pulls from it for as long as both take part. */
import { LockstepError } from '../common/errors.js';
import type { BulkChunk__Output } from '../rpc/generated/lockstep/v1/BulkChunk.js';
import type { Opening__Output } from '../rpc/generated/lockstep/v1/Opening.js';
import type { Segment__Output } from '../rpc/generated/lockstep/v1/Segment.js';
import type { BulkReaderEvents, BulkReaderOptions } from './bulk.js';
import { placeIn } from '../protocol/memory-part.js';
import { decodePiece } from './chunk-codec.js';
import { hostId } from './host-id.js';
import type { Carrier, Piece } from '../protocol/piece.js';
import { PullStream } from './pull-stream.js';
import { SharedLaneReader, type SharedLaneEvents } from './shared-lane.js';

export class BulkReader {
  readonly #options: BulkReaderOptions;
  readonly #events: BulkReaderEvents;
  readonly #lanes = new Set<PullStream>();
  #shared: SharedLaneReader | null = null;
  #carrier: Carrier | null = null;
  #closed = false;

  /** Dials; what comes of it goes to `events`, later. */
  constructor(options: BulkReaderOptions, events: BulkReaderEvents) {
    this.#options = options;
    this.#events = events;
    const host = options.carrier === 'grpc' ? '' : hostId();
    if (options.carrier === 'shm' && host === '') {
      queueMicrotask(() => this.#lose(`memory is shared on Linux only, not on ${process.platform}`));
    } else {
      this.#dial(0, host, null);
    }
  }

  /** What carries the pieces; null until that is settled. */
  get carrier(): Carrier | null {
    return this.#carrier;
  }

  /** Leaves; no event follows. */
  close(): void {
    this.#closed = true;
    this.#shared?.close();
    for (const lane of this.#lanes) lane.close();
    this.#lanes.clear();
  }

  /** @param refusal why this call does not ask for shared memory, when that is not the caller's choice. */
  #dial(number: number, host: string, refusal: string | null): void {
    const { address, security, heartbeatTimeoutMs, self, source, runId, mapped = null } = this.#options;
    const inPlace = host !== '' && mapped !== null;
    const request = { runId, reader: self, source, lane: number, hostId: host, inPlace };
    const lane = new PullStream(
      { address, security, heartbeatTimeoutMs, request },
      {
        chunk: ({ opening, piece }: BulkChunk__Output) => {
          if (piece) {
            const decoded = decodePiece(piece);
            if (decoded !== null) this.#take(decoded);
          } else if (opening && number === 0) {
            void this.#open(opening, lane, refusal);
          }
        },
        ended: (reason) => {
          // The end of the stream may overtake what still lies in shared memory.
          this.#shared?.drain();
          this.#lose(reason);
        },
      },
    );
    this.#lanes.add(lane);
  }

  async #open({ segment, refusal: theirs }: Opening__Output, lane: PullStream, ours: string | null): Promise<void> {
    const refusal = ours ?? (theirs === '' ? null : theirs);
    if (segment) {
      await this.#share(segment, lane);
    } else if (this.#options.carrier === 'shm') {
      this.#lose(`it does not share memory: ${refusal ?? 'it gives no reason'}`);
    } else {
      this.#settle('grpc', refusal);
      for (let number = 1; number < this.#options.lanes; number += 1) this.#dial(number, '', null);
    }
  }

  async #share(segment: Segment__Output, lane: PullStream): Promise<void> {
    try {
      const events: SharedLaneEvents = {
        piece: (piece) => this.#take(piece),
        note: (bytes) => {
          if (!this.#closed) this.#events.note?.(bytes);
        },
        lost: (reason) => this.#lose(reason),
      };
      const shared = await SharedLaneReader.open(segment, events, this.#options.mapped ?? null);
      if (this.#closed) {
        shared.close();
        return;
      }
      this.#shared = shared;
      this.#settle('shm', null);
    } catch (error) {
      if (this.#closed) return;
      const { message } = LockstepError.from(error);
      if (this.#options.carrier === 'shm') {
        this.#lose(message);
        return;
      }
      this.#lanes.delete(lane);
      lane.close();
      this.#dial(0, '', message);
    }
  }

  #settle(carrier: Carrier, refusal: string | null): void {
    this.#carrier = carrier;
    this.#events.opened?.(carrier, refusal);
  }

  #take(piece: Piece): void {
    if (this.#closed) return;
    const { counters, mapped = null } = this.#options;
    // What lies in memory that both share has not travelled.
    if (mapped === null || placeIn(mapped, piece.bytes) === null) counters.received(piece.bytes.byteLength);
    this.#events.piece(piece);
  }

  #lose(reason: string): void {
    if (this.#closed) return;
    this.close();
    this.#events.lost(reason);
  }
}
