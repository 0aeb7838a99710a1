import { describe, expect, it } from 'vitest';
import { READER_ID, RUN_ID, Reader, SOURCE_ID, numbers, piece, sameBytes, startSource } from './rig.js';

/** Larger than a chunk, a ring and what a stream takes at once. */
const LARGE = 6_000_007;

describe.each(['grpc', 'shm'] as const)('pieces over %s', (carrier) => {
  it('arrive as they were sent, with all that they say of themselves', async () => {
    const { server, address } = await startSource();
    const reader = new Reader(address, { carrier });
    const halves = new Uint8Array([1, 2, 3, 4, 5, 6]);
    const sent = [
      piece(numbers(3), {
        fence: { epoch: 300, step: 70_000, attempt: 4_000_000_000 },
        node: { level: 3, index: 129 },
      }),
      piece(numbers(1), { kind: 'sum', start: 4_000_000_000 }),
      piece(new Float32Array(0), { kind: 'weights', fence: { epoch: 0, step: 12, attempt: 0 } }),
      piece(new Float32Array(0), { kind: 'weights', count: 3, format: 'bfloat16', bytes: halves }),
      piece(new Float32Array(0), { kind: 'sum', count: 1, format: 'float16', bytes: halves.subarray(1, 3) }),
    ];
    for (const each of sent) server.send(READER_ID, each);
    await reader.until(({ pieces }) => pieces.length === sent.length);
    const plain = sent.map((each) => ({ ...each, bytes: Uint8Array.from(each.bytes) }));
    expect(reader.pieces).toEqual(plain);
    expect(reader.opened).toEqual([carrier, null]);
    expect(reader.reader.carrier).toBe(carrier);
  });

  it('keep their order, however large, and whenever the reader comes', async () => {
    const { server, address, counter } = await startSource();
    const first = numbers(LARGE);
    const second = numbers(1000, 7);
    server.send(READER_ID, piece(first));
    server.send(READER_ID, piece(second, { kind: 'sum' }));
    expect(server.busy()).toBe(true);
    expect(server.busy(READER_ID)).toBe(true);
    expect(server.busy('worker-9')).toBe(false);
    const reader = new Reader(address, { carrier });
    await reader.until(({ count }) => count === first.length + second.length);
    const starts = reader.pieces.map(({ start }) => start);
    expect(starts.slice(0, -1)).toEqual(starts.slice(0, -1).toSorted((a, b) => a - b));
    expect(reader.pieces.at(-1)?.kind).toBe('sum');
    expect(
      sameBytes(
        reader.vector(LARGE, ({ kind }) => kind === 'gradient'),
        first,
      ),
    ).toBe(true);
    expect(
      sameBytes(
        reader.vector(1000, ({ kind }) => kind === 'sum'),
        second,
      ),
    ).toBe(true);
    await server.flushed();
    expect(server.busy()).toBe(false);
    const bytes = first.byteLength + second.byteLength;
    expect([counter.sentBytes, reader.counter.receivedBytes]).toEqual([bytes, bytes]);
  });

  it('may be changed as soon as they are flushed', async () => {
    const { server, address } = await startSource();
    const values = numbers(LARGE);
    const reader = new Reader(address, { carrier });
    server.send(READER_ID, piece(values));
    await server.flushed(READER_ID);
    values.fill(-1);
    await reader.until(({ count }) => count === LARGE);
    expect(sameBytes(reader.vector(LARGE), numbers(LARGE))).toBe(true);
  });

  it('that are dropped do not arrive, and later ones do', async () => {
    const { server, address } = await startSource();
    server.send(READER_ID, piece(numbers(1000)));
    server.send('worker-9', piece(numbers(1000)));
    server.drop(READER_ID);
    expect(server.busy(READER_ID)).toBe(false);
    expect(server.busy()).toBe(true);
    server.drop();
    expect(server.busy()).toBe(false);
    server.send(READER_ID, piece(numbers(3), { kind: 'sum' }));
    const reader = new Reader(address, { carrier });
    await reader.until(({ pieces }) => pieces.length > 0);
    expect(reader.pieces).toMatchObject([{ kind: 'sum', count: 3 }]);
  });

  it('that a reader has left behind are dropped', async () => {
    const { server, address } = await startSource();
    const reader = new Reader(address, { carrier });
    server.send(READER_ID, piece(numbers(10)));
    await reader.until(({ pieces }) => pieces.length === 1);
    reader.reader.close();
    // More than any buffer on the way takes: it is dropped when the source notices.
    server.send(READER_ID, piece(new Float32Array(40_000_000)));
    await server.flushed(READER_ID);
    expect(reader.pieces).toHaveLength(1);
    expect(reader.losses).toEqual([]);
  });

  it('go to those they are meant for', async () => {
    const { server, address } = await startSource();
    const readers = ['worker-2', 'worker-3'].map((self) => new Reader(address, { self, carrier }));
    server.send('worker-3', piece(numbers(30)));
    server.send('worker-2', piece(numbers(20)));
    for (const reader of readers) await reader.until(({ pieces }) => pieces.length === 1);
    expect(readers.map(({ count }) => count)).toEqual([20, 30]);
  });

  it('end when the source takes another name, or closes', async () => {
    const { server, address, close } = await startSource();
    const reader = new Reader(address, { carrier });
    await reader.until(({ opened }) => opened !== null);
    server.send('worker-9', piece(numbers(3)));
    server.serveAs({ id: 'worker-7', runId: RUN_ID });
    expect(server.busy()).toBe(false);
    await reader.until(({ losses }) => losses.length > 0);
    expect(reader.losses).toEqual(['it closed the connection']);
    const next = new Reader(address, { source: 'worker-7', carrier });
    await next.until(({ opened }) => opened !== null);
    await close();
    await next.until(({ losses }) => losses.length > 0);
    expect(next.losses).toHaveLength(1);
  });
});

describe('a reader', () => {
  it('may have several lanes, over which every element arrives once', async () => {
    const { server, address } = await startSource();
    const reader = new Reader(address, { lanes: 3 });
    const values = numbers(LARGE);
    server.send(READER_ID, piece(values));
    await reader.until(({ count }) => count === LARGE);
    server.send(READER_ID, piece(values.subarray(0, 1000), { kind: 'sum' }));
    await reader.until(({ count }) => count === LARGE + 1000);
    expect(sameBytes(reader.vector(LARGE), values)).toBe(true);
  });

  it.each([
    ['another process than the one it asks for', { source: 'worker-2' }, `this is not worker-2 of run ${RUN_ID}`],
    ['another run', { runId: 'run-2' }, `this is not ${SOURCE_ID} of run run-2`],
    ['a source with another token', { security: { token: 'wrong' } }, 'the join token is missing or wrong'],
    ['a source, but without a token', { security: { token: null } }, 'the join token is missing or wrong'],
  ])('that meets %s is told so', async (_, options, reason) => {
    const { address } = await startSource('secret');
    const reader = new Reader(address, { security: { token: 'secret' }, ...options });
    await reader.until(({ losses }) => losses.length > 0);
    expect(reader.losses).toHaveLength(1);
    expect(reader.losses[0]).toContain(reason);
  });

  it('hears when no one listens', async () => {
    const reader = new Reader({ host: '127.0.0.1', port: 1 }, { carrier: 'auto' });
    await reader.until(({ losses }) => losses.length > 0);
    expect(reader.losses[0]).toContain('127.0.0.1:1');
  });
});
