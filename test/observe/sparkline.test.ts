import { describe, expect, it } from 'vitest';
import { sparkline } from '../../src/observe/sparkline.js';

describe('sparkline', () => {
  it('runs from the highest to the lowest level, on a logarithmic scale', () => {
    expect(sparkline([128, 64, 32, 16, 8, 4, 2, 1], 20)).toBe('█▇▆▅▄▃▂▁');
  });

  it('is linear where a value is not positive', () => {
    expect(sparkline([-7, -6, -5, 0], 20)).toBe('▁▂▃█');
  });

  it('averages what it has no room for', () => {
    expect(sparkline([1, 1, 8, 8, 64, 64, 64], 3)).toBe('▁▅█');
  });

  it('shows a level line for a constant and a cross for what is not finite', () => {
    expect(sparkline([3, 3, 3], 5)).toBe('▁▁▁');
    expect(sparkline([1, Number.NaN, 2, Infinity], 5)).toBe('▁×█×');
    expect(sparkline([], 5)).toBe('');
  });
});
