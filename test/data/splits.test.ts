import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitRows, splitSizes } from '../../src/data/splits.js';

const shares = fc
  .tuple(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 39 }))
  .map(([dev, test]) => ({ dev: dev / 100, test: test / 100 }));
const labelings = fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 1, maxLength: 300 });
const seeds = fc.integer({ min: 0, max: 0xffffffff });

function countIn(rows: Uint32Array, labels: readonly number[], label: number): number {
  return rows.reduce((count, row) => count + (labels[row] === label ? 1 : 0), 0);
}

describe('splitRows', () => {
  it('puts every row into exactly one split, in ascending order', () => {
    fc.assert(
      fc.property(labelings, shares, seeds, fc.boolean(), (labels, share, seed, stratified) => {
        const strata = stratified ? Uint32Array.from(labels) : null;
        const splits = splitRows({ size: labels.length, strata, ...share, seed });
        const all = [...splits.train, ...splits.dev, ...splits.test];
        expect(all.sort((a, b) => a - b)).toEqual(labels.map((_, row) => row));
        for (const rows of [splits.train, splits.dev, splits.test]) expect(rows).toEqual(rows.toSorted());
      }),
    );
  });

  it('takes from each class its share within 1, and leaves each at least one sample to train on', () => {
    fc.assert(
      fc.property(labelings, shares, seeds, (labels, share, seed) => {
        const splits = splitRows({ size: labels.length, strata: Uint32Array.from(labels), ...share, seed });
        for (const label of new Set(labels)) {
          const size = labels.filter((other) => other === label).length;
          for (const split of ['dev', 'test'] as const) {
            expect(Math.abs(countIn(splits[split], labels, label) - size * share[split])).toBeLessThan(1 + 1e-9);
          }
          expect(countIn(splits.train, labels, label)).toBeGreaterThanOrEqual(1);
        }
      }),
    );
  });

  it('holds out the exact number of samples where the classes have room for it', () => {
    const labels = Uint32Array.from({ length: 1000 }, (_, row) => row % 37);
    const splits = splitRows({ size: 1000, strata: labels, dev: 0.1, test: 0.05, seed: 1 });
    expect([splits.train.length, splits.dev.length, splits.test.length]).toEqual([850, 100, 50]);
    const unstratified = splitRows({ size: 1000, strata: null, dev: 0.29, test: 0, seed: 1 });
    expect([unstratified.train.length, unstratified.dev.length]).toEqual([710, 290]);
  });

  it('gives what is left over to the classes with the largest remainders', () => {
    // Shares of 2.5, 0.9 and 1.6 samples, five in all.
    const labels = [...Array<number>(25).fill(0), ...Array<number>(9).fill(1), ...Array<number>(16).fill(2)];
    const { dev } = splitRows({ size: 50, strata: Uint32Array.from(labels), dev: 0.1, test: 0, seed: 1 });
    expect([0, 1, 2].map((label) => countIn(dev, labels, label))).toEqual([2, 1, 2]);
  });

  it('depends on the seed and on nothing else', () => {
    const request = { size: 200, strata: null, dev: 0.2, test: 0.1, seed: 3 };
    expect(splitRows(request)).toEqual(splitRows(request));
    expect(splitRows(request).dev).not.toEqual(splitRows({ ...request, seed: 4 }).dev);
  });

  it('holds out any row of a class equally often', () => {
    const draws = 3000;
    const counts = new Float64Array(20);
    for (let seed = 0; seed < draws; seed++) {
      for (const row of splitRows({ size: 20, strata: null, dev: 0.25, test: 0, seed }).dev) {
        counts[row] = (counts[row] ?? 0) + 1;
      }
    }
    const deviation = Math.sqrt(draws * 0.25 * 0.75);
    for (const count of counts) expect(Math.abs(count - draws * 0.25)).toBeLessThan(5 * deviation);
  });
});

