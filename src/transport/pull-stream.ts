/**
 * The reader's end of the call Bulk.Pull: a gRPC client for this one call, on Node's HTTP/2 itself. The client of grpc-js makes two new
 * buffers of every message and copies it into both; here all messages are put together in one, which costs half the CPU time per
 * byte and leaves no garbage. On the wire it is gRPC like any other (the format: grpc/doc/PROTOCOL-HTTP2.md).
 */
import {
  connect,
  constants,
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type IncomingHttpHeaders,
} from 'node:http2';
import { status } from '@grpc/grpc-js';
import { formatAddress, type Address } from '../rpc/address.js';
import { callMetadata, type Security } from '../rpc/channel.js';
import type { BulkChunk__Output } from '../rpc/generated/lockstep/v1/BulkChunk.js';
import type { BulkRequest } from '../rpc/generated/lockstep/v1/BulkRequest.js';
import { protocol } from '../rpc/proto.js';
import { MessageAssembler, frameMessage } from './grpc-frame.js';
import { countReceived } from './receive-memory.js';

/** As much as may be under way on a fast link: streams into a client take what is asked for. */
const WINDOW_BYTES = 64 * 2 ** 20;
/** Of what the session may hold, in megabytes: the window is the limit. */
const SESSION_MEGABYTES = 1024;

/** Pings without an answer that make a peer lost. More than one: after a long turn of our own event loop, answers are late. */
const MISSES = 2;
const MIN_PING_MS = 500;

export interface PullStreamEvents {
  /** `bytes` in it end with the call. */
  readonly chunk: (chunk: BulkChunk__Output) => void;
  /** The call is over, or never began; called once, not after {@link PullStream.close}. */
  readonly ended: (reason: string) => void;
}

export interface PullStreamOptions {
  readonly address: Address;
  readonly security: Security;
  readonly heartbeatTimeoutMs: number;
  readonly request: BulkRequest;
}

export class PullStream {
  readonly #events: PullStreamEvents;
  readonly #session: ClientHttp2Session;
  readonly #stream: ClientHttp2Stream;
  readonly #heartbeat: NodeJS.Timeout;
  #unanswered = 0;
  #ended = false;

  /** Dials a connection of its own, so that small messages of other calls do not queue behind pieces. */
  constructor({ address, security, heartbeatTimeoutMs, request }: PullStreamOptions, events: PullStreamEvents) {
    this.#events = events;
    const session = connect(`http://${formatAddress(address)}`, {
      settings: { initialWindowSize: WINDOW_BYTES, enablePush: false },
      maxSessionMemory: SESSION_MEGABYTES,
    });
    this.#session = session;
    session.once('remoteSettings', () => session.setLocalWindowSize(WINDOW_BYTES));
    session.on('error', (error: Error) => this.#end(error.message));
    session.on('close', () => this.#end('the connection broke'));
    this.#heartbeat = setInterval(() => this.#ask(), Math.max(MIN_PING_MS, heartbeatTimeoutMs / (MISSES + 1)));

    const { Pull } = protocol().Bulk.service;
    const stream = session.request({
      ...callMetadata(security).toHttp2Headers(),
      [constants.HTTP2_HEADER_METHOD]: 'POST',
      [constants.HTTP2_HEADER_PATH]: Pull.path,
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    this.#stream = stream;
    const assembler = new MessageAssembler((message) => {
      if (!this.#ended) events.chunk(Pull.responseDeserialize(message));
    });
    stream.on('data', (bytes: Buffer) => {
      if (this.#ended) return;
      countReceived(bytes.length);
      const refusal = assembler.write(bytes);
      if (refusal !== null) this.#end(refusal);
    });
    let outcome = 'it closed the connection';
    const judge = (headers: IncomingHttpHeaders): void => {
      outcome = outcomeOf(headers) ?? outcome;
    };
    // A call that is refused at once says so in its headers.
    stream.on('response', judge);
    stream.on('trailers', judge);
    stream.on('error', (error: Error) => this.#end(error.message));
    stream.on('close', () => this.#end(outcome));
    stream.end(frameMessage(Pull.requestSerialize(request)));
  }

  close(): void {
    this.#ended = true;
    clearInterval(this.#heartbeat);
    this.#stream.close(constants.NGHTTP2_CANCEL);
    this.#session.destroy();
  }

  /** A connection that is not there yet counts as a ping without answer. */
  #ask(): void {
    this.#unanswered += 1;
    if (this.#unanswered > MISSES) {
      this.#end('it does not answer');
    } else if (!this.#session.connecting) {
      this.#session.ping(() => {
        this.#unanswered = 0;
      });
    }
  }

  #end(reason: string): void {
    if (this.#ended) return;
    this.close();
    this.#events.ended(reason);
  }
}

/** What headers or trailers say of the end of a call, in words; null when they say nothing. */
function outcomeOf(headers: IncomingHttpHeaders): string | null {
  const httpStatus = Number(headers[constants.HTTP2_HEADER_STATUS] ?? constants.HTTP_STATUS_OK);
  if (httpStatus !== constants.HTTP_STATUS_OK) return `it answers with HTTP status ${httpStatus}`;
  const code = headers['grpc-status'];
  if (code === undefined || code === String(status.OK)) return null;
  const message = headers['grpc-message'];
  const name = status[Number(code)] ?? 'unknown';
  return typeof message === 'string' && message !== '' ? decodeURIComponent(message) : `status ${name}`;
}
