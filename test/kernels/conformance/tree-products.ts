import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Offset } from '../../../src/kernels/arena.js';
import { gemmTreeScratch } from '../../../src/kernels/contract/products.js';
import type { Kernels } from '../../../src/kernels/kernels.js';
import { cutShards } from '../../../src/reduce/shards.js';
import { foldTree, rootLevel } from '../../../src/reduce/tree.js';
import type { Workbench } from '../workbench.js';
import { blank, expectClose, expectSameBits, uniform } from '../workbench.js';

interface Sizes {
  readonly m: number;
  readonly n: number;
  readonly rows: number;
  readonly shards: number;
  /** Elements by which leading dimensions exceed the length of a row. */
  readonly spread: number;
}

/** Every border of the implementations: panels and pieces, rows at a bad distance, shards and batches that are too long to pack. */
const SIZES: readonly Sizes[] = [
  { m: 100, n: 300, rows: 256, shards: 8, spread: 0 },
  { m: 130, n: 250, rows: 133, shards: 4, spread: 6 },
  { m: 128, n: 208, rows: 260, shards: 16, spread: 1 },
  { m: 100, n: 144, rows: 200, shards: 2, spread: 0 },
  { m: 132, n: 300, rows: 60, shards: 2, spread: 724 },
  { m: 10, n: 128, rows: 61, shards: 16, spread: 3 },
  { m: 70, n: 40, rows: 1100, shards: 2, spread: 0 },
  { m: 9, n: 20, rows: 2100, shards: 5, spread: 0 },
  { m: 12, n: 12, rows: 700, shards: 1, spread: 0 },
  { m: 128, n: 256, rows: 123, shards: 2, spread: 0 },
  { m: 128, n: 256, rows: 245, shards: 2, spread: 0 },
];

type Operands = readonly [a: Offset, b: Offset, c: Offset, scratch: Offset];

export function describeTreeProducts(bench: () => Workbench): void {
  describe('products summed over shards', () => {
    for (const sizes of SIZES) {
      const { m, n, rows, shards, spread } = sizes;
      it(`adds the products of ${shards} shards of ${rows} rows in tree order: ${m}×${n}, spread ${spread}`, () => {
        checkTree(bench(), sizes);
        checkAccuracy(bench(), sizes);
      });
    }

    it('adds the products of any shards in tree order', () => {
      const sizes = fc.record({
        m: fc.integer({ min: 1, max: 40 }),
        n: fc.integer({ min: 1, max: 40 }),
        rows: fc.integer({ min: 1, max: 70 }),
        shards: fc.integer({ min: 1, max: 17 }),
        spread: fc.integer({ min: 0, max: 5 }),
      });
      fc.assert(
        fc.property(sizes, (found) => checkTree(bench(), found)),
        { numRuns: 150 },
      );
    });

    it('overwrites C without reading it', () => {
      const nothing = new Float32Array(35).fill(NaN);
      const scratch = new Float32Array(gemmTreeScratch(35, 3)).fill(NaN);
      const [, , c] = bench().run(
        [uniform(5 * 9, 1), uniform(7 * 9, 2), nothing, scratch],
        (kernels, [a, b, out, at]) => kernels.gemmTree(5, 7, 9, 3, a, 5, b, 7, out, 7, at),
      );
      expect(c?.every(Number.isFinite)).toBe(true);
    });
  });
}

/** A[rows,m], B[rows,n], C[m,n] and scratch. */
function operands({ m, n, rows, shards, spread }: Sizes): Float32Array[] {
  return [
    uniform(rows * (m + spread), 1),
    uniform(rows * (n + spread), 2),
    blank(m * (n + spread)),
    blank(Math.max(gemmTreeScratch(m * n, shards), (shards + 1) * m * n)),
  ];
}

function tree(kernels: Kernels, { m, n, rows, shards, spread }: Sizes, [a, b, c, scratch]: Operands): void {
  kernels.gemmTree(m, n, rows, shards, a, m + spread, b, n + spread, c, n + spread, scratch);
}

/** The same from the products of single shards, folded by the definition of the tree. */
function folded(kernels: Kernels, { m, n, rows, shards, spread }: Sizes, [a, b, c, scratch]: Operands): void {
  const cut = cutShards(rows, shards);
  const slot = (index: number): Offset => scratch + index * m * n;
  cut.forEach((shard, index) => {
    if (shard.rows === 0) return;
    const [left, right] = [a + shard.start * (m + spread), b + shard.start * (n + spread)];
    kernels.gemmTree(m, n, shard.rows, 1, left, m + spread, right, n + spread, slot(index), n, scratch);
  });
  const root = foldTree<Offset>(
    { level: rootLevel(shards), index: 0 },
    shards,
    ({ level, index }) => (level > 0 ? undefined : cut[index]?.rows === 0 ? null : slot(index)),
    (left, right) => {
      kernels.addRect(m, n, right, n, left, n);
      return left;
    },
  );
  if (root === null) throw new RangeError('no rows');
  for (let row = 0; row < m; row += 1) kernels.copy(n, root + row * n, c + row * (n + spread));
}

function checkTree(bench: Workbench, sizes: Sizes): void {
  const { m, n, rows, shards } = sizes;
  const at = (offsets: readonly Offset[]): Operands => offsets as unknown as Operands;
  const blocks = operands(sizes);
  const [, , fused] = bench.run(blocks, (kernels, offsets) => tree(kernels, sizes, at(offsets)));
  const [, , composed] = bench.run(blocks, (kernels, offsets) => folded(kernels, sizes, at(offsets)));
  expectSameBits([fused ?? []], [composed ?? []], `${m}×${n}, ${rows} rows in ${shards} shards`);
}

function checkAccuracy(bench: Workbench, sizes: Sizes): void {
  const at = (offsets: readonly Offset[]): Operands => offsets as unknown as Operands;
  const call = (kernels: Kernels, offsets: readonly Offset[]): void => tree(kernels, sizes, at(offsets));
  const blocks = operands(sizes);
  const [a = [], b = [], c = [], scratch = []] = blocks;
  const [, , actual = []] = bench.run(blocks, call);
  const [, , exact = []] = bench.exact(blocks, call);
  const positive = [Array.from(a, Math.abs), Array.from(b, Math.abs), c, scratch] as const;
  const [, , magnitude = []] = bench.exact(positive, call);
  expectClose(actual, exact, 1 + Math.sqrt(sizes.rows), magnitude);
}
