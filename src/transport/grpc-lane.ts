/** The source's end of one lane over gRPC: writes frames as fast as the stream takes them. */
import type { ServerHttp2Stream } from 'node:http2';
import type { ServerWritableStream, ServiceDefinition } from '@grpc/grpc-js';
import type { BulkChunk } from '../rpc/generated/lockstep/v1/BulkChunk.js';
import type { BulkRequest__Output } from '../rpc/generated/lockstep/v1/BulkRequest.js';
import { protocol } from '../rpc/proto.js';
import { HEADER_BYTES, encodePiece } from './chunk-codec.js';
import { PREFIX_BYTES, writePrefix } from './grpc-frame.js';
import type { Outbox } from './outbox.js';
import type { TransferCounter } from '../protocol/piece.js';

/** What a server writes: messages, and chunks that are encoded already. */
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
/** Where messages begin in a frame: on a multiple of 8, after the prefix. See `misalignment`. */
const MESSAGE_START = 8;
/** Frames on their way to the socket: one is written while the next waits. */
const FRAMES = 2;

export class GrpcLane {
  readonly #call: PullCall;
  readonly #stream: ServerHttp2Stream | null;
  readonly #outbox: Outbox;
  readonly #counters: TransferCounter;
  /** Buffers that no write is using. */
  readonly #frames: Buffer[] = [];
  #made = 0;
  #open = false;

  /** Takes a call to which nothing is written yet, and says in the first message that chunks will follow. */
  constructor(call: PullCall, refusal: string, outbox: Outbox, counters: TransferCounter) {
    this.#call = call;
    this.#stream = streamOf(call);
    this.#outbox = outbox;
    this.#counters = counters;
    this.#stream?.on('error', () => undefined);
    call.write({ opening: { refusal } }, () => {
      this.#open = true;
      this.pump();
    });
  }

  /** Writes what the stream takes now; goes on by itself when it takes more. Bytes that left the outbox are copied. */
  pump(): void {
    while (this.#open && !this.#outbox.empty) {
      const frame = this.#freeFrame();
      if (frame === undefined) return;
      const part = this.#outbox.take(CHUNK_BYTES);
      if (part === null) return;
      const message = encodePiece(part, frame.subarray(MESSAGE_START));
      writePrefix(frame.subarray(MESSAGE_START - PREFIX_BYTES), message.length);
      this.#counters.sent(part.bytes.byteLength);
      const written = (): void => {
        this.#frames.push(frame);
        this.pump();
      };
      const end = MESSAGE_START + message.length;
      if (this.#stream === null) this.#call.write(message, written);
      else this.#stream.write(frame.subarray(MESSAGE_START - PREFIX_BYTES, end), written);
    }
  }

  close(): void {
    this.#open = false;
    this.#call.end();
  }

  #freeFrame(): Buffer | undefined {
    const free = this.#frames.pop();
    if (free !== undefined || this.#made === FRAMES) return free;
    this.#made += 1;
    return Buffer.allocUnsafeSlow(MESSAGE_START + HEADER_BYTES + CHUNK_BYTES);
  }
}

/**
 * The HTTP/2 stream of a call. Frames are written to it directly: grpc-js would copy each into a new buffer, which takes as long as
 * the rest of sending. It has no public way to the stream; null where a version keeps it elsewhere, and the call itself must do.
 */
function streamOf(call: PullCall): ServerHttp2Stream | null {
  const inner = (call as { readonly call?: { readonly stream?: Partial<ServerHttp2Stream> } }).call?.stream;
  return typeof inner?.write === 'function' && typeof inner.on === 'function' ? (inner as ServerHttp2Stream) : null;
}
