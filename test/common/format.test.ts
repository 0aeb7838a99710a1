import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatCount,
  formatDuration,
  formatLoss,
  formatPlural,
  formatRate,
  formatShare,
} from '../../src/common/format.js';

describe('formatLoss', () => {
  it.each([
    [2.302585, '2.3026'],
    [0.0812, '0.0812'],
    [0.001, '0.0010'],
    [0.000123, '1.23e-4'],
    [123.456, '123.5'],
    [99_999, '99999.0'],
    [1_234_567, '1.23e6'],
    [-0.5, '-0.5000'],
    [0, '0'],
    [Number.NaN, 'NaN'],
    [Infinity, 'infinite'],
    [-Infinity, '-infinite'],
  ])('%d is %s', (value, text) => expect(formatLoss(value)).toBe(text));
});

describe('formatShare', () => {
  it.each([
    [0.98123, '98.12%'],
    [0, '0.00%'],
    [1, '100.00%'],
    [0.99999, '99.99%'],
    [0.00001, '0.01%'],
    [Number.NaN, 'NaN'],
  ])('%d is %s', (value, text) => expect(formatShare(value)).toBe(text));
});

describe('formatDuration', () => {
  it.each([
    [0, '0 ms'],
    [840.4, '840 ms'],
    [999.7, '1.0 s'],
    [4_210, '4.2 s'],
    [9_960, '10 s'],
    [48_000, '48 s'],
    [59_700, '1 m 00 s'],
    [62_000, '1 m 02 s'],
    [3_599_700, '1 h 00 m'],
    [3_725_000, '1 h 02 m'],
    [86_399_000, '1 d 00 h'],
    [183_600_000, '2 d 03 h'],
  ])('%d is %s', (value, text) => expect(formatDuration(value)).toBe(text));

  it('never shows a part that is full', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e10, noNaN: true }), (durationMs) => {
        const text = formatDuration(durationMs);
        expect(text).not.toMatch(/(60 s|60 m|24 h|1000 ms)$/);
        expect(text).not.toMatch(/^(60 m|24 h) /);
      }),
    );
  });
});

describe('counts and rates', () => {
  it.each([
    [0, '0'],
    [999, '999'],
    [1_000, '1,000'],
    [1_234_567, '1,234,567'],
  ])('%d is %s', (value, text) => expect(formatCount(value)).toBe(text));

  it.each([
    [0, '0'],
    [Number.NaN, '0'],
    [0.524, '0.52'],
    [42.71, '42.7'],
    [12_345.6, '12,346'],
  ])('%d per second is %s', (value, text) => expect(formatRate(value)).toBe(text));

  it('says one worker, two workers', () => {
    expect([formatPlural(1, 'worker'), formatPlural(2, 'worker')]).toEqual(['1 worker', '2 workers']);
  });
});
