import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Arena } from '../../src/kernels/arena.js';
import type { Exchange, Pass } from '../../src/nn/layer.js';
import { mergeMoments, mergeSums, momentsToVariance, type MomentNode } from '../../src/reduce/moments.js';
import { dealShards } from '../../src/reduce/shards.js';
import { foldTree, rootLevel, type TreeNode } from '../../src/reduce/tree.js';
import { ExchangeSums, holdsWholeBatch } from '../../worker/exchange-sums.js';
import { VALUES_PER_SAMPLE, WIDTH, exchangeAt } from '../support/exchanges.js';
import { trainingPass } from '../support/passes.js';
import { normalValues } from '../support/random-values.js';

const passOf = (batchCount: number, totalShards: number, firstShard: number, endShard: number): Pass =>
  trainingPass({ batchCount, totalShards, firstShard, endShard }).pass;

function rig(merge: Exchange['merge'], pass: Pass, seed: number) {
  const arena = Arena.create((pass.shards.length + 2) * WIDTH + 64);
  const slots = arena.allocate(pass.shards.length * WIDTH);
  const result = arena.allocate(WIDTH);
  const vectors = Float32Array.from(normalValues(pass.shards.length * WIDTH, seed));
  arena.floats.set(vectors, slots);
  const exchange = exchangeAt(merge, slots, result);
  /** The recursive definition of the tree. */
  const folded = (node: TreeNode): MomentNode | null =>
    foldTree<MomentNode>(
      node,
      pass.totalShards,
      ({ level, index }) => {
        if (level > 0) return undefined;
        const shard = index - pass.firstShard;
        const rows = pass.shards[shard]?.rows ?? 0;
        const values = vectors.slice(shard * WIDTH, (shard + 1) * WIDTH);
        return rows === 0 ? null : { count: rows * VALUES_PER_SAMPLE, values };
      },
      merge === 'moments' ? mergeMoments : mergeSums,
    );
  const slotsNow = (): number[] => [...(arena.view(slots, vectors.length) as Float32Array)];
  const answer = (): number[] => [...(arena.view(result, WIDTH) as Float32Array)];
  return { sums: new ExchangeSums(exchange, arena), vectors, folded, slotsNow, answer };
}

const count = (max: number) => fc.integer({ min: 1, max });
const merges = fc.constantFrom<Exchange['merge']>('moments', 'sums');

describe('the vectors of an exchange', () => {
  it('are merged in tree order, to the bits of the recursive definition, over any range of shards', () => {
    fc.assert(
      fc.property(merges, count(80), count(20), count(6), fc.nat(), (merge, batch, shards, workers, seed) => {
        for (const { first, end } of dealShards(shards, workers)) {
          const pass = passOf(batch, shards, first, end);
          const { sums, folded } = rig(merge, pass, seed);
          const nodes = holdsWholeBatch(pass) ? [{ level: rootLevel(shards), index: 0 }] : pass.nodes;
          const expected = nodes.map((node) => ({ ...node, values: folded(node)?.values }));
          expect(sums.merge(pass)).toEqual(expected);
        }
      }),
    );
  });

  it('stay as they are, since gradients are formed of them', () => {
    const pass = passOf(30, 7, 0, 7);
    const { sums, vectors, slotsNow } = rig('moments', pass, 3);
    sums.answer(pass);
    sums.merge(pass);
    expect(slotsNow()).toEqual([...vectors]);
  });

  it('give the same again', () => {
    const pass = passOf(30, 7, 2, 5);
    const { sums } = rig('moments', pass, 3);
    const copy = () => sums.merge(pass).map(({ values, ...node }) => ({ ...node, values: [...values] }));
    expect(copy()).toEqual(copy());
  });
});

describe('the answer of whoever holds the whole batch', () => {
  it('is that of the coordinator', () => {
    fc.assert(
      fc.property(merges, count(80), count(20), fc.nat(), (merge, batch, shards, seed) => {
        const pass = passOf(batch, shards, 0, shards);
        const { sums, folded, answer } = rig(merge, pass, seed);
        const root = folded({ level: rootLevel(shards), index: 0 });
        if (root === null) throw new RangeError('a batch has samples');
        sums.answer(pass);
        expect(answer()).toEqual([...(merge === 'moments' ? momentsToVariance(root) : root.values)]);
      }),
    );
  });
});

describe('who holds the whole batch', () => {
  it('is whoever has all shards, or all that have samples', () => {
    expect(holdsWholeBatch(passOf(30, 8, 0, 8))).toBe(true);
    expect(holdsWholeBatch(passOf(3, 8, 0, 4))).toBe(true);
    expect(holdsWholeBatch(passOf(3, 8, 0, 2))).toBe(false);
    expect(holdsWholeBatch(passOf(30, 8, 0, 7))).toBe(false);
    expect(holdsWholeBatch(passOf(30, 8, 1, 8))).toBe(false);
    expect(holdsWholeBatch(passOf(30, 8, 4, 4))).toBe(false);
  });
});
