import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitRows } from '../../src/data/splits.js';

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
