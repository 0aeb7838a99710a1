/** Offers of shared memory that cannot be taken up, and peers that are not ours: ordinary gRPC at the other end. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { credentials, type ServerWritableStream } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { formatAddress, type Address } from '../../src/rpc/address.js';
import { RpcServer, callMetadata } from '../../src/rpc/channel.js';
import type { BulkChunk, BulkChunk__Output } from '../../src/rpc/generated/lockstep/v1/BulkChunk.js';
import type { BulkRequest__Output } from '../../src/rpc/generated/lockstep/v1/BulkRequest.js';
import type { Segment } from '../../src/rpc/generated/lockstep/v1/Segment.js';
import { protocol } from '../../src/rpc/proto.js';
import { DoorbellServer } from '../../src/transport/doorbell.js';
import { hostId } from '../../src/transport/host-id.js';
import { NONCE_BYTES } from '../../src/transport/ring.js';
import { offerMemory } from '../../src/transport/shared-memory.js';
import { READER_ID, RUN_ID, Reader, SOURCE_ID, closing, numbers, piece, startSource } from './rig.js';

const LOOPBACK: Address = { host: '127.0.0.1', port: 0 };
const SECURITY = { token: null };
const MEMORY_BYTES = 2 ** 16;

/** A server of grpc-js that offers this memory, or sends one piece where none is asked for. */
async function offering(segment: Segment): Promise<{ address: Address; requests: BulkRequest__Output[] }> {
  const rpc = new RpcServer([], 20_000);
  const requests: BulkRequest__Output[] = [];
  rpc.server.addService(protocol().Bulk.service, {
    pull(call: ServerWritableStream<BulkRequest__Output, BulkChunk>) {
      requests.push(call.request);
      call.on('error', () => undefined);
      call.write({ opening: call.request.hostId === '' ? { refusal: 'so it is' } : { segment } });
      if (call.request.hostId !== '') return;
      const { bytes, ...rest } = piece(numbers(5));
      const kinds = { kind: 'PIECE_KIND_GRADIENT', format: 'WIRE_FORMAT_FLOAT32' } as const;
      call.write({ piece: { ...rest, ...rest.node, ...kinds, data: bytes } });
    },
  });
  const address = await rpc.listen(LOOPBACK, SECURITY);
  closing.push(() => rpc.close(100));
  return { address, requests };
}

/** Memory of this process, with this at its beginning. */
function memoryWith(nonce: Buffer) {
  const memory = offerMemory(MEMORY_BYTES);
  closing.push(() => memory.release());
  new Uint8Array(memory.buffer).set(nonce);
  return { pid: process.pid, fd: memory.fd, bytes: MEMORY_BYTES, socket: 'lockstep-nobody' };
}

const nonce = Buffer.alloc(NONCE_BYTES, 7);

describe.runIf(process.platform === 'linux')('an offer of memory', () => {
  it.each([
    [
      'that is not there',
      () => ({ pid: process.pid, fd: 999_999, bytes: MEMORY_BYTES, nonce, socket: '' }),
      'cannot be opened',
    ],
    [
      'that is another file',
      () => ({ pid: process.pid, fd: 0, bytes: MEMORY_BYTES, nonce, socket: '' }),
      'is no shared memory',
    ],
    ['of another size', () => ({ ...memoryWith(nonce), nonce, bytes: 4096 }), 'instead of 4096'],
    ['with another nonce', () => ({ ...memoryWith(nonce), nonce: Buffer.alloc(NONCE_BYTES, 8) }), 'its nonce differs'],
    ['with a nonce that is too short', () => ({ ...memoryWith(nonce), nonce: nonce.subarray(1) }), 'its nonce differs'],
    ['whose source does not listen', () => ({ ...memoryWith(nonce), nonce }), 'ECONNREFUSED'],
  ])('%s is turned down: gRPC carries instead', async (_, segment, reason) => {
    const { address, requests } = await offering(segment());
    const reader = new Reader(address, { carrier: 'auto' });
    await reader.until(({ pieces }) => pieces.length > 0);
    expect(reader.opened?.[0]).toBe('grpc');
    expect(reader.opened?.[1]).toContain(reason);
    expect(reader.vector(5)).toEqual(numbers(5));
    expect(requests.map((request) => request.hostId)).toEqual([hostId(), '']);
    expect(reader.losses).toEqual([]);
  });

  it('that is turned down ends the attempt where nothing else will do', async () => {
    const { address } = await offering({ ...memoryWith(nonce), nonce: Buffer.alloc(NONCE_BYTES) });
    const reader = new Reader(address, { carrier: 'shm' });
    await reader.until(({ losses }) => losses.length > 0);
    expect(reader.losses).toEqual(['shared memory is not what was offered: its nonce differs']);
  });

  it('does not lose what is queued when it is turned down', async () => {
    const { server, address } = await startSource();
    server.send(READER_ID, piece(numbers(4)));
    // Takes the offer of the source and leaves without having come.
    const { client, chunks } = pull(address, { hostId: hostId() });
    await chunks.next();
    client.close();
    const reader = new Reader(address, { carrier: 'grpc' });
    await reader.until(({ pieces }) => pieces.length > 0);
    expect(reader.vector(4)).toEqual(numbers(4));
  });

  it('is not made to another host, whose reader hears why', async () => {
    const { address } = await startSource();
    const { chunks } = pull(address, { hostId: 'elsewhere' });
    const { value } = await chunks.next();
    expect(value?.opening?.segment).toBeNull();
    expect(value?.opening?.refusal).toContain('do not share a host');
  });
});

