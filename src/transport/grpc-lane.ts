/** The source's end of one lane over gRPC: writes frames as fast as the stream takes them. */
import type { ServerHttp2Stream } from 'node:http2';
import type { ServerWritableStream, ServiceDefinition } from '@grpc/grpc-js';
import type { BulkChunk } from '../rpc/generated/lockstep/v1/BulkChunk.js';
import type { BulkRequest__Output } from '../rpc/generated/lockstep/v1/BulkRequest.js';
import { protocol } from '../rpc/proto.js';
import { HEADER_BYTES, encodeHead } from './chunk-codec.js';
import { PREFIX_BYTES, writePrefix } from './grpc-frame.js';
import type { Outbox } from './outbox.js';
import type { Piece, TransferCounter } from '../protocol/piece.js';

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
/** Chunks on their way to the socket: one is written while the next waits. */
const CHUNKS = 2;

export class GrpcLane {
  readonly #call: PullCall;
  readonly #stream: ServerHttp2Stream | null;
  readonly #outbox: Outbox;
  readonly #counters: TransferCounter;
  /** Room for what precedes the data of a chunk; a chunk that is not written yet has one. */
  readonly #heads = Array.from({ length: CHUNKS }, () => Buffer.alloc(PREFIX_BYTES + HEADER_BYTES));
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

  /** Writes what the stream takes now; goes on by itself when it takes more. The outbox lends each part until it is written. */
  pump(): void {
    while (this.#open && !this.#outbox.empty) {
      const head = this.#heads.pop();
      if (head === undefined) return;
      const part = this.#outbox.lend(CHUNK_BYTES);
      if (part === null) {
        this.#heads.push(head);
        return;
      }
      this.#counters.sent(part.bytes.byteLength);
      this.#write(part, head, () => {
        this.#heads.push(head);
        this.#outbox.giveBack();
        this.pump();
      });
    }
  }

  close(): void {
    this.#open = false;
    this.#call.end();
  }

  #write(part: Piece, head: Buffer, written: () => void): void {
    const message = encodeHead(part, head.subarray(PREFIX_BYTES));
    const { buffer, byteOffset, byteLength } = part.bytes;
    const data = Buffer.from(buffer, byteOffset, byteLength);
    const stream = this.#stream;
    if (stream === null) {
      this.#call.write(Buffer.concat([message, data]), written);
      return;
    }
    writePrefix(head, message.length + byteLength);
    const announced = head.subarray(0, PREFIX_BYTES + message.length);
    // Node's HTTP/2 never comes to the end of a write of nothing.
    if (byteLength === 0) {
      stream.write(announced, written);
      return;
    }
    // Both go in one call, the data from where they lie: only the system copies them.
    stream.cork();
    stream.write(announced);
    stream.write(data, written);
    stream.uncork();
  }
}

/**
 * The HTTP/2 stream of a call. Chunks are written to it directly: grpc-js would copy each into a new buffer, which takes as long as
 * the rest of sending. It has no public way to the stream; null where a version keeps it elsewhere, and the call itself must do.
 */
function streamOf(call: PullCall): ServerHttp2Stream | null {
  const inner = (call as { readonly call?: { readonly stream?: Partial<ServerHttp2Stream> } }).call?.stream;
  return typeof inner?.write === 'function' && typeof inner.on === 'function' ? (inner as ServerHttp2Stream) : null;
}
