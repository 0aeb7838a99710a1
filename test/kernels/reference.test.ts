import { describe, expect, it } from 'vitest';
import type { Offset, Precision } from '../../src/kernels/arena.js';
import { Arena } from '../../src/kernels/arena.js';
import type { Kernels } from '../../src/kernels/kernels.js';
import { createReferenceKernels } from '../../src/kernels/reference/reference-kernels.js';

interface Fixture {
  readonly kernels: Kernels;
  /** Puts numbers into the arena. */
  readonly put: (...values: number[]) => Offset;
  readonly get: (at: Offset, length: number) => number[];
}

function fixture(precision: Precision = 'float64'): Fixture {
  const arena = Arena.create(10_000, precision);
  return {
    kernels: createReferenceKernels(arena, 0),
    put: (...values) => {
      const at = arena.allocate(values.length);
      arena.floats.set(values, at);
      return at;
    },
    get: (at, length) => Array.from(arena.view(at, length)),
  };
}

function expectValues(actual: readonly number[], expected: readonly number[], digits = 12): void {
  expect(actual).toHaveLength(expected.length);
  expected.forEach((value, i) => expect(actual[i]).toBeCloseTo(value, digits));
}

describe('the reference, against values worked out by hand', () => {
  it('multiplies matrices in every orientation', () => {
    const { kernels, put, get } = fixture();
    const a = put(1, 2, 3, 4, 5, 6); // [[1,2,3],[4,5,6]]
    const aT = put(1, 4, 2, 5, 3, 6);
    const b = put(7, 8, 9, 10, 11, 12); // [[7,8],[9,10],[11,12]]
    const bT = put(7, 9, 11, 8, 10, 12);
    const c = put(0, 0, 0, 0);
    for (const [transA, transB] of [
      [false, false],
      [false, true],
      [true, false],
      [true, true],
    ] as const) {
      kernels.gemm(
        transA,
        transB,
        2,
        2,
        3,
        transA ? aT : a,
        transA ? 2 : 3,
        transB ? bT : b,
        transB ? 3 : 2,
        false,
        c,
        2,
      );
      expect(get(c, 4)).toEqual([58, 64, 139, 154]);
    }
    kernels.gemm(false, false, 2, 2, 3, a, 3, b, 2, true, c, 2);
    expect(get(c, 4)).toEqual([116, 128, 278, 308]);
  });

  it('rounds a product to float32 before it adds it', () => {
    const { kernels, put, get } = fixture('float32');
    // 1 + 2⁻²⁴ rounds to 1; added to 2⁻²³ unrounded it would give 1 + 2⁻²².
    const a = put(1, 2 ** -24);
    const b = put(1, 1);
    const c = put(2 ** -23);
    kernels.gemm(false, false, 1, 1, 2, a, 2, b, 1, true, c, 1);
    expect(get(c, 1)).toEqual([1 + 2 ** -23]);
  });

  it('softmax of [5, 2, −1, 3] is the published [0.842, 0.042, 0.002, 0.114]', () => {
    const { kernels, put, get } = fixture();
    const x = put(5, 2, -1, 3);
    kernels.softmax(1, 4, x, x);
    expectValues(get(x, 4), [0.842, 0.042, 0.002, 0.114], 3);
  });

  it('activations have their values and slopes at known points', () => {
    const { kernels, put, get } = fixture();
    const x = put(0, Math.log(3), -Math.log(3), 1000, -1000);
    const y = put(0, 0, 0, 0, 0);
    kernels.sigmoid(5, x, y);
    expectValues(get(y, 5), [0.5, 0.75, 0.25, 1, 0]);
    const ones = put(1, 1, 1, 1, 1);
    kernels.sigmoidBackward(3, y, ones, y);
    expectValues(get(y, 3), [0.25, 0.1875, 0.1875]);
    kernels.tanh(5, x, y);
    expectValues(get(y, 5), [0, 0.8, -0.8, 1, -1]); // (3 − ⅓) / (3 + ⅓)
    kernels.tanhBackward(3, y, ones, y);
    expectValues(get(y, 3), [1, 0.36, 0.36]);
    kernels.leakyRelu(3, 0.1, x, y);
    expectValues(get(y, 3), [0, Math.log(3), -0.1 * Math.log(3)]);
    kernels.reluBackward(3, y, ones, y);
    expect(get(y, 3)).toEqual([0, 1, 0]);
  });

  it('softmaxBackward is the product with the Jacobian diag(y) − y·yᵀ', () => {
    const { kernels, put, get } = fixture();
    const y = put(0.5, 0.25, 0.25);
    const dy = put(1, 2, 4);
    const dx = put(0, 0, 0);
    kernels.softmaxBackward(1, 3, y, dy, dx);
    expectValues(get(dx, 3), [-0.5, 0, 0.5]); // Σ dy·y = 2
  });

  it('losses have their closed forms', () => {
    const { kernels, put, get } = fixture();
    const loss = put(0, 0);
    const gradient = put(0, 0, 0, 0);
    kernels.softmaxCrossEntropy(2, 2, put(0, 0, Math.log(3), 0), put(1, 1), loss, gradient);
    expectValues(get(loss, 2), [Math.log(2), Math.log(4)]);
    expectValues(get(gradient, 4), [0.5, -0.5, 0.75, -0.75]);
    kernels.sigmoidCrossEntropy(1, 2, put(Math.log(3), -Math.log(3)), put(1, 0.5), loss, gradient);
    // −log ¾, and −½·log ¼ − ½·log ¾
    expectValues(get(loss, 1), [-Math.log(0.75) - 0.5 * Math.log(0.25) - 0.5 * Math.log(0.75)]);
    expectValues(get(gradient, 2), [-0.25, -0.25]);
    kernels.squaredError(1, 2, put(1, 5), put(2, 2), loss, gradient);
    expectValues(get(loss, 1), [5]);
    expectValues(get(gradient, 2), [-1, 3]);
  });

  it('columns have their sums and moments', () => {
    const { kernels, put, get } = fixture();
    const x = put(1, 10, 2, 20, 6, 60);
    const out = put(0, 0);
    const m2 = put(0, 0);
    kernels.columnSums(3, 2, x, out);
    expect(get(out, 2)).toEqual([9, 90]);
    kernels.columnMoments(3, 2, x, out, m2);
    expectValues(get(out, 2), [3, 30]);
    expectValues(get(m2, 2), [14, 1400]); // 4 + 1 + 9
    kernels.columnDots(3, 2, x, x, out, m2);
    expect(get(m2, 2)).toEqual([41, 4100]);
  });

  it('batch norm of two samples is ±1, and its gradient has no part along the constant and x̂', () => {
    const { kernels, put, get } = fixture();
    const x = put(3, 5);
    const [normalized, y, dx] = [put(0, 0), put(0, 0), put(0, 0)];
    kernels.batchNorm(2, 1, x, put(4), put(1), put(2), put(10), normalized, y);
    expect(get(normalized, 2)).toEqual([-1, 1]);
    expect(get(y, 2)).toEqual([8, 12]);
    // With two samples every dy is a sum of a constant and a multiple of x̂, so nothing is left.
    kernels.batchNormBackward(2, 1, put(7, -2), normalized, put(2), put(1), put(5), put(-9), 2, dx);
    expect(get(dx, 2)).toEqual([0, 0]);
  });

  it('the first two steps of Adam', () => {
    const { kernels, put, get } = fixture();
    const [w, v, s] = [put(1), put(0), put(0)];
    const step = (gradient: number, t: number): number =>
      kernels.adam(1, w, put(gradient), v, s, w, v, s, 1, 0, 0, 0.1, 0.9, 0.99, 0, 1 - 0.9 ** t, 1 - 0.99 ** t);
    step(4, 1); // whatever the gradient, the first step has the length of the rate
    expectValues([...get(w, 1), ...get(v, 1), ...get(s, 1)], [0.9, 0.4, 0.16]);
    step(-2, 2); // v = 0.36 − 0.2, s = 0.1584 + 0.04
    expectValues([...get(v, 1), ...get(s, 1)], [0.16, 0.1984]);
    expectValues(get(w, 1), [0.9 - (0.1 * (0.16 / 0.19)) / Math.sqrt(0.1984 / 0.0199)]);
  });

  it('momentum, RMSprop and gradient descent by hand, with penalties', () => {
    const { kernels, put, get } = fixture();
    const w = put(2, -2, 0);
    // g = ½·(2, 2, 2) + 0.1·w + 0.3·sign w
    kernels.gradientDescent(3, w, put(2, 2, 2), w, 0.5, 0.1, 0.3, 1);
    expectValues(get(w, 3), [2 - 1.5, -2 - 0.5, -1]);
    expect(kernels.gradientSumSquares(3, put(2, -2, 0), put(2, 2, 2), 0.5, 0.1, 0.3)).toBeCloseTo(
      1.5 ** 2 + 0.5 ** 2 + 1,
      12,
    );

    const [u, v] = [put(1), put(10)];
    kernels.momentum(1, u, put(20), v, u, v, 1, 0, 0, 0.1, 0.5);
    expectValues([...get(v, 1), ...get(u, 1)], [15, -0.5]);

    const [r, s] = [put(1), put(7)];
    kernels.rmsprop(1, r, put(3), s, r, s, 1, 0, 0, 0.5, 0.5, 1);
    expectValues([...get(s, 1), ...get(r, 1)], [8, 1 - 1.5 / (Math.sqrt(8) + 1)]);
  });

  it('sums, norms and argmax', () => {
    const { kernels, put, get } = fixture();
    const x = put(3, -4, 5, 5);
    expect([kernels.sum(4, x), kernels.sumSquares(4, x), kernels.sumAbs(4, x)]).toEqual([9, 75, 17]);
    const out = put(0, 0);
    kernels.argmax(2, 2, x, out);
    expect(get(out, 2)).toEqual([0, 0]);
  });

  it('standardizes bytes and numbers', () => {
    const { kernels, put, get } = fixture();
    const pixels = put(0);
    kernels.arena.bytes.set([0, 255], pixels * 8);
    const y = put(0, 0);
    kernels.standardizeBytes(2, 1, pixels * 8, put(127.5), put(1 / 127.5), y);
    expectValues(get(y, 2), [-1, 1]);
    kernels.standardize(2, 1, put(3, 7), put(5), put(0.5), y);
    expect(get(y, 2)).toEqual([-1, 1]);
  });

  it('dropout keeps the share it should, by the published Philox words', () => {
    const { kernels, put, get } = fixture();
    const mask = put(0, 0, 0, 0);
    // Random123 kat_vectors, philox4x32-10 of all zeros: 6627e8d5 e169c58d bc57ac4c 9b00dbd8.
    for (const [word, at] of [
      [0x6627e8d5, 0],
      [0xe169c58d, 1],
      [0xbc57ac4c, 2],
      [0x9b00dbd8, 3],
    ] as const) {
      kernels.dropoutMask(1, 4, word / 2 ** 32, 0, 0, 0, 0, 0, mask);
      expect(get(mask, 4)[at]).toBe(0); // kept only when strictly below
      kernels.dropoutMask(1, 4, (word + 1) / 2 ** 32, 0, 0, 0, 0, 0, mask);
      expect(get(mask, 4)[at]).toBe(2 ** 32 / (word + 1));
    }
    const large = put(...new Array<number>(8000).fill(0));
    kernels.dropoutMask(80, 100, 0.8, 1, 2, 0, 0, 0, large);
    const kept = get(large, 8000).filter((factor) => factor > 0).length;
    expect(Math.abs(kept / 8000 - 0.8)).toBeLessThan(4 * Math.sqrt((0.8 * 0.2) / 8000));
  });
});
