import { describe, expect, it } from 'vitest';
import { initialLossScale, nextLossScale } from '../../coordinator/loss-scale.js';

const after = (finite: readonly boolean[], from = initialLossScale('float16')) =>
  finite.reduce((state, isFinite) => nextLossScale(state, 'float16', isFinite), from);

describe('the loss scale', () => {
  it('is 1, always, for formats with the range of float32', () => {
    for (const format of ['float32', 'bfloat16'] as const) {
      const first = initialLossScale(format);
      expect(first.scale).toBe(1);
      expect(nextLossScale(first, format, false)).toEqual(first);
    }
  });

  it('is halved by every overflow, down to 1', () => {
    expect(after([false]).scale).toBe(2 ** 15);
    expect(after([false, true, false]).scale).toBe(2 ** 14);
    expect(after(Array.from({ length: 40 }, () => false)).scale).toBe(1);
  });

  it('is doubled after 2,000 good steps in a row, and counts anew after an overflow', () => {
    const good = (count: number) => Array.from({ length: count }, () => true);
    expect(after(good(1_999)).scale).toBe(2 ** 16);
    expect(after(good(2_000)).scale).toBe(2 ** 17);
    expect(after([...good(1_999), false, ...good(1_999)]).scale).toBe(2 ** 15);
    expect(after([...good(1_999), false, ...good(2_000)]).scale).toBe(2 ** 16);
  });

  it('does not grow beyond 2^24', () => {
    expect(after(Array.from({ length: 40_000 }, () => true)).scale).toBe(2 ** 24);
  });
});
