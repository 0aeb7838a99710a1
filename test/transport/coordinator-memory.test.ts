import { readdirSync, readlinkSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { PART_ALIGNMENT, type MemoryPart, type SharedParts } from '../../src/protocol/memory-part.js';
import { CoordinatorMemory } from '../../src/transport/coordinator-memory.js';
import { mapPart, offerPart } from '../../src/transport/shared-part.js';

const VECTORS = { byteOffset: 0, bytes: 2 * PART_ALIGNMENT };
const GRADIENTS = { byteOffset: 3 * PART_ALIGNMENT, bytes: PART_ALIGNMENT };

function memory(): ArrayBufferLike {
  return new WebAssembly.Memory({ initial: 4, maximum: 4, shared: true }).buffer;
}

function partsOf(buffer: ArrayBufferLike): SharedParts {
  return { vectors: { buffer, ...VECTORS }, gradients: { buffer, ...GRADIENTS } };
}

const first = ({ buffer, byteOffset }: MemoryPart): Uint8Array => new Uint8Array(buffer, byteOffset, 1);

/** Files behind memory that this process has open. */
function openFiles(): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith('/memfd:lockstep ');
    } catch {
      return false;
    }
  }).length;
}

describe.runIf(process.platform === 'linux')('what a worker shares with its coordinator', () => {
  it('is the model, as the coordinator writes it, and its own gradients', () => {
    const before = openFiles();
    const [theirs, ours] = [partsOf(memory()), partsOf(memory())];
    first(ours.gradients)[0] = 3;
    const vectors = offerPart(theirs.vectors);
    const shared = CoordinatorMemory.share(vectors.offer, ours);
    if (shared === null) throw new RangeError('nothing is shared');
    first(theirs.vectors)[0] = 7;
    expect(first(ours.vectors)[0]).toBe(7);
    mapPart(shared.offer, theirs.gradients, 'write');
    expect(first(theirs.gradients)[0]).toBe(3);
    shared.unmapVectors();
    expect(first(ours.vectors)[0]).toBe(0);
    shared.close();
    vectors.seal();
    expect(openFiles()).toBe(before);
    // Who has mapped the gradients keeps them.
    first(ours.gradients)[0] = 4;
    expect(first(theirs.gradients)[0]).toBe(4);
  });

  it('is nothing where the model cannot be mapped', () => {
    const before = openFiles();
    const [theirs, ours] = [partsOf(memory()), partsOf(memory())];
    const vectors = offerPart(theirs.vectors);
    expect(CoordinatorMemory.share({ ...vectors.offer, hostId: 'elsewhere' }, ours)).toBeNull();
    vectors.seal();
    expect(CoordinatorMemory.share(vectors.offer, ours)).toBeNull();
    expect(openFiles()).toBe(before);
  });

  it('is nothing where the gradients cannot be offered: the model is given back', () => {
    const before = openFiles();
    const [theirs, ours] = [partsOf(memory()), partsOf(memory())];
    const vectors = offerPart(theirs.vectors);
    first(theirs.vectors)[0] = 7;
    const offPage = { ...ours.gradients, byteOffset: GRADIENTS.byteOffset - 8 };
    expect(CoordinatorMemory.share(vectors.offer, { ...ours, gradients: offPage })).toBeNull();
    expect(first(ours.vectors)[0]).toBe(0);
    first(ours.vectors)[0] = 1;
    expect(first(theirs.vectors)[0]).toBe(7);
    vectors.seal();
    expect(openFiles()).toBe(before);
  });

  it('does not hide what is wrong otherwise', () => {
    const [theirs, ours] = [partsOf(memory()), partsOf(memory())];
    const vectors = offerPart(theirs.vectors);
    const beyond = { ...ours.gradients, bytes: 9 * PART_ALIGNMENT };
    expect(() => CoordinatorMemory.share(vectors.offer, { ...ours, gradients: beyond })).toThrow(RangeError);
    expect(first(ours.vectors)[0]).toBe(0);
    vectors.seal();
  });
});
