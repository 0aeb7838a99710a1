/** Where pieces enter a process: dials one source, and pulls from it for as long as both take part. */
import type { ClientReadableStream } from '@grpc/grpc-js';
import { LockstepError } from '../common/errors.js';
import { formatAddress } from '../rpc/address.js';
import { callMetadata, clientCredentials, clientOptions } from '../rpc/channel.js';
import type { BulkClient } from '../rpc/generated/lockstep/v1/Bulk.js';
import type { BulkChunk__Output } from '../rpc/generated/lockstep/v1/BulkChunk.js';
import type { Opening__Output } from '../rpc/generated/lockstep/v1/Opening.js';
import type { Segment__Output } from '../rpc/generated/lockstep/v1/Segment.js';
import { protocol } from '../rpc/proto.js';
import { plainReason } from '../rpc/reason.js';
import type { BulkReaderEvents, BulkReaderOptions } from './bulk.js';
import { decodePiece } from './chunk-codec.js';
import { hostId } from './host-id.js';
import type { Carrier, Piece } from './piece.js';
import { SharedLaneReader } from './shared-lane.js';

interface Lane {
  readonly client: BulkClient;
  readonly call: ClientReadableStream<BulkChunk__Output>;
}

export class BulkReader {
  readonly #options: BulkReaderOptions;
  readonly #events: BulkReaderEvents;
  readonly #lanes: Lane[] = [];
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
    for (const lane of this.#lanes.splice(0)) hangUp(lane);
  }

  /** @param refusal why this call does not ask for shared memory, when that is not the caller's choice. */
  #dial(number: number, host: string, refusal: string | null): void {
    const { address, security, heartbeatTimeoutMs, self, source, runId } = this.#options;
    const client = new (protocol().Bulk)(formatAddress(address), clientCredentials(security), {
      ...clientOptions(heartbeatTimeoutMs),
      // A connection of its own: small messages of other calls must not queue behind pieces, nor lanes share one.
      'grpc.use_local_subchannel_pool': 1,
    });
    const call = client.pull({ runId, reader: self, source, lane: number, hostId: host }, callMetadata(security));
    const lane: Lane = { client, call };
    this.#lanes.push(lane);
    call.on('data', ({ opening, piece }: BulkChunk__Output) => {
      if (this.#closed) return;
      if (piece) {
        const decoded = decodePiece(piece);
        if (decoded !== null) this.#take(decoded);
      } else if (opening && number === 0) {
        void this.#open(opening, lane, refusal);
      }
    });
    const lose = (reason: string): void => {
      if (!this.#lanes.includes(lane)) return;
      // The end of the stream may overtake what still lies in shared memory.
      this.#shared?.drain();
      this.#lose(reason);
    };
    call.on('error', (error) => lose(plainReason(error)));
    call.on('end', () => lose('it closed the connection'));
  }

  async #open({ segment, refusal: theirs }: Opening__Output, lane: Lane, ours: string | null): Promise<void> {
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

  async #share(segment: Segment__Output, lane: Lane): Promise<void> {
    try {
      const shared = await SharedLaneReader.open(segment, {
        piece: (piece) => this.#take(piece),
        lost: (reason) => this.#lose(reason),
      });
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
      this.#lanes.splice(this.#lanes.indexOf(lane), 1);
      hangUp(lane);
      this.#dial(0, '', message);
    }
  }

  #settle(carrier: Carrier, refusal: string | null): void {
    this.#carrier = carrier;
    this.#events.opened?.(carrier, refusal);
  }

  #take(piece: Piece): void {
    if (this.#closed) return;
    this.#options.counters.received(piece.bytes.byteLength);
    this.#events.piece(piece);
  }

  #lose(reason: string): void {
    if (this.#closed) return;
    this.close();
    this.#events.lost(reason);
  }
}

function hangUp({ client, call }: Lane): void {
  call.on('error', () => undefined);
  call.cancel();
  client.close();
}
