import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bestEstimate, errorAt, estimateOffset } from '../../../src/observe/trace/clock-offset.js';

const ms = (max: number): fc.Arbitrary<number> => fc.double({ min: 0, max, noNaN: true });

/** A question and its answer between two clocks, with ways of any length. */
const exchanges = fc.record({
  sentMs: ms(1e7),
  /** The remote clock minus this one. */
  offsetMs: fc.double({ min: -1e9, max: 1e9, noNaN: true }),
  thereMs: ms(500),
  restMs: ms(50),
  backMs: ms(500),
});

describe('the offset of a clock', () => {
  it('is exact when both ways take the same time', () => {
    const estimate = estimateOffset({ sentMs: 100, remoteReceivedMs: 5_103, remoteSentMs: 5_104, receivedMs: 107 });
    expect(estimate).toEqual({ offsetMs: 5_000, errorMs: 3, atMs: 107 });
  });

  it('is never further off than it says, however unequal the ways', () => {
    fc.assert(
      fc.property(exchanges, ({ sentMs, offsetMs, thereMs, restMs, backMs }) => {
        const estimate = estimateOffset({
          sentMs,
          remoteReceivedMs: sentMs + thereMs + offsetMs,
          remoteSentMs: sentMs + thereMs + restMs + offsetMs,
          receivedMs: sentMs + thereMs + restMs + backMs,
        });
        const rounding = 1e-6;
        expect(estimate.errorMs).toBeLessThanOrEqual((thereMs + backMs) / 2 + rounding);
        expect(Math.abs(estimate.offsetMs - offsetMs)).toBeLessThanOrEqual(estimate.errorMs + rounding);
      }),
    );
  });

  it('is taken from the quickest answer, but not from one so old that the clocks may have parted', () => {
    const quick = { offsetMs: 1, errorMs: 0.1, atMs: 0 };
    const slow = { offsetMs: 2, errorMs: 0.4, atMs: 1_000 };
    expect(bestEstimate([], 0)).toBeNull();
    expect(bestEstimate([quick, slow], 1_000)).toBe(quick);
    expect(bestEstimate([slow, quick], 1_000)).toBe(quick);
    expect(bestEstimate([quick, { ...slow, atMs: 20_000 }], 20_000)?.offsetMs).toBe(2);
    expect(errorAt(quick, 10_000)).toBeCloseTo(0.6);
  });
});
