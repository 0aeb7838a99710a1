import { describe, expect, it } from 'vitest';
import { GradientRooms } from '../../src/transport/gradient-rooms.js';
import { PART_ALIGNMENT, type MemoryPart } from '../../src/protocol/memory-part.js';
import type { MemoryOffer } from '../../src/protocol/messages.js';
import { offerPart } from '../../src/transport/shared-part.js';

/** Pages of a memory of their own. */
function parts(count: number): MemoryPart[] {
  const { buffer } = new WebAssembly.Memory({ initial: count, maximum: count, shared: true });
  return Array.from({ length: count }, (_, index) => ({
    buffer,
    byteOffset: index * PART_ALIGNMENT,
    bytes: PART_ALIGNMENT,
  }));
}

const first = ({ buffer, byteOffset }: MemoryPart): number => new Uint8Array(buffer, byteOffset)[0] ?? NaN;

/** A worker whose gradients begin with a byte. */
function worker(byte: number): MemoryOffer {
  const [part] = parts(1) as [MemoryPart];
  new Uint8Array(part.buffer)[0] = byte;
  return offerPart(part).offer;
}

describe.runIf(process.platform === 'linux')('rooms for gradients', () => {
  it('show what workers write, until they are told to keep others', () => {
    const rooms = new GradientRooms(parts(2), 'write');
    const a = rooms.take('a', worker(1));
    const b = rooms.take('b', worker(2));
    if (a === null || b === null) throw new RangeError('there is room for two');
    expect([first(a), first(b)]).toEqual([1, 2]);
    expect(rooms.take('c', worker(3))).toBeNull();
    rooms.keep(['a', 'b']);
    expect([first(a), first(b)]).toEqual([1, 2]);
    rooms.keep(['b']);
    expect([first(a), first(b)]).toEqual([0, 2]);
    const c = rooms.take('c', worker(3));
    expect(c).toBe(a);
    expect(first(a)).toBe(3);
  });

  it('keep whoever has one, and give none twice', () => {
    const rooms = new GradientRooms(parts(2), 'write');
    const offer = worker(1);
    expect(rooms.take('a', offer)).toBe(rooms.take('a', offer));
    expect(rooms.take('b', worker(2))).not.toBeNull();
  });

  it('stay free when the memory of a worker cannot be mapped', () => {
    const rooms = new GradientRooms(parts(1), 'read');
    expect(rooms.take('a', { ...worker(1), hostId: 'elsewhere' })).toBeNull();
    expect(rooms.take('b', worker(2))).not.toBeNull();
  });
});
