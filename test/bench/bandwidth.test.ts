import { describe, expect, it } from 'vitest';
import { busBandwidth, gigabytesPerSecond } from '../../src/bench/bandwidth.js';

describe('bandwidth', () => {
  it('is bytes over time', () => {
    expect(gigabytesPerSecond(1e9, 1000)).toBe(1);
    expect(gigabytesPerSecond(40_000_000, 20)).toBe(2);
  });

  // doc/PERFORMANCE.md of nccl-tests: "busbw = algbw * (2*(n-1)/n)" for all-reduce.
  it.each([
    [2, 1],
    [4, 1.5],
    [8, 1.75],
  ])('of the bus: factor for %d processes', (processes, factor) =>
    expect(busBandwidth(10, processes)).toBe(10 * factor),
  );

  it('of the bus is what each process sends when everybody owns an equal share', () => {
    // Reduce-scatter: n − 1 shares leave a process; then its own share leaves it n − 1 times.
    const [processes, bytes, ms] = [5, 1_000_000, 3];
    const sent = 2 * (processes - 1) * (bytes / processes);
    expect(busBandwidth(gigabytesPerSecond(bytes, ms), processes)).toBeCloseTo(gigabytesPerSecond(sent, ms), 12);
  });
});
