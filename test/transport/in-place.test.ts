/** Pieces that lie in memory that both processes have: they are handed over as places. */
import { describe, expect, it } from 'vitest';
import { PART_ALIGNMENT, bytesAt, placeIn, wholePages, type MemoryPart } from '../../src/protocol/memory-part.js';
import type { Piece } from '../../src/protocol/piece.js';
import { Outbox } from '../../src/transport/outbox.js';
import { RING_START, RingError, RingReader, RingWriter } from '../../src/transport/ring.js';
import { mapPart, offerPart } from '../../src/transport/shared-part.js';
import { READER_ID, Reader, numbers, piece, startSource } from './rig.js';

const ELEMENTS = PART_ALIGNMENT / 4;

/** The second page of a memory. */
function page(): MemoryPart {
  const { buffer } = new WebAssembly.Memory({ initial: 3, maximum: 3, shared: true });
  return wholePages(buffer, PART_ALIGNMENT, ELEMENTS * 4);
}

/** `length` elements of a part, as a piece; their values are their numbers. */
function pieceIn({ buffer, byteOffset }: MemoryPart, start: number, length: number, rest: Partial<Piece> = {}): Piece {
  const values = new Float32Array(buffer, byteOffset + start * 4, length);
  values.set(numbers(length, start));
  return piece(values, { start, ...rest });
}

describe('a place in a part of memory', () => {
  it('is counted from its start, and belongs to bytes that lie in it whole', () => {
    const part = page();
    const { buffer, byteOffset } = part;
    expect(placeIn(part, new Uint8Array(buffer, byteOffset, 5))).toBe(0);
    expect(placeIn(part, new Uint8Array(buffer, byteOffset + PART_ALIGNMENT - 5, 5))).toBe(PART_ALIGNMENT - 5);
    expect(placeIn(part, new Uint8Array(buffer, byteOffset + PART_ALIGNMENT - 5, 6))).toBeNull();
    expect(placeIn(part, new Uint8Array(buffer, byteOffset - 1, 5))).toBeNull();
    expect(placeIn(part, new Uint8Array(5))).toBeNull();
    expect(bytesAt(part, PART_ALIGNMENT - 5, 5)?.byteOffset).toBe(byteOffset + PART_ALIGNMENT - 5);
    expect(bytesAt(part, PART_ALIGNMENT - 5, 6)).toBeNull();
  });
});

describe('a ring between processes that share a part', () => {
  function ends(writerPart: MemoryPart, readerPart: MemoryPart | null) {
    const buffer = new SharedArrayBuffer(RING_START + 4096);
    const outbox = new Outbox();
    let rung = 0;
    const writer = new RingWriter(
      buffer,
      () => (rung += 1),
      () => writerPart,
    );
    const reader = new RingReader(buffer, () => undefined, readerPart);
    const got: Piece[] = [];
    return {
      outbox,
      writer,
      got,
      rung: () => rung,
      pump: () => writer.pump(outbox, () => undefined),
      drain: () =>
        reader.drain(
          (each) => got.push(each),
          () => undefined,
        ),
    };
  }

  it('says where a piece lies, and copies what lies elsewhere', () => {
    const [ours, theirs] = [page(), page()];
    const { outbox, pump, drain, got } = ends(ours, theirs);
    // More than the ring could take.
    outbox.push(pieceIn(ours, 100, 12_000, { node: { level: 2, index: 1 } }));
    outbox.push(piece(numbers(7), { kind: 'sum' }));
    outbox.push(pieceIn(ours, 3, 0));
    outbox.push(pieceIn(ours, ELEMENTS - 1, 1, { kind: 'weights' }));
    expect(pump()).toBe(true);
    drain();
    expect(got.map(({ kind, start, count, node }) => [kind, start, count, node.level])).toEqual([
      ['gradient', 100, 12_000, 2],
      ['sum', 0, 7, 0],
      ['gradient', 3, 0, 0],
      ['weights', ELEMENTS - 1, 1, 0],
    ]);
    const places = got.map(({ bytes }) => placeIn(theirs, bytes));
    expect(places).toEqual([400, null, 12, (ELEMENTS - 1) * 4]);
    expect(got.map(({ bytes }) => bytes.byteLength)).toEqual([48_000, 28, 0, 4]);
  });

  it('wakes nobody for what is not awaited until it is asked to', () => {
    const [ours, theirs] = [page(), page()];
    const { outbox, pump, drain, got, rung, writer } = ends(ours, theirs);
    drain();
    outbox.push(pieceIn(ours, 0, 5, { kind: 'weights', isAwaited: false }));
    pump();
    expect([rung(), writer.unannounced]).toEqual([0, true]);
    writer.announce();
    expect([rung(), writer.unannounced]).toEqual([1, false]);
    drain();
    outbox.push(pieceIn(ours, 0, 5, { kind: 'weights', isAwaited: false }));
    outbox.push(pieceIn(ours, 0, 5));
    pump();
    expect([rung(), writer.unannounced]).toEqual([2, false]);
    drain();
    expect(got).toHaveLength(3);
    expect(writer.note(Buffer.from('for later'), false)).toBe(true);
    expect([rung(), writer.unannounced]).toEqual([2, true]);
    writer.note(Buffer.from('for now'), true);
    expect([rung(), writer.unannounced]).toEqual([3, false]);
  });

  it('is given up when it names a place that is not shared', () => {
    const ours = page();
    const { outbox, pump, drain } = ends(ours, null);
    outbox.push(pieceIn(ours, 0, 5));
    pump();
    expect(drain).toThrow(RingError);
  });
});

describe.runIf(process.platform === 'linux')('a reader that has mapped what its source offers', () => {
  it('finds pieces where they were written, the first of them too', async () => {
    const { server, address, counter } = await startSource();
    const [ours, theirs] = [page(), page()];
    const { offer } = offerPart(ours);
    mapPart(offer, theirs, 'read');
    server.offer(READER_ID, ours);
    server.send(READER_ID, pieceIn(ours, 8, 2_000));
    const places: (number | null)[] = [];
    const reader = new Reader(address, { carrier: 'shm', mapped: theirs }, ({ bytes }) =>
      places.push(placeIn(theirs, bytes)),
    );
    server.send(READER_ID, pieceIn(ours, 5_000, 9, { kind: 'weights' }));
    server.send(READER_ID, piece(numbers(4)));
    await reader.until(({ pieces }) => pieces.length === 3);
    expect(places).toEqual([32, 20_000, null]);
    expect(reader.pieces.map(({ bytes }) => new Float32Array(bytes.buffer)[0])).toEqual([8, 5_000, 0]);
    // Only what lies elsewhere has travelled.
    expect([counter.sentBytes, reader.counter.receivedBytes]).toEqual([16, 16]);
  });

  it('gets their bytes where gRPC carries, or nothing was mapped', async () => {
    const { server, address } = await startSource();
    const ours = page();
    for (const [self, carrier] of [
      ['grpc', 'grpc'],
      ['unmapped', 'shm'],
    ] as const) {
      server.offer(self, ours);
      server.send(self, pieceIn(ours, 8, 2_000));
      const reader = new Reader(address, { self, carrier, mapped: carrier === 'grpc' ? page() : null });
      await reader.until(({ count }) => count === 2_000);
      expect(reader.vector(2_008).subarray(8)).toEqual(numbers(2_000, 8));
    }
  });
});
