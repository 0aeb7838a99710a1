import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TreeAccumulator } from '../../src/reduce/accumulator.js';
import { dealShards, cutShards } from '../../src/reduce/shards.js';
import { completeSubtrees, coveredShards, foldTree, maxSubtrees, nodeKey, rootLevel } from '../../src/reduce/tree.js';
import type { TreeNode } from '../../src/reduce/tree.js';

const f32 = Math.fround;

/** The root's value when every leaf is known: the definition everything else is compared with. */
function wholeTree(leaves: readonly (number | null)[]): number | null {
  const root = { level: rootLevel(leaves.length), index: 0 };
  const known = (node: TreeNode): number | null | undefined => (node.level === 0 ? leaves[node.index] : undefined);
  return foldTree(root, leaves.length, known, (a, b) => f32(a + b));
}

describe('reduction tree', () => {
  it('covers eight shards with one root', () => {
    expect(completeSubtrees(0, 8, 8)).toEqual([{ level: 3, index: 0 }]);
  });

  it('covers an unaligned range with aligned subtrees, left to right', () => {
    expect(completeSubtrees(1, 7, 8)).toEqual([
      { level: 0, index: 1 },
      { level: 1, index: 1 },
      { level: 1, index: 2 },
      { level: 0, index: 6 },
    ]);
  });

  it('counts missing shards on the right as covered', () => {
    expect(completeSubtrees(0, 5, 5)).toEqual([{ level: 3, index: 0 }]);
    expect(completeSubtrees(4, 5, 5)).toEqual([{ level: 2, index: 1 }]);
  });

  it('adds in tree order, not from left to right', () => {
    const big = 2 ** 24;
    expect(wholeTree([big, 1, 1, 1])).toBe(f32(f32(big + 1) + 2));
    expect(f32(f32(f32(big + 1) + 1) + 1)).not.toBe(wholeTree([big, 1, 1, 1]));
  });

  it('leaves shards without samples out', () => {
    expect(wholeTree([3, null, null, 5])).toBe(8);
    expect(wholeTree([null, null])).toBeNull();
  });

  it('names the shard whose value is missing', () => {
    expect(() => wholeTree([1, undefined as unknown as number])).toThrow('no value for shard 1');
  });

  it('needs few partial sums', () => {
    expect(maxSubtrees(1)).toBe(1);
    expect(maxSubtrees(8)).toBe(4);
    expect(maxSubtrees(64)).toBe(10);
  });

  it('gives the same bits for every partition into contiguous ranges and every order of arrival', () => {
    const leaf = fc.float({ noNaN: true, min: f32(-1e6), max: f32(1e6) });
    fc.assert(
      fc.property(
        fc.array(fc.option(leaf, { freq: 8 }), { minLength: 1, maxLength: 33 }),
        fc.array(fc.nat(32), { maxLength: 6 }),
        fc.infiniteStream(fc.nat(1000)),
        (numbers, cuts, order) => {
          // As cutShards leaves them: shards without samples come last.
          const leaves = [...numbers.filter((leaf) => leaf !== null), ...numbers.filter((leaf) => leaf === null)];
          const shards = leaves.length;
          const bounds = [...new Set([0, ...cuts.map((cut) => cut % shards), shards])].sort((a, b) => a - b);
          const arrived = new Map<string, number | null>();
          const parcels: [string, number | null][] = [];
          for (let i = 0; i + 1 < bounds.length; i += 1) {
            for (const node of completeSubtrees(bounds[i] ?? 0, bounds[i + 1] ?? 0, shards)) {
              const known = (n: TreeNode): number | null | undefined => (n.level === 0 ? leaves[n.index] : undefined);
              parcels.push([nodeKey(node), foldTree(node, shards, known, (a, b) => f32(a + b))]);
            }
          }
          const keyed = parcels.map((parcel) => ({ parcel, rank: Number(order.next().value) }));
          keyed.sort((a, b) => a.rank - b.rank);
          for (const { parcel } of keyed) arrived.set(...parcel);
          const accumulator = new TreeAccumulator<number>(
            shards,
            (i) => leaves[i] !== null,
            (a, b) => f32(a + b),
          );
          for (const { parcel } of keyed) {
            const [level = 0, index = 0] = parcel[0].split(':').map(Number);
            if (parcel[1] !== null) accumulator.add({ level, index }, parcel[1]);
          }
          expect(accumulator.sum ?? null).toBe(wholeTree(leaves));
          const root = { level: rootLevel(shards), index: 0 };
          const sum = foldTree(
            root,
            shards,
            (node) => arrived.get(nodeKey(node)),
            (a, b) => f32(a + b),
          );
          expect(sum).toBe(wholeTree(leaves));
        },
      ),
    );
  });

  it('covers each range exactly once', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.nat(40), fc.nat(40), (shards, a, b) => {
        const [first, end] = [Math.min(a, b, shards), Math.min(Math.max(a, b), shards)];
        const covered = completeSubtrees(first, end, shards).flatMap((node) => {
          const range = coveredShards(node, shards);
          return Array.from({ length: range.end - range.first }, (_, i) => range.first + i);
        });
        expect(covered).toEqual(Array.from({ length: end - first }, (_, i) => first + i));
      }),
    );
  });
});

describe('shards', () => {
  it('cuts a batch without a rest, larger shards first', () => {
    expect(cutShards(10, 4)).toEqual([
      { start: 0, rows: 3 },
      { start: 3, rows: 3 },
      { start: 6, rows: 2 },
      { start: 8, rows: 2 },
    ]);
    expect(cutShards(2, 4).map((shard) => shard.rows)).toEqual([1, 1, 0, 0]);
  });

  it('deals every shard to exactly one worker', () => {
    expect(dealShards(8, 3)).toEqual([
      { first: 0, end: 2 },
      { first: 2, end: 5 },
      { first: 5, end: 8 },
    ]);
    const sixteen = dealShards(8, 16);
    expect(sixteen.reduce((sum, range) => sum + range.end - range.first, 0)).toBe(8);
  });
});
