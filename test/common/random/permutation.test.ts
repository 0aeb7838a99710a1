import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Permutation } from '../../../src/common/random/permutation.js';

function order(size: number, k0: number, k1: number, index = 0): number[] {
  const permutation = new Permutation(size, k0, k1, index);
  return Array.from({ length: size }, (_, position) => permutation.at(position));
}

function isBijection(images: readonly number[]): boolean {
  const seen = new Uint8Array(images.length);
  for (const image of images) seen[image] = 1;
  return seen.every((mark) => mark === 1);
}

describe('Permutation', () => {
  it('is a bijection for every size from 1 to 2000', () => {
    for (let size = 1; size <= 2000; size++) expect(isBijection(order(size, size, 2)), `size ${size}`).toBe(true);
  });

  it.each([60_000, 65_536, 65_537, 1_000_003])('is a bijection of %d elements', (size) => {
    expect(isBijection(order(size, 1, 2, 3))).toBe(true);
  });

  it('stays in range and is injective for sizes up to 2^32', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2 ** 24, max: 2 ** 32 }), fc.integer({ min: 0 }), (size, seed) => {
        const permutation = new Permutation(size, seed, 2);
        const images = Array.from({ length: 200 }, (_, i) => permutation.at(Math.floor((i * (size - 1)) / 199)));
        for (const image of images) expect(image >= 0 && image < size && Number.isInteger(image)).toBe(true);
        expect(new Set(images).size).toBe(200);
      }),
      { numRuns: 50 },
    );
  });

  it('differs with each part of the key', () => {
    const base = order(1000, 1, 2, 3);
    expect(order(1000, 1, 2, 3)).toEqual(base);
    for (const other of [order(1000, 2, 2, 3), order(1000, 1, 3, 3), order(1000, 1, 2, 4)]) {
      const fixed = other.filter((image, position) => image === base[position]).length;
      expect(fixed).toBeLessThan(10);
    }
  });

  it.each([3, 4, 5])('draws all orders of %d elements equally often', (size) => {
    const draws = 24_000;
    const counts = new Map<string, number>();
    for (let index = 0; index < draws; index++) {
      const key = order(size, 9, 2, index).join();
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    const orders = [1, 1, 2, 6, 24, 120][size] as number;
    const expected = draws / orders;
    let chiSquared = (orders - counts.size) * expected;
    for (const count of counts.values()) chiSquared += (count - expected) ** 2 / expected;
    // Five standard deviations above the mean of χ² with orders − 1 degrees of freedom.
    expect(chiSquared).toBeLessThan(orders - 1 + 5 * Math.sqrt(2 * (orders - 1)));
  });

  it.each([100, 784, 1000])('sends each position of %d everywhere equally often', (size) => {
    const draws = 2000;
    const buckets = 10;
    for (const position of [0, 1, size >> 1, size - 1]) {
      const counts = new Float64Array(buckets);
      for (let index = 0; index < draws; index++) {
        const bucket = Math.floor((new Permutation(size, 5, 2, index).at(position) * buckets) / size);
        counts[bucket] = (counts[bucket] ?? 0) + 1;
      }
      const chiSquared = counts.reduce((sum, count) => sum + (count - draws / buckets) ** 2 / (draws / buckets), 0);
      expect(chiSquared).toBeLessThan(buckets - 1 + 6 * Math.sqrt(2 * (buckets - 1)));
    }
  });

  it('leaves no trace of the order of neighbours', () => {
    const size = 10_000;
    const images = order(size, 3, 2);
    let correlation = 0;
    for (let i = 1; i < size; i++) {
      correlation += ((images[i] as number) / size - 0.5) * ((images[i - 1] as number) / size - 0.5);
    }
    // The product of two independent uniform numbers about 0 has standard deviation 1/12.
    expect(Math.abs(correlation)).toBeLessThan((5 / 12) * Math.sqrt(size));
  });

  it('refuses sizes and positions out of range', () => {
    for (const size of [0, -1, 1.5, 2 ** 32 + 1, NaN]) expect(() => new Permutation(size, 1, 1)).toThrow(RangeError);
    const permutation = new Permutation(10, 1, 1);
    for (const index of [-1, 10, NaN]) expect(() => permutation.at(index)).toThrow(RangeError);
  });
});
