/** A source and readers over real gRPC, and what they see. */
import { afterEach } from 'vitest';
import { Condition } from '../../src/common/condition.js';
import type { Address } from '../../src/rpc/address.js';
import { RpcServer } from '../../src/rpc/channel.js';
import { BulkReader } from '../../src/transport/bulk-reader.js';
import { BulkServer } from '../../src/transport/bulk-server.js';
import type { BulkReaderOptions } from '../../src/transport/bulk.js';
import { ROOT, type Carrier, type Piece } from '../../src/protocol/piece.js';

export const RUN_ID = 'run-1';
export const SOURCE_ID = 'worker-1';
export const READER_ID = 'coordinator';
const HEARTBEAT_MS = 20_000;

/** Closed after the test, the last one first. */
export const closing: (() => unknown)[] = [];
afterEach(async () => {
  while (closing.length > 0) await closing.pop()?.();
});

export class Counter {
  sentBytes = 0;
  receivedBytes = 0;
  sent(bytes: number): void {
    this.sentBytes += bytes;
  }
  received(bytes: number): void {
    this.receivedBytes += bytes;
  }
}

export interface Source {
  readonly server: BulkServer;
  readonly address: Address;
  readonly counter: Counter;
  readonly close: () => Promise<void>;
}

export async function startSource(token: string | null = null): Promise<Source> {
  const rpc = new RpcServer(['lockstep.v1.Bulk'], HEARTBEAT_MS);
  const counter = new Counter();
  const server = new BulkServer(rpc, { token }, counter);
  const address = await rpc.listen({ host: '127.0.0.1', port: 0 }, { token });
  server.serveAs({ id: SOURCE_ID, runId: RUN_ID });
  const close = async (): Promise<void> => {
    await server.close();
    await rpc.close(100);
  };
  closing.push(close);
  return { server, address, counter, close };
}

/** A reader that keeps a copy of all it is given. */
export class Reader {
  readonly pieces: Piece[] = [];
  readonly losses: string[] = [];
  readonly counter = new Counter();
  readonly reader: BulkReader;
  opened: readonly [Carrier, string | null] | null = null;
  readonly #changed = new Condition();

  /** @param look sees each piece as it comes. */
  constructor(
    address: Address,
    options: Partial<BulkReaderOptions> = {},
    look: (piece: Piece) => unknown = () => undefined,
  ) {
    this.reader = new BulkReader(
      {
        address,
        self: READER_ID,
        source: SOURCE_ID,
        runId: RUN_ID,
        security: { token: null },
        heartbeatTimeoutMs: HEARTBEAT_MS,
        lanes: 1,
        carrier: 'grpc',
        counters: this.counter,
        ...options,
      },
      {
        opened: (carrier, refusal) => {
          this.opened = [carrier, refusal];
          this.#changed.notify();
        },
        piece: (piece) => {
          look(piece);
          this.pieces.push({ ...piece, bytes: Uint8Array.from(piece.bytes) });
          this.#changed.notify();
        },
        lost: (reason) => {
          this.losses.push(reason);
          this.#changed.notify();
        },
      },
    );
    closing.push(() => this.reader.close());
  }

  until(predicate: (reader: this) => boolean): Promise<boolean> {
    return this.#changed.until(() => predicate(this));
  }

  /** Elements that have arrived. */
  get count(): number {
    return this.pieces.reduce((sum, { count }) => sum + count, 0);
  }

  /** What has arrived of one vector, in its place. */
  vector(length: number, of: (piece: Piece) => boolean = () => true): Float32Array {
    const values = new Float32Array(length).fill(NaN);
    const bytes = new Uint8Array(values.buffer);
    for (const piece of this.pieces) {
      if (of(piece)) bytes.set(piece.bytes, piece.start * 4);
    }
    return values;
  }
}

/** A vector without two equal neighbours: a part in the wrong place is seen. */
export function numbers(length: number, from = 0): Float32Array {
  const values = new Float32Array(length);
  for (let i = 0; i < length; i += 1) values[i] = from + (i % 8_388_593);
  return values;
}

export function piece(values: Float32Array, rest: Partial<Piece> = {}): Piece {
  return {
    kind: 'gradient',
    fence: { epoch: 1, step: 2, attempt: 3 },
    node: ROOT,
    start: 0,
    count: values.length,
    format: 'float32',
    bytes: new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
    ...rest,
  };
}

/** Faster than comparing elements one by one. */
export function sameBytes(a: Float32Array, b: Float32Array): boolean {
  return Buffer.from(a.buffer, a.byteOffset, a.byteLength).equals(Buffer.from(b.buffer, b.byteOffset, b.byteLength));
}
