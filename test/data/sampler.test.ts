import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EpochSampler, stepPosition, stepsPerEpoch, updateBatches, updatesPerEpoch } from '../../src/data/sampler.js';

const sizes = fc.integer({ min: 1, max: 500 });
const seeds = fc.integer({ min: 0, max: 0xffffffff });

function epochOrder(sampler: EpochSampler, epoch: number): number[] {
  const out = new Uint32Array(sampler.size);
  sampler.fill(epoch, 0, sampler.size, out);
  return [...out];
}

describe('stepPosition', () => {
  it('makes the last batch of an epoch short', () => {
    expect([0, 1, 2, 3, 7].map((step) => stepPosition(step, 10, 4))).toEqual([
      { epoch: 0, first: 0, count: 4 },
      { epoch: 0, first: 4, count: 4 },
      { epoch: 0, first: 8, count: 2 },
      { epoch: 1, first: 0, count: 4 },
      { epoch: 2, first: 4, count: 4 },
    ]);
    expect(stepsPerEpoch(10, 4)).toBe(3);
    expect(stepsPerEpoch(8, 4)).toBe(2);
  });

  it('takes all samples at once for a batch size of 0, and for one above the size', () => {
    expect(stepPosition(5, 10, 0)).toEqual({ epoch: 5, first: 0, count: 10 });
    expect(stepPosition(5, 10, 99)).toEqual({ epoch: 5, first: 0, count: 10 });
    expect(stepsPerEpoch(10, 0)).toBe(1);
  });
});

describe('EpochSampler', () => {
  it('takes every sample exactly once per epoch, step by step', () => {
    fc.assert(
      fc.property(sizes, fc.integer({ min: 0, max: 600 }), seeds, fc.boolean(), (size, batchSize, seed, shuffle) => {
        const sampler = new EpochSampler({ size, seed, shuffle });
        const steps = stepsPerEpoch(size, batchSize);
        const out = new Uint32Array(size);
        for (const epoch of [0, 3]) {
          const seen: number[] = [];
          for (let step = epoch * steps; step < (epoch + 1) * steps; step++) {
            const position = stepPosition(step, size, batchSize);
            expect(position.epoch).toBe(epoch);
            expect(position.first).toBe(seen.length);
            sampler.fill(epoch, position.first, position.count, out);
            seen.push(...out.subarray(0, position.count));
          }
          expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: size }, (_, i) => i));
        }
      }),
      { numRuns: 100 },
    );
  });

  it('gives the same samples in whatever order and pieces they are asked for', () => {
    const sampler = new EpochSampler({ size: 100, seed: 5, shuffle: true });
    const whole = [epochOrder(sampler, 0), epochOrder(sampler, 1)];
    const other = new EpochSampler({ size: 100, seed: 5, shuffle: true });
    for (const position of [99, 3, 50]) {
      for (const epoch of [1, 0]) expect(other.sampleId(epoch, position)).toBe(whole[epoch]?.[position]);
    }
    const piece = new Uint32Array(7);
    other.fill(1, 90, 7, piece);
    expect([...piece]).toEqual(whole[1]?.slice(90, 97));
  });

  it('shuffles each epoch and seed differently, and not at all when told so', () => {
    const orders = [
      epochOrder(new EpochSampler({ size: 50, seed: 1, shuffle: true }), 0),
      epochOrder(new EpochSampler({ size: 50, seed: 1, shuffle: true }), 1),
      epochOrder(new EpochSampler({ size: 50, seed: 2, shuffle: true }), 0),
      epochOrder(new EpochSampler({ size: 50, seed: 1, shuffle: false }), 0),
    ];
    expect(new Set(orders.map((order) => order.join())).size).toBe(4);
    expect(orders[3]).toEqual(Array.from({ length: 50 }, (_, i) => i));
  });

  it('keeps the order that recorded runs depend on', () => {
    const sampler = new EpochSampler({ size: 12, seed: 42, shuffle: true });
    expect(epochOrder(sampler, 0)).toEqual([1, 4, 5, 0, 9, 11, 8, 10, 2, 7, 3, 6]);
  });

  it.each([true, false])('refuses positions outside the epoch (shuffle: %s)', (shuffle) => {
    const sampler = new EpochSampler({ size: 10, seed: 1, shuffle });
    expect(() => sampler.sampleId(0, 10)).toThrow(RangeError);
    expect(() => sampler.fill(0, 8, 3, new Uint32Array(3))).toThrow(RangeError);
    expect(() => sampler.fill(0, 0, 3, new Uint32Array(2))).toThrow(RangeError);
  });
});

describe('updateBatches', () => {
  it('takes one batch per update as a rule', () => {
    expect(updateBatches(4, 10, 4, 1)).toEqual({ epoch: 1, first: 4, end: 5, samples: 4 });
    expect(updateBatches(5, 10, 4, 1)).toEqual({ epoch: 1, first: 5, end: 6, samples: 2 });
  });

  it('gathers batches within an epoch; the last update takes those that are left', () => {
    expect(updatesPerEpoch(50, 4, 5)).toBe(3);
    expect([0, 1, 2, 3].map((update) => updateBatches(update, 50, 4, 5))).toEqual([
      { epoch: 0, first: 0, end: 5, samples: 20 },
      { epoch: 0, first: 5, end: 10, samples: 20 },
      { epoch: 0, first: 10, end: 13, samples: 10 },
      { epoch: 1, first: 13, end: 18, samples: 20 },
    ]);
  });

  it('takes every batch of every epoch once', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 0, max: 20 }),
        fc.integer({ min: 1, max: 7 }),
        (size, batch, accumulate) => {
          const updates = 2 * updatesPerEpoch(size, batch, accumulate);
          const all = Array.from({ length: updates }, (_, update) => updateBatches(update, size, batch, accumulate));
          const steps = all.flatMap(({ first, end }) => Array.from({ length: end - first }, (_, i) => first + i));
          expect(steps).toEqual(Array.from({ length: 2 * stepsPerEpoch(size, batch) }, (_, i) => i));
          expect(all.reduce((sum, { samples }) => sum + samples, 0)).toBe(2 * size);
        },
      ),
    );
  });
});
