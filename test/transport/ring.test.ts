import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Outbox } from '../../src/transport/outbox.js';
import { ROOT, misalignment, type Piece } from '../../src/protocol/piece.js';
import { NOTE_BYTES, RING_START, RingError, RingReader, RingWriter } from '../../src/transport/ring.js';
import { numbers, piece } from './rig.js';

const ignore = (): void => undefined;

/** Both ends of one ring, and what each has been rung. */
function ends(capacity: number, counted = 0) {
  const buffer = new SharedArrayBuffer(RING_START + capacity);
  for (const counter of [16, 32]) new Int32Array(buffer)[counter] = counted;
  const rung = { reader: 0, writer: 0 };
  const outbox = new Outbox();
  const writer = new RingWriter(buffer, () => (rung.reader += 1));
  const reader = new RingReader(buffer, () => (rung.writer += 1));
  const got: Piece[] = [];
  const notes: string[] = [];
  return {
    notes,
    note: (text: string, isAwaited = true) => writer.note(Buffer.from(text), isAwaited),
    buffer,
    rung,
    outbox,
    reader,
    got,
    pump: () => writer.pump(outbox, ignore),
    drain: () =>
      reader.drain(
        (each) => {
          expect(each.bytes.byteOffset % 8).toBe(misalignment(each));
          got.push({ ...each, bytes: Uint8Array.from(each.bytes) });
        },
        (bytes) => notes.push(`${Buffer.from(bytes).toString()} after ${got.length}`),
      ),
  };
}

/** The parts of one piece put together again; they must follow one another. */
function merged(parts: readonly Piece[]): Piece[] {
  const whole: Piece[] = [];
  for (const part of parts) {
    const last = whole.at(-1);
    if (last !== undefined && last.fence.step === part.fence.step) {
      expect(part.start).toBe(last.start + last.count);
      const bytes = Buffer.concat([last.bytes, part.bytes]);
      whole[whole.length - 1] = { ...last, count: last.count + part.count, bytes };
    } else {
      whole.push(part);
    }
  }
  return whole;
}

/** With bytes that are compared at once. */
const legible = (each: Piece) => ({ ...each, bytes: Buffer.from(each.bytes).toString('hex') });

const pieces = fc
  .array(
    fc.record({
      count: fc.oneof(fc.nat(40), fc.nat(900)),
      start: fc.nat(1_000_000),
      kind: fc.constantFrom('gradient' as const, 'sum' as const, 'weights' as const),
      format: fc.constantFrom('float32' as const, 'bfloat16' as const, 'float16' as const),
      level: fc.nat(20),
      index: fc.nat(5),
    }),
    { maxLength: 20 },
  )
  .map((list) =>
    list.map(({ count, start, kind, format, level, index }, step): Piece => {
      const bytes = new Uint8Array(count * (format === 'float32' ? 4 : 2)).map((_, i) => i * 7 + step);
      const fence = { epoch: step + 1, step, attempt: 2 * step };
      return { kind, fence, node: level + index === 0 ? ROOT : { level, index }, start, count, format, bytes };
    }),
  );