describe('sizes', () => {
  it.each([
    [506, 0.2, 0.2, 304, 101, 101],
    [569, 0.2, 0.2, 341, 114, 114],
    [60_000, 0.0833333333, 0, 55_000, 5000, 0],
    [1_000_000, 0.01, 0.01, 980_000, 10_000, 10_000],
    // Dev and test rounded by themselves, 2.5 to 3 each, would leave train 4 where 5 is exact.
    [10, 0.25, 0.25, 5, 3, 2],
    [100, 0.29, 0.29, 42, 29, 29],
    [5, 1 / 3, 1 / 3, 2, 2, 1],
  ])('of %i samples, %d and %d held out: %i, %i, %i', (size, dev, test, ...wanted) => {
    const sizes = splitSizes(size, dev, test);
    expect([size - sizes.dev - sizes.test, sizes.dev, sizes.test]).toEqual(wanted);
    const rows = splitRows({ size, strata: null, dev, test, seed: 1 });
    expect([rows.train.length, rows.dev.length, rows.test.length]).toEqual(wanted);
  });

  it('are the nearest whole numbers: no others are closer in sum', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), shares, (size, { dev, test }) => {
        const distanceOf = (a: number, b: number): number =>
          Math.abs(size - a - b - size * (1 - dev - test)) + Math.abs(a - size * dev) + Math.abs(b - size * test);
        const found = splitSizes(size, dev, test);
        let least = Infinity;
        for (let a = 0; a <= size; a++) for (let b = 0; a + b <= size; b++) least = Math.min(least, distanceOf(a, b));
        expect(distanceOf(found.dev, found.test)).toBeLessThan(least + 1e-4);
      }),
    );
  });
});

describe('98/1/1 with rare classes', () => {
  /** 10,000 samples of four classes, of which 30 and 3 are rare. */
  const labels = Uint32Array.from({ length: 10_000 }, (_, row) => (row < 3 ? 3 : row < 33 ? 2 : row % 2));
  const { train, dev, test } = splitRows({ size: labels.length, strata: labels, dev: 0.01, test: 0.01, seed: 5 });
  const counts = (rows: Uint32Array): number[] => [0, 1, 2, 3].map((label) => countIn(rows, [...labels], label));

  it('has exactly 1% in each split, and each class within one sample of its share', () => {
    expect([train.length, dev.length, test.length]).toEqual([9800, 100, 100]);
    for (const rows of [dev, test]) {
      const [a = 0, b = 0, rare = 0, rarest = 0] = counts(rows);
      expect(Math.abs(a - 49.83)).toBeLessThan(1);
      expect(Math.abs(b - 49.84)).toBeLessThan(1);
      expect(rare).toBeLessThanOrEqual(1);
      expect(rarest).toBeLessThanOrEqual(1);
    }
  });

  it('keeps rare classes where they can be learned', () => {
    const [, , rare = 0, rarest = 0] = counts(train);
    expect(rare).toBeGreaterThanOrEqual(28);
    expect(rarest).toBeGreaterThanOrEqual(2);
    const single = splitRows({
      size: 500,
      strata: Uint32Array.from({ length: 500 }, (_, row) => (row === 77 ? 1 : 0)),
      dev: 0.3,
      test: 0.3,
      seed: 1,
    });
    expect(single.train).toContain(77);
    expect([single.dev.length, single.test.length]).toEqual([150, 150]);
  });
});

it('a split without classes is drawn at random from all over the file, not cut off its end', () => {
  const { dev, test } = splitRows({ size: 1000, strata: null, dev: 0.2, test: 0.2, seed: 9 });
  for (const rows of [dev, test]) {
    // 40 of each fifth are expected, give or take √(200 · 0.2 · 0.8) = 5.7.
    for (let fifth = 0; fifth < 5; fifth++) {
      const count = rows.filter((row) => Math.floor(row / 200) === fifth).length;
      expect(Math.abs(count - 40)).toBeLessThan(25);
    }
  }
});
