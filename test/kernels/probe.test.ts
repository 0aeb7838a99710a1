import { describe, expect, it } from 'vitest';
import { dependsOnPlacement } from '../../src/kernels/openblas/placement.js';
import { ProductProbe } from '../../src/kernels/openblas/probe.js';
import type { BlasLibrary } from '../../src/kernels/openblas/cblas.js';
import type { Sum } from './fake-blas.js';
import { backwardSum, fakeBlas, forwardSum } from './fake-blas.js';

const FORWARD = { transA: false, transB: true, m: 4, n: 3, k: 9 };
const WEIGHT_GRADIENT = { transA: true, transB: false, m: 6, n: 5, k: 4 };

const rowsShare = (sum: Sum): boolean => new ProductProbe(fakeBlas(sum)).rowsShareProduct(FORWARD, 3);
const accumulates = (sum: Sum): boolean => new ProductProbe(fakeBlas(sum)).accumulationIsExact(WEIGHT_GRADIENT);

describe('the probe of products', () => {
  it('lets rows share a product when their sums have one order', () => {
    expect(rowsShare(forwardSum)).toBe(true);
    expect(rowsShare(backwardSum)).toBe(true);
  });

  it('refuses a library that sums in another order when there are more rows', () => {
    expect(rowsShare((products, call) => (call.m > 4 ? backwardSum : forwardSum)(products, call))).toBe(false);
  });

  it('refuses a library that treats a single row, the last one, in another way', () => {
    expect(rowsShare((products, call) => (call.row === 11 ? backwardSum : forwardSum)(products, call))).toBe(false);
  });

  it('sees a difference even where a product has a single element', () => {
    const shape = { transA: false, transB: false, m: 1, n: 1, k: 3 };
    const changing = new ProductProbe(
      fakeBlas((products, call) => (call.m > 1 ? backwardSum : forwardSum)(products, call)),
    );
    expect(changing.rowsShareProduct(shape, 2)).toBe(false);
    expect(new ProductProbe(fakeBlas(forwardSum)).rowsShareProduct(shape, 2)).toBe(true);
  });

  it('knows one shard without trying, and nothing of a transposed A', () => {
    const never: BlasLibrary = {
      smallProduct: 0,
      description: 'must not be called',
      addressOf: () => 0,
      sgemm: () => expect.fail('a product was computed'),
    };
    const probe = new ProductProbe(never);
    expect(probe.rowsShareProduct(FORWARD, 1)).toBe(true);
    expect(probe.rowsShareProduct(WEIGHT_GRADIENT, 2)).toBe(false);
    expect(probe.rowsShareProduct({ ...FORWARD, m: 0 }, 2)).toBe(true);
    expect(probe.rowsShareProduct({ ...FORWARD, m: 4096, n: 4096, k: 4096 }, 8)).toBe(false);
    expect(probe.accumulationIsExact({ ...WEIGHT_GRADIENT, k: 321 })).toBe(false);
  });

  it('finds accumulation exact when the sum is complete before C is added', () => {
    expect(accumulates(forwardSum)).toBe(true);
  });

  it('refuses a library that starts its sum at C', () => {
    expect(
      accumulates((products, { beta, c }) => products.reduce((sum, x) => Math.fround(sum + x), Math.fround(beta * c))),
    ).toBe(false);
  });

  it('refuses a library whose zeros change their sign', () => {
    expect(
      accumulates((products, call) => {
        const result = forwardSum(products, call);
        return result === 0 && call.beta === 1 ? -0 : result;
      }),
    ).toBe(false);
  });

  it('asks the library once per question', () => {
    let calls = 0;
    const fake = fakeBlas(forwardSum);
    const probe = new ProductProbe({
      ...fake,
      sgemm: (...call) => {
        calls++;
        fake.sgemm(...call);
      },
    });
    probe.rowsShareProduct(FORWARD, 3);
    probe.accumulationIsExact(WEIGHT_GRADIENT);
    const once = calls;
    probe.rowsShareProduct({ ...FORWARD }, 3);
    probe.accumulationIsExact({ ...WEIGHT_GRADIENT });
    expect(calls).toBe(once);
    probe.rowsShareProduct(FORWARD, 2);
    expect(calls).toBeGreaterThan(once);
  });
});

describe('the check of placements', () => {
  it('accepts a library that sums in one order', () => {
    expect(dependsOnPlacement(fakeBlas(forwardSum))).toBe(false);
  });

  it('finds out a library whose sums depend on alignment', () => {
    expect(
      dependsOnPlacement(
        fakeBlas((products, call) => (call.alignment === 0 ? forwardSum : backwardSum)(products, call)),
      ),
    ).toBe(true);
  });
});
