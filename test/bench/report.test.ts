import { describe, expect, it } from 'vitest';
import { figure, shownBytes, shownTime } from '../../src/bench/report.js';

describe('figures', () => {
  it.each([
    [0.0123, '12.3 µs'],
    [0.4567, '457 µs'],
    [4.5678, '4.57 ms'],
    [123.45, '123.5 ms'],
    [2345, '2.35 s'],
    [NaN, '–'],
  ])('of time: %d ms is %s', (ms, shown) => expect(shownTime(ms)).toBe(shown));

  it.each([
    [4, '4 B'],
    [4096, '4 KiB'],
    [1536, '1.5 KiB'],
    [2 ** 26, '64 MiB'],
  ])('of size: %d bytes are %s', (bytes, shown) => expect(shownBytes(bytes)).toBe(shown));

  it('that were not measured are dashes', () => {
    expect([figure(null), figure(undefined), figure(NaN), figure(1.236), figure(1.236, 1)]).toEqual([
      '–',
      '–',
      '–',
      '1.24',
      '1.2',
    ]);
  });
});
