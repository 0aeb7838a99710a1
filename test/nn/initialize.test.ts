import { describe, expect, it } from 'vitest';
import type { InitializerSpec } from '../../src/job/job.js';
import { initialize } from '../../src/nn/initialize.js';
import type { ParameterSpec } from '../../src/nn/layer.js';

function parameter(initializer: ParameterSpec['initializer'], fanIn: number): ParameterSpec {
  return { name: 'weight', shape: [1], initializer, fanIn, penalized: true };
}

function values(
  type: InitializerSpec['type'],
  options: { length: number; fanIn?: number; scale?: number; seed?: number; tensor?: number },
) {
  const { length, fanIn = 1, scale = 1, seed = 1, tensor = 0 } = options;
  const result = new Float64Array(length).fill(NaN);
  initialize(parameter({ type, scale }, fanIn), seed, tensor, result);
  return result;
}

function moments(x: Float64Array): { mean: number; variance: number } {
  const mean = x.reduce((sum, value) => sum + value, 0) / x.length;
  return { mean, variance: x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / x.length };
}

describe('initial values', () => {
  for (const [type, factor] of [
    ['he', 2],
    ['xavier', 1],
  ] as const) {
    it(`${type}: mean 0 and variance ${factor}/n, times the square of the scale`, () => {
      for (const [fanIn, scale] of [
        [1, 1],
        [784, 1],
        [256, 0.5],
        [30, 3],
      ] as const) {
        const count = 100_000;
        const expected = (scale * scale * factor) / fanIn;
        const { mean, variance } = moments(values(type, { length: count, fanIn, scale }));
        // Five standard errors: √(σ²/N) of the mean, √(2/N)·σ² of the variance of a normal distribution.
        expect(Math.abs(mean)).toBeLessThan(5 * Math.sqrt(expected / count));
        expect(Math.abs(variance / expected - 1)).toBeLessThan(5 * Math.sqrt(2 / count));
      }
    });
  }

  it('are normally distributed: a third lies beyond one standard deviation, 1 in 22 beyond two, 1 in 370 beyond three', () => {
    const count = 100_000;
    const x = values('xavier', { length: count });
    for (const [limit, share] of [
      [1, 0.317311],
      [2, 0.0455],
      [3, 0.0027],
    ] as const) {
      const beyond = x.filter((value) => Math.abs(value) > limit).length / count;
      expect(Math.abs(beyond - share)).toBeLessThan(5 * Math.sqrt((share * (1 - share)) / count));
    }
  });

  it('the scale is a factor on every value', () => {
    const once = values('he', { length: 100, fanIn: 10 });
    const tenfold = values('he', { length: 100, fanIn: 10, scale: 10 });
    tenfold.forEach((value, i) => expect(value).toBeCloseTo(10 * (once[i] ?? NaN), 12));
  });

  it('zeros and ones are just that', () => {
    expect([...values('zeros', { length: 3 })]).toEqual([0, 0, 0]);
    const ones = new Float32Array(3);
    initialize(parameter({ type: 'ones' }, 1), 1, 0, ones);
    expect([...ones]).toEqual([1, 1, 1]);
  });

  it('a value depends on its own place only: a longer tensor begins like a shorter one', () => {
    const long = values('he', { length: 1000, fanIn: 7 });
    for (const length of [0, 1, 2, 3, 4, 5, 17, 999]) {
      expect(values('he', { length, fanIn: 7 })).toEqual(long.subarray(0, length));
    }
  });

  it('float32 holds the rounded values', () => {
    const exact = values('xavier', { length: 11, fanIn: 3 });
    const stored = new Float32Array(11);
    initialize(parameter({ type: 'xavier', scale: 1 }, 3), 1, 0, stored);
    expect(stored).toEqual(Float32Array.from(exact));
  });

  it('no value comes twice: not within a tensor, not in another one, not under another seed', () => {
    const streams = [
      values('xavier', { length: 1000 }),
      values('xavier', { length: 1000, tensor: 1 }),
      values('xavier', { length: 1000, seed: 2 }),
    ];
    expect(new Set(streams.flatMap((stream) => [...stream])).size).toBe(3000);
  });

  it('the seed uses all of its 32 bits', () => {
    const first = (seed: number): number => values('xavier', { length: 1, seed })[0] ?? NaN;
    expect(new Set([0, 1, 2 ** 31, 2 ** 32 - 1].map(first)).size).toBe(4);
  });
});