describe('a ring', () => {
  it('carries any pieces in any turns, as they are and in order', () => {
    const capacities = fc.integer({ min: 16, max: 200 }).map((units) => units * 64);
    fc.assert(
      fc.property(capacities, pieces, fc.infiniteStream(fc.nat(2)), (capacity, sent, turns) => {
        const { outbox, pump, drain, got } = ends(capacity);
        let next = 0;
        while (next < sent.length || !outbox.empty) {
          const turn = turns.next().value as number;
          if (turn === 0 && next < sent.length) outbox.push(sent[next++] as Piece);
          else if (turn === 1) pump();
          else drain();
        }
        drain();
        expect(merged(got).map(legible)).toEqual(sent.map(legible));
      }),
    );
  });

  it('never lets both sides sleep while there is something to do', () => {
    fc.assert(
      fc.property(pieces, (sent) => {
        const { outbox, pump, drain, got, rung } = ends(32 * 64);
        // Each side moves only when it is rung, but for the first time.
        drain();
        for (const each of sent) outbox.push(each);
        pump();
        while (rung.reader + rung.writer > 0) {
          if (rung.reader > 0) {
            rung.reader = 0;
            while (drain());
          } else {
            rung.writer = 0;
            pump();
          }
        }
        expect(merged(got).map(legible)).toEqual(sent.map(legible));
      }),
    );
  });

  it('rings a sleeping reader once, and a reader that is awake not at all', () => {
    const { outbox, pump, drain, rung } = ends(2 ** 16);
    outbox.push(piece(numbers(10)));
    pump();
    expect(rung.reader).toBe(0);
    drain();
    for (let i = 0; i < 3; i += 1) outbox.push(piece(numbers(10)));
    pump();
    expect(rung).toEqual({ reader: 1, writer: 0 });
  });

  it('says when it is full, and rings when half of it is free', () => {
    const { outbox, pump, drain, rung } = ends(2 ** 16);
    outbox.push(piece(numbers(20_000)));
    expect(pump()).toBe(false);
    expect(outbox.empty).toBe(false);
    drain();
    expect(rung.writer).toBe(1);
    expect(pump()).toBe(true);
    drain();
    expect(rung.writer).toBe(1);
  });

  it('goes on beyond the 2³² units that its counters hold, and beyond the 2³¹ that are positive', () => {
    for (const counted of [-20, 2 ** 31 - 20]) {
      const { outbox, pump, drain, got, buffer } = ends(2 ** 16, counted);
      for (let i = 0; i < 50; i += 1) {
        outbox.push(piece(numbers(500), { fence: { epoch: 1, step: i, attempt: 1 } }));
        pump();
        drain();
      }
      expect(merged(got)).toHaveLength(50);
      expect((new Int32Array(buffer)[16] as number) - ((counted + 20) | 0)).toBeGreaterThan(50);
    }
  });

  it('hands over nothing once its reader has closed, not even in the middle of a turn', () => {
    const { outbox, pump, reader } = ends(2 ** 16);
    for (let i = 0; i < 3; i += 1) outbox.push(piece(numbers(10)));
    pump();
    let taken = 0;
    reader.drain(() => {
      taken += 1;
      reader.close();
    }, ignore);
    expect(taken).toBe(1);
  });

  it('carries notes past the pieces that are still to be written', () => {
    const { outbox, pump, drain, note, notes, got } = ends(2 ** 16);
    for (let i = 0; i < 2; i += 1) outbox.push(piece(numbers(12_000)));
    // The first piece fills most of the ring, and the second one waits for room.
    expect(pump()).toBe(false);
    expect(note('a')).toBe(true);
    drain();
    expect(note('b')).toBe(true);
    pump();
    drain();
    expect(notes.map((each) => each.slice(0, 1))).toEqual(['a', 'b']);
    expect(got.reduce((sum, { count }) => sum + count, 0)).toBe(24_000);
    // Before the last parts, which had to wait.
    expect(Number(notes[0]?.split(' ').at(-1))).toBeLessThan(got.length);
  });

  it('has no room for a note that is too long, nor for any when it is full; notes come round its end', () => {
    const { drain, note, notes } = ends(2 ** 14);
    expect(note('x'.repeat(NOTE_BYTES + 1))).toBe(false);
    let written = 0;
    for (let round = 0; round < 50; round += 1) {
      for (let i = 0; i < 40; i += 1) if (note(`${written} ${'x'.repeat(i * 13)}`)) written += 1;
      expect(note('y'.repeat(8_000))).toBe(false);
      drain();
    }
    expect(notes.map((each) => Number(each.split(' ')[0]))).toEqual(Array.from({ length: written }, (_, i) => i));
    expect(written).toBeGreaterThan(500);
  });

  it('is found damaged when a record claims more than is written', () => {
    const { outbox, pump, drain, buffer } = ends(2 ** 16);
    outbox.push(piece(numbers(10)));
    pump();
    new Uint32Array(buffer, RING_START)[0] = 5000;
    expect(drain).toThrow(RingError);
  });

  it('drops pieces of a kind or format that it does not know', () => {
    const { outbox, pump, drain, got, buffer } = ends(2 ** 16);
    outbox.push(piece(numbers(10)));
    outbox.push(piece(numbers(11)));
    pump();
    new Uint32Array(buffer, RING_START)[1] = 77;
    drain();
    expect(got.map(({ count }) => count)).toEqual([11]);
  });
});
