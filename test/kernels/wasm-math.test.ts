import { describe, expect, it } from 'vitest';
import type { Offset } from '../../src/kernels/arena.js';
import { Arena } from '../../src/kernels/arena.js';
import { instantiateWasm } from '../../src/kernels/wasm/module.js';
import { createWasmKernels } from '../../src/kernels/wasm/wasm-kernels.js';
import { bits, makeKernels, put, randomNumbers, take, ulpError } from './wasm-fixture.js';

const SMALLEST = 2 ** -149;
const SMALLEST_NORMAL = 2 ** -126;
const LARGEST = (2 - 2 ** -23) * 2 ** 127;

/** Numbers of both signs and every magnitude from denormals to 10³, and a dense range in the middle. */
const SPREAD: readonly number[] = [
  ...randomNumbers(4_000, 1).map((x) => 100 * x),
  ...randomNumbers(4_000, 2).map((x) => 2 * x),
  ...Array.from({ length: 2_000 }, (_, i) => Math.fround((i % 2 ? -1 : 1) * 2 ** (-149 + i * 0.0795))),
  ...[0, -0, 100, -100, 88.7, 88.72284, -87.3, -87.4, -103.2, -103.97, -104.1, 1e4, -1e4, LARGEST, -LARGEST],
  ...[0.625, -0.625, 9, -9, 9.1, SMALLEST, -SMALLEST, SMALLEST_NORMAL, Infinity, -Infinity, NaN],
];

const kernels = makeKernels(1 << 20);
const wasm = instantiateWasm(kernels.arena.memory);

function apply(inputs: readonly number[], run: (n: number, x: Offset, y: Offset) => void): Float32Array {
  const x = put(kernels, inputs);
  const y = kernels.arena.allocate(inputs.length);
  run(inputs.length, x, y);
  return take(kernels, y, inputs.length);
}

function worst(
  inputs: readonly number[],
  outputs: Float32Array,
  exact: (x: number) => number,
): { ulp: number; x: number } {
  let result = { ulp: 0, x: 0 };
  inputs.forEach((input, i) => {
    const x = Math.fround(input);
    const ulp = ulpError(outputs[i] ?? NaN, exact(x));
    if (!(ulp <= result.ulp)) result = { ulp, x };
  });
  return result;
}

const logistic = (x: number): number => (x < 0 ? Math.exp(x) / (1 + Math.exp(x)) : 1 / (1 + Math.exp(-x)));

describe('elementary functions', () => {
  it('e^x to 2 ulp, into the denormals, and its limits', () => {
    const y = apply(SPREAD, (n, x, out) => wasm.exponential(n, x * 4, out * 4));
    expect(worst(SPREAD, y, Math.exp)).toHaveProperty(
      'ulp',
      expect.toSatisfy((ulp: number) => ulp <= 2),
    );
  });

  it('log x to 2 ulp, and its limits', () => {
    const inputs = [
      ...SPREAD,
      ...SPREAD.map((x) => Math.abs(x)),
      1,
      1 + 2 ** -23,
      1 - 2 ** -24,
      Math.SQRT1_2,
      Math.SQRT2,
    ];
    const y = apply(inputs, (n, x, out) => wasm.logarithm(n, x * 4, out * 4));
    expect(worst(inputs, y, Math.log)).toHaveProperty(
      'ulp',
      expect.toSatisfy((ulp: number) => ulp <= 2),
    );
  });

  it('tanh x to 2 ulp, and its limits', () => {
    const y = apply(SPREAD, (n, x, out) => kernels.tanh(n, x, out));
    expect(worst(SPREAD, y, Math.tanh)).toHaveProperty(
      'ulp',
      expect.toSatisfy((ulp: number) => ulp <= 2),
    );
  });

  it('the sigmoid to 3 ulp, without overflow', () => {
    const y = apply(SPREAD, (n, x, out) => kernels.sigmoid(n, x, out));
    expect(worst(SPREAD, y, logistic)).toHaveProperty(
      'ulp',
      expect.toSatisfy((ulp: number) => ulp <= 3),
    );
  });

  it('an element has the same bits at the end of a block as in the middle', () => {
    const inputs = randomNumbers(64, 3).map((x) => 20 * x);
    const functions = [
      (n: number, x: Offset, y: Offset) => kernels.tanh(n, x, y),
      (n: number, x: Offset, y: Offset) => kernels.sigmoid(n, x, y),
      (n: number, x: Offset, y: Offset) => wasm.exponential(n, x * 4, y * 4),
      (n: number, x: Offset, y: Offset) => wasm.logarithm(n, x * 4, y * 4),
    ];
    for (const run of functions) {
      const whole = apply([...inputs], run);
      for (let n = 1; n < 9; n++) {
        expect(bits(apply([...inputs.slice(0, n)], run))).toEqual(bits(whole.slice(0, n)));
      }
    }
  });
});

describe('NaN', () => {
  it('stays NaN in every activation', () => {
    const inputs = [1, NaN, -1, 2, NaN];
    const expected = [false, true, false, false, true];
    const runs = [
      (n: number, x: Offset, y: Offset) => kernels.relu(n, x, y),
      (n: number, x: Offset, y: Offset) => kernels.leakyRelu(n, 0.1, x, y),
      (n: number, x: Offset, y: Offset) => kernels.sigmoid(n, x, y),
      (n: number, x: Offset, y: Offset) => kernels.tanh(n, x, y),
    ];
    for (const run of runs) expect([...apply(inputs, run)].map(Number.isNaN)).toEqual(expected);
    expect([...apply(inputs, (n, x, y) => kernels.softmax(1, n, x, y))].every(Number.isNaN)).toBe(true);
  });
});

describe('the backend', () => {
  it('refuses a float64 arena', () => {
    expect(() => createWasmKernels(Arena.create(16, 'float64'), 0)).toThrow(/float32/);
  });
});
