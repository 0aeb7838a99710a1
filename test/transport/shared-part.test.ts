import { describe, expect, it } from 'vitest';
import { PART_ALIGNMENT, type MemoryPart } from '../../src/protocol/memory-part.js';
import { mapPart, offerPart } from '../../src/transport/shared-part.js';

const PAGES = 8;

function memory(): WebAssembly.Memory {
  return new WebAssembly.Memory({ initial: PAGES, maximum: PAGES, shared: true });
}

/** Parts in the middle of a memory. */
const range = { byteOffset: 2 * PART_ALIGNMENT, bytes: 3 * PART_ALIGNMENT };
const elsewhere = { byteOffset: 4 * PART_ALIGNMENT, bytes: 3 * PART_ALIGNMENT };

function partOf({ buffer }: WebAssembly.Memory, { byteOffset, bytes }: typeof range): MemoryPart {
  return { buffer, byteOffset, bytes };
}

describe.runIf(process.platform === 'linux')('parts of two memories', () => {
  it('are one, and what lies around them is not', () => {
    const [ours, theirs] = [memory(), memory()];
    const [a, b] = [new Uint8Array(ours.buffer), new Uint8Array(theirs.buffer)];
    a.fill(7);
    const offered = offerPart(partOf(ours, range));
    expect(a.every((byte) => byte === 7)).toBe(true);
    mapPart(offered.offer, partOf(theirs, elsewhere), 'write');
    expect(b.subarray(0, elsewhere.byteOffset).every((byte) => byte === 0)).toBe(true);
    expect(b.subarray(elsewhere.byteOffset, elsewhere.byteOffset + elsewhere.bytes).every((byte) => byte === 7)).toBe(
      true,
    );
    expect(b.subarray(elsewhere.byteOffset + elsewhere.bytes).every((byte) => byte === 0)).toBe(true);
    b[elsewhere.byteOffset + 5] = 9;
    b[elsewhere.byteOffset - 1] = 9;
    expect(a[range.byteOffset + 5]).toBe(9);
    expect(a[range.byteOffset - 1]).toBe(7);
    a[range.byteOffset + range.bytes - 1] = 3;
    expect(b[elsewhere.byteOffset + elsewhere.bytes - 1]).toBe(3);
  });

  it('part again when the one who has mapped it ends that', () => {
    const [ours, theirs] = [memory(), memory()];
    const [a, b] = [new Uint8Array(ours.buffer), new Uint8Array(theirs.buffer)];
    const offered = offerPart(partOf(ours, range));
    const unmap = mapPart(offered.offer, partOf(theirs, range), 'write');
    a[range.byteOffset] = 1;
    offered.seal();
    expect(b[range.byteOffset]).toBe(1);
    unmap();
    unmap();
    expect(b[range.byteOffset]).toBe(0);
    b[range.byteOffset] = 5;
    expect(a[range.byteOffset]).toBe(1);
  });

  it('are refused where the offer is over, is another, or has another size', () => {
    const [ours, theirs] = [memory(), memory()];
    const offered = offerPart(partOf(ours, range));
    const { offer } = offered;
    const wrong = (change: Partial<typeof offer>) => () =>
      mapPart({ ...offer, ...change }, partOf(theirs, range), 'read');
    expect(wrong({ nonce: new Uint8Array(16) })).toThrow(/nonce differs/);
    expect(wrong({ nonce: new Uint8Array(0) })).toThrow(/nonce differs/);
    expect(wrong({ hostId: 'another' })).toThrow(/do not share a host/);
    expect(wrong({ hostId: '' })).toThrow(/do not share a host/);
    expect(wrong({ bytes: PART_ALIGNMENT })).toThrow(/65536 bytes is offered for 196608/);
    offered.seal();
    expect(wrong({})).toThrow(/cannot be opened|no shared memory/);
  });

  it('must begin on a page and end within the memory', () => {
    expect(() => offerPart(partOf(memory(), { byteOffset: 100, bytes: PART_ALIGNMENT }))).toThrow(/errno 22/);
    expect(() => offerPart(partOf(memory(), { byteOffset: 0, bytes: (PAGES + 1) * PART_ALIGNMENT }))).toThrow(
      RangeError,
    );
  });
});