describe.runIf(process.platform === 'linux')('a doorbell', () => {
  it('opens to nobody without the nonce, and only once to who has it', async () => {
    const server = await DoorbellServer.listen();
    closing.push(() => server.close());
    let connected = 0;
    server.expect(nonce, (socket) => {
      connected += 1;
      closing.push(() => socket.destroy());
    });
    const refused = async (said: Buffer): Promise<void> => {
      const socket = connect(`\0${server.name}`);
      socket.on('error', () => undefined);
      socket.write(said);
      await new Promise((resolve) => socket.on('close', resolve));
    };
    await refused(Buffer.alloc(NONCE_BYTES, 8));
    expect(connected).toBe(0);
    const socket = connect(`\0${server.name}`);
    closing.push(() => socket.destroy());
    socket.write(nonce.subarray(0, 5));
    await new Promise((resolve) => setTimeout(resolve, 5));
    socket.write(nonce.subarray(5));
    await refused(nonce);
    expect(connected).toBe(1);
  });

  it('that is closed keeps those who have come in, and sends those away who have said nothing', async () => {
    const server = await DoorbellServer.listen();
    const comes = new Promise<Socket>((resolve) => server.expect(nonce, resolve));
    const [silent, known] = [connect(`\0${server.name}`), connect(`\0${server.name}`)];
    silent.on('error', () => undefined);
    known.write(nonce);
    const ours = await comes;
    closing.push(() => known.destroy());
    const left = new Promise((resolve) => silent.on('close', resolve));
    server.close();
    await left;
    expect([ours.destroyed, known.destroyed]).toEqual([false, false]);
  });
});

/** A call by an ordinary client of gRPC. */
function pull(address: Address, request: { readonly hostId?: string } = {}) {
  const client = new (protocol().Bulk)(formatAddress(address), credentials.createInsecure());
  closing.push(() => client.close());
  const identity = { runId: RUN_ID, reader: READER_ID, source: SOURCE_ID, lane: 0, hostId: '' };
  const call = client.pull({ ...identity, ...request }, callMetadata(SECURITY));
  call.on('error', () => undefined);
  const chunks = call[Symbol.asyncIterator]() as AsyncIterator<BulkChunk__Output, undefined>;
  return { client: { close: () => call.cancel() }, chunks };
}

describe('ordinary gRPC', () => {
  it('reads what a source sends', async () => {
    const { server, address } = await startSource();
    server.send(READER_ID, piece(numbers(3), { node: { level: 2, index: 5 }, start: 9 }));
    const { chunks } = pull(address);
    expect((await chunks.next()).value?.opening?.refusal).toBe('');
    const { value } = await chunks.next();
    expect(value?.piece).toMatchObject({
      kind: 'PIECE_KIND_GRADIENT',
      format: 'WIRE_FORMAT_FLOAT32',
      fence: { epoch: 1, step: 2, attempt: 3 },
      level: 2,
      index: 5,
      start: 9,
      count: 3,
    });
    expect(value?.piece?.data).toEqual(Buffer.from(numbers(3).buffer));
  });
});

describe('a peer', () => {
  it('that takes the connection and says nothing is lost', async () => {
    const server = createServer((socket) => socket.on('error', () => undefined).resume());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closing.push(() => server.close());
    const { port } = server.address() as AddressInfo;
    const reader = new Reader({ host: '127.0.0.1', port }, { heartbeatTimeoutMs: 1 });
    await reader.until(({ losses }) => losses.length > 0);
    expect(reader.losses).toEqual(['it does not answer']);
  });

  it('that speaks no gRPC is lost', async () => {
    const server = createServer((socket) =>
      socket.on('error', () => undefined).end('HTTP/1.1 400 Bad Request\r\n\r\n'),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closing.push(() => server.close());
    const { port } = server.address() as AddressInfo;
    const reader = new Reader({ host: '127.0.0.1', port });
    await reader.until(({ losses }) => losses.length > 0);
    expect(reader.losses).toHaveLength(1);
  });
});
