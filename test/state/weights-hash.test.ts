import { describe, expect, it } from 'vitest';
import { weightsSha256 } from '../../src/state/weights-hash.js';

describe('weightsSha256', () => {
  it('of nothing is the published SHA-256 of nothing', () => {
    expect(weightsSha256([])).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  });

  it('is that of the little-endian bytes', () => {
    // The float32 of these bytes, in this order: the text "abcd"; its SHA-256 is published in many places.
    const abcd = new Float32Array(Uint8Array.of(0x61, 0x62, 0x63, 0x64).buffer);
    expect(weightsSha256([abcd])).toBe('88d4266fd4e6338d13b845fcf289579d209c897823b9217da3e161936f031589');
  });

  it('covers exactly the elements of a view, from shared memory too', () => {
    const shared = new Float32Array(new SharedArrayBuffer(64));
    shared.set([9, 1, 2, 3, 9]);
    const expected = weightsSha256([Float32Array.of(1, 2, 3)]);
    expect(weightsSha256([shared.subarray(1, 4)])).toBe(expected);
    expect(weightsSha256([Float32Array.of(1), Float32Array.of(2, 3)])).toBe(expected);
  });

  it('tells apart what compares as equal, and order', () => {
    expect(weightsSha256([Float32Array.of(0)])).not.toBe(weightsSha256([Float32Array.of(-0)]));
    expect(weightsSha256([Float32Array.of(1, 2)])).not.toBe(weightsSha256([Float32Array.of(2, 1)]));
  });
});
