/** The source's end of one lane over gRPC: writes frames as fast as the stream takes them. */
import type { ServerWritableStream, ServiceDefinition } from '@grpc/grpc-js';
import type { BulkChunk } from '../rpc/generated/lockstep/v1/BulkChunk.js';
import type { BulkRequest__Output } from '../rpc/generated/lockstep/v1/BulkRequest.js';
import { protocol } from '../rpc/proto.js';
import { HEADER_BYTES, encodePiece } from './chunk-codec.js';
import type { Outbox } from './outbox.js';
import type { TransferCounter } from './piece.js';

/** What a server writes: messages, and pieces in their wire form. */
export type PullCall = ServerWritableStream<BulkRequest__Output, BulkChunk | Buffer>;

/** The service with a serializer that lets pass what is encoded already. */
export function bulkService(): ServiceDefinition {
  const { Pull } = protocol().Bulk.service;
  const responseSerialize = (chunk: BulkChunk | Buffer): Buffer =>
    Buffer.isBuffer(chunk) ? chunk : Pull.responseSerialize(chunk);
  return { Pull: { ...Pull, responseSerialize } };
}

/** Bytes of a chunk: enough to forget the cost of a message, and few enough to stay in the cache on their way. */
const CHUNK_BYTES = 2 ** 18;
/** Frames on their way to the socket: one is written while the next waits. */
const FRAMES = 2;

export class GrpcLane {
  readonly #call: PullCall;
  readonly #outbox: Outbox;
  readonly #counters: TransferCounter;
  /** Buffers that no write is using. */
  readonly #frames: Buffer[] = [];
  #made = 0;
  #ended = false;

  /** @param taken called when the stream has taken a chunk, and the outbox may have become empty. */
  constructor(call: PullCall, outbox: Outbox, counters: TransferCounter) {
    this.#call = call;
    this.#outbox = outbox;
    this.#counters = counters;
  }

  /** Writes what the stream takes now; goes on by itself when it takes more. Bytes that left the outbox are copied. */
  pump(): void {
    while (!this.#ended && !this.#outbox.empty) {
      const frame = this.#freeFrame();
      if (frame === undefined) return;
      const part = this.#outbox.take(CHUNK_BYTES);
      if (part === null) return;
      this.#counters.sent(part.bytes.byteLength);
      this.#call.write(encodePiece(part, frame), () => {
        this.#frames.push(frame);
        this.pump();
      });
    }
  }

  close(): void {
    this.#ended = true;
    this.#call.end();
  }

  #freeFrame(): Buffer | undefined {
    const free = this.#frames.pop();
    if (free !== undefined || this.#made === FRAMES) return free;
    this.#made += 1;
    return Buffer.allocUnsafeSlow(CHUNK_BYTES + HEADER_BYTES);
  }
}
