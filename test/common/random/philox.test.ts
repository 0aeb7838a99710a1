import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { philox4x32 } from '../../../src/common/random/philox.js';
import { Purpose } from '../../../src/common/random/purpose.js';

function words(c: readonly [number, number, number, number], k: readonly [number, number]): number[] {
  const out = new Uint32Array(4);
  philox4x32(...c, ...k, out);
  return [...out];
}

/** The same ten rounds in arbitrary-precision integers, straight from the paper. */
function oracle(c: readonly [number, number, number, number], k: readonly [number, number]): number[] {
  let [x0, x1, x2, x3] = c.map(BigInt) as [bigint, bigint, bigint, bigint];
  let [k0, k1] = k.map(BigInt) as [bigint, bigint];
  for (let round = 0; round < 10; round++) {
    const p0 = 0xd2511f53n * x0;
    const p1 = 0xcd9e8d57n * x2;
    [x0, x1, x2, x3] = [(p1 >> 32n) ^ x1 ^ k0, p1 & 0xffffffffn, (p0 >> 32n) ^ x3 ^ k1, p0 & 0xffffffffn];
    k0 = (k0 + 0x9e3779b9n) & 0xffffffffn;
    k1 = (k1 + 0xbb67ae85n) & 0xffffffffn;
  }
  return [x0, x1, x2, x3].map(Number);
}

describe('philox4x32', () => {
  it('gives the known answers of Random123', () => {
    const ones = 0xffffffff;
    expect(words([0, 0, 0, 0], [0, 0])).toEqual([0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
    expect(words([ones, ones, ones, ones], [ones, ones])).toEqual([0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd]);
    expect(words([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0])).toEqual([
      0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1,
    ]);
  });

  it('agrees with exact integer arithmetic for any counter and key', () => {
    const word = fc.integer({ min: 0, max: 0xffffffff });
    fc.assert(
      fc.property(fc.tuple(word, word, word, word), fc.tuple(word, word), (counter, key) => {
        expect(words(counter, key)).toEqual(oracle(counter, key));
      }),
      { numRuns: 500 },
    );
  });

  it('has a stream of its own for every purpose', () => {
    const purposes = Object.values(Purpose);
    expect(new Set(purposes).size).toBe(purposes.length);
    const firsts = purposes.map((purpose) => words([0, 0, 0, 0], [7, purpose]).join());
    expect(new Set(firsts).size).toBe(purposes.length);
  });
});
