import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Arena, type Offset } from '../../src/kernels/arena.js';
import { gemmTreeScratch } from '../../src/kernels/contract/products.js';
import { KERNEL_SCRATCH_ELEMENTS, type Kernels } from '../../src/kernels/kernels.js';
import { TreeProducts } from '../../src/kernels/openblas/tree-products.js';
import { bindWasm } from '../../src/kernels/wasm/wasm-kernels.js';
import { cutShards } from '../../src/reduce/shards.js';
import { foldTree, rootLevel } from '../../src/reduce/tree.js';
import { bits, randomNumbers } from './wasm-fixture.js';

const ELEMENTS = 1 << 18;
const arena = Arena.create(KERNEL_SCRATCH_ELEMENTS + 8 * ELEMENTS + 1024);
const buffer = arena.allocate(KERNEL_SCRATCH_ELEMENTS);
const { kernels, wasm } = bindWasm(arena, buffer);
const [a, b, c, d, slots, scratch] = [1, 1, 1, 1, 2, 2].map((size) => arena.allocate(size * ELEMENTS)) as [
  Offset,
  Offset,
  Offset,
  Offset,
  Offset,
  Offset,
];
arena.floats.set(randomNumbers(ELEMENTS, 1), a);
arena.floats.set(randomNumbers(ELEMENTS, 2), b);

/** A library whose every product differs with the sizes of the call. */
const calls: { readonly m: number; readonly n: number; readonly k: number; readonly lda: number }[] = [];
const gemm: Kernels['gemm'] = (_transA, _transB, m, n, k, left, lda, right, _ldb, accumulate, to, ldc) => {
  calls.push({ m, n, k, lda });
  const { floats } = arena;
  for (let i = 0; i < m; i += 1) {
    for (let j = 0; j < n; j += 1) {
      const product = Math.fround(
        (floats[left + i] as number) * (floats[right + j] as number) + m / 7 + n / 11 + k / 13,
      );
      const at = to + i * ldc + j;
      floats[at] = accumulate ? (floats[at] as number) + product : product;
    }
  }
};

function products(smallProduct: number, addsExactly: (k: number) => boolean): TreeProducts {
  return new TreeProducts({ gemm, accumulationIsExact: ({ k }) => addsExactly(k), wasm, smallProduct, buffer });
}

describe('products of shards by a library that rounds by the sizes of a call', () => {
  it('have the bits of single shards folded in tree order, whoever holds which shards', () => {
    const sizes = fc.record({
      m: fc.integer({ min: 1, max: 100 }),
      n: fc.integer({ min: 1, max: 300 }),
      rows: fc.integer({ min: 1, max: 40 }),
      shards: fc.integer({ min: 1, max: 17 }),
      small: fc.constantFrom(0, 1_000, 30_000, 100_000),
      // Which lengths of a shard the library adds exactly.
      odd: fc.boolean(),
      even: fc.boolean(),
    });
    fc.assert(
      fc.property(sizes, ({ m, n, rows, shards, small, odd, even }) => {
        const { gemmTree } = products(small, (k) => (k % 2 === 1 ? odd : even));
        gemmTree(m, n, rows, shards, a, m, b, n, c, n, scratch);

        const cut = cutShards(rows, shards);
        cut.forEach((shard, i) => {
          if (shard.rows === 0) return;
          gemmTree(m, n, shard.rows, 1, a + shard.start * m, m, b + shard.start * n, n, d, n, scratch);
          kernels.copy(m * n, d, slots + i * m * n);
        });
        const root = foldTree<Offset>(
          { level: rootLevel(shards), index: 0 },
          shards,
          ({ level, index }) => (level > 0 ? undefined : cut[index]?.rows === 0 ? null : slots + index * m * n),
          (left, right) => {
            kernels.add(m * n, right, left);
            return left;
          },
        );
        expect(bitsAt(c, m * n)).toEqual(bitsAt(root ?? 0, m * n));
      }),
      { numRuns: 60, examples: [[{ m: 65, n: 150, rows: 9, shards: 2, small: 30_000, odd: true, even: true }]] },
    );
  });

  it('stay within the scratch that the contract names', () => {
    const { gemmTree } = products(100_000, () => false);
    for (const shards of [2, 3, 7, 8, 16, 17, 33]) {
      const [m, n] = [50, 100];
      const room = gemmTreeScratch(m * n, shards);
      arena.view(scratch, 2 * ELEMENTS).fill(-7);
      gemmTree(m, n, 2 * shards, shards, a, m, b, n, c, n, scratch);
      expect(arena.view(scratch + room, 2 * ELEMENTS - room).every((value) => value === -7)).toBe(true);
    }
  });

  it('are cut until they are small, and left whole where that would take too many pieces', () => {
    const { gemmTree } = products(100_000, () => true);
    const cutOf = (m: number, n: number, rows: number): string[] => {
      calls.length = 0;
      gemmTree(m, n, rows, 1, a, m, b, n, c, n, scratch);
      return calls.map((call) => `${call.m}×${call.n}×${call.k}`);
    };
    expect(cutOf(96, 250, 4)).toEqual(['96×250×4']);
    expect(cutOf(96, 250, 5)).toEqual(['48×250×5', '48×250×5']);
    expect(cutOf(96, 250, 17)).toEqual(['96×250×17']);
    expect(cutOf(130, 300, 3)).toEqual(['65×192×3', '65×108×3', '65×192×3', '65×108×3']);
  });

  it('read rows that lie at a bad distance from a copy', () => {
    const { gemmTree } = products(100_000, () => true);
    calls.length = 0;
    gemmTree(40, 30, 6, 2, a, 1024, b, 30, c, 30, scratch);
    expect(calls.map(({ lda }) => lda)).toEqual([40, 40]);
    const near = bitsAt(c, 40 * 30);
    for (let row = 0; row < 6; row += 1) kernels.copy(40, a + row * 1024, slots + row * 41);
    gemmTree(40, 30, 6, 2, slots, 41, b, 30, c, 30, scratch);
    expect(bitsAt(c, 40 * 30)).toEqual(near);
  });
});

function bitsAt(offset: Offset, length: number): Uint32Array {
  return bits(Float32Array.from(arena.view(offset, length)));
}
