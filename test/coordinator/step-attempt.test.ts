import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StepAttempt, addInOrder } from '../../coordinator/step-attempt.js';
import type { Exchange } from '../../src/nn/layer.js';
import type { NodeValues, ShardReport } from '../../src/protocol/messages.js';
import { cutShards } from '../../src/reduce/shards.js';
import { coveredShards, foldTree, type TreeNode } from '../../src/reduce/tree.js';
import { nodesOf } from '../support/attempt-nodes.js';
import { shuffled } from '../support/cluster-order.js';

const FENCE = { epoch: 3, step: 7, attempt: 2 };
const common = { layer: 1, valuesPerSample: 1, slots: 0, result: 0, statistics: null };
const MOMENTS: Exchange = { ...common, index: 0, merge: 'moments', width: 2 };
const SUMS: Exchange = { ...common, index: 1, merge: 'sums', width: 3 };

function attempt(options: {
  readonly batchCount?: number;
  readonly shards?: number;
  readonly workers?: readonly string[];
  readonly exchanges?: readonly Exchange[];
}): StepAttempt {
  const { batchCount = 16, shards = 8, workers = ['a', 'b'], exchanges = [] } = options;
  const work = { step: 7, weightsVersion: 7, dataEpoch: 1, firstPosition: 32, batchCount, lossScale: 1 };
  return new StepAttempt(FENCE, work, shards, workers, exchanges);
}

const ranges = ({ assignments }: StepAttempt): string[] =>
  assignments.map(({ worker, range }) => `${worker}: ${range.first}–${range.end}`);

describe('the shards of a step', () => {
  it('go to the workers in contiguous ranges, by rank', () => {
    expect(ranges(attempt({ workers: ['a', 'b', 'c'] }))).toEqual(['a: 0–2', 'b: 2–5', 'c: 5–8']);
  });

  it('leave workers without work where there are more of them', () => {
    expect(ranges(attempt({ shards: 2, workers: ['a', 'b', 'c', 'd', 'e'] }))).toEqual(['c: 0–1', 'e: 1–2']);
  });

  it('without samples are nobody’s work where the batch is small', () => {
    const small = attempt({ batchCount: 3, workers: ['a', 'b', 'c', 'd'] });
    expect(small.shards.map(({ rows }) => rows)).toEqual([1, 1, 1, 0, 0, 0, 0, 0]);
    expect(ranges(small)).toEqual(['a: 0–2', 'b: 2–4']);
    expect(nodesOf(small, 'a')).toEqual([{ level: 1, index: 0 }]);
    expect(nodesOf(small, 'b')).toEqual([{ level: 1, index: 1 }]);
    expect(nodesOf(small, 'c')).toEqual([]);
  });

  it('can be the work of some while all take part: the others are planned for too, with no shards', () => {
    const work = { step: 7, weightsVersion: 7, dataEpoch: 1, firstPosition: 32, batchCount: 1, lossScale: 1 };
    const step = new StepAttempt(FENCE, work, 8, ['a', 'b'], [], true);
    expect(ranges(step)).toEqual(['a: 0–4']);
    expect(step.participants).toEqual(['a', 'b']);
    expect(step.plans(false).map(({ worker, plan }) => [worker, plan.firstShard, plan.endShard])).toEqual([
      ['a', 0, 4],
      ['b', 0, 0],
    ]);
    const report = {
      type: 'stepReport',
      fence: FENCE,
      shards: [],
      computeMs: 1,
      waitMs: 0,
      activeUnits: [],
      nonFiniteLayer: null,
    } as const;
    step.addReport('a', report);
    expect(step.complete).toBe(false);
    step.addReport('b', report);
    expect(step.complete).toBe(true);
  });

  it('are planned with everything that a worker must know', () => {
    expect(attempt({ workers: ['a', 'b'] }).plans(true)[1]).toEqual({
      worker: 'b',
      plan: {
        type: 'plan',
        fence: FENCE,
        ahead: true,
        weightsVersion: 7,
        dataEpoch: 1,
        firstPosition: 32,
        batchCount: 16,
        lossScale: 1,
        firstShard: 4,
        endShard: 8,
      },
    });
  });
});

describe('an exchange', () => {
  const values = (...numbers: readonly number[]): Float32Array => Float32Array.from(numbers);

  it('is complete with its last part, and tells mean and population variance', () => {
    // Shards of two samples each: {1, 3}, {5, 7} | {1, 1}, {1, 1}: mean 2.5, Σ(x − mean)² = 38.
    const step = attempt({ batchCount: 8, shards: 4, exchanges: [MOMENTS] });
    expect(step.addExchange(0, [{ level: 1, index: 0, values: values(4, 20) }])).toBeNull();
    expect(step.complete).toBe(false);
    expect(step.outcome(0)).toBeUndefined();
    expect(step.addExchange(0, [{ level: 1, index: 1, values: values(1, 0) }])).toEqual({
      values: values(2.5, 38 / 8),
      count: 8,
    });
    expect(step.outcome(0)?.count).toBe(8);
  });

  it('counts every value of a feature in a sample', () => {
    const step = attempt({ batchCount: 8, shards: 1, workers: ['a'], exchanges: [{ ...MOMENTS, valuesPerSample: 9 }] });
    expect(step.addExchange(0, [{ level: 0, index: 0, values: values(4, 72) }])).toEqual({
      values: values(4, 1),
      count: 72,
    });
  });

  it('adds sums', () => {
    const step = attempt({ batchCount: 2, shards: 2, exchanges: [MOMENTS, SUMS] });
    expect(step.addExchange(1, [{ level: 0, index: 1, values: values(1, 2, 3) }])).toBeNull();
    const outcome = step.addExchange(1, [{ level: 0, index: 0, values: values(10, 20, 30) }]);
    expect(outcome?.values).toEqual(values(11, 22, 33));
  });

  it('that is over or unknown takes nothing more', () => {
    const step = attempt({ batchCount: 2, shards: 1, workers: ['a'], exchanges: [MOMENTS] });
    expect(step.addExchange(0, [{ level: 0, index: 0, values: values(1, 1) }])).not.toBeNull();
    expect(step.addExchange(0, [{ level: 0, index: 0, values: values(9, 9) }])).toBeNull();
    expect(step.outcome(0)?.values).toEqual(values(1, 0.5));
    expect(step.addExchange(4, [])).toBeNull();
  });

  it('has the same bits for any number of workers and any order of arrival', () => {
    const leaves = fc.array(fc.float({ noNaN: true, min: -1e3, max: 1e3 }), { minLength: 3, maxLength: 3 });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 12 }),
        fc.array(leaves, { minLength: 9, maxLength: 9 }),
        fc.nat(),
        (batchCount, shards, workers, numbers, order) => {
          const names = Array.from({ length: workers }, (_, rank) => `w${rank}`);
          const step = attempt({ batchCount, shards, workers: names, exchanges: [MOMENTS, SUMS] });
          const rows = cutShards(batchCount, shards).map((shard) => shard.rows);
          const add = (x: Float32Array, y: Float32Array): Float32Array => x.map((value, j) => value + (y[j] ?? NaN));
          const known = (node: TreeNode): Float32Array | null | undefined => {
            if (node.level > 0) return undefined;
            return (rows[node.index] ?? 0) === 0 ? null : Float32Array.from(numbers[node.index] ?? []);
          };
          const parts: NodeValues[] = names.flatMap((name) =>
            nodesOf(step, name).map((node) => ({
              ...node,
              values: foldTree(node, shards, known, add) ?? new Float32Array(3),
            })),
          );
          const covered = parts.flatMap((node) => {
            const { first, end } = coveredShards(node, shards);
            return Array.from({ length: end - first }, (_, i) => first + i).filter((shard) => step.holdsSamples(shard));
          });
          expect(covered.sort((x, y) => x - y)).toEqual([...rows.keys()].filter((shard) => (rows[shard] ?? 0) > 0));
          const outcomes = shuffled(parts, order).map((part) => step.addExchange(1, [part]));
          expect(outcomes.slice(0, -1).every((outcome) => outcome === null)).toBe(true);
          const root = { level: Math.ceil(Math.log2(shards)), index: 0 };
          expect(outcomes.at(-1)).toEqual({ values: foldTree(root, shards, known, add), count: batchCount });
        },
      ),
    );
  });
});

describe('a step', () => {
  const report = (...shards: readonly ShardReport[]) =>
    ({
      type: 'stepReport',
      fence: FENCE,
      shards,
      computeMs: 1,
      waitMs: 0,
      activeUnits: [],
      nonFiniteLayer: null,
    }) as const;

  it('is complete with every report and every exchange, in any order', () => {
    const step = attempt({
      batchCount: 2,
      shards: 2,
      exchanges: [SUMS].map((exchange) => ({ ...exchange, index: 0 })),
    });
    step.addReport('b', report());
    step.addReport('a', report());
    expect(step.complete).toBe(false);
    step.addExchange(0, [{ level: 0, index: 1, values: new Float32Array(3) }]);
    step.addExchange(0, [{ level: 0, index: 0, values: new Float32Array(3) }]);
    expect(step.complete).toBe(true);
  });

  it('waits only for workers that have work', () => {
    const step = attempt({ batchCount: 1, workers: ['a', 'b', 'c'] });
    expect(step.complete).toBe(false);
    step.addReport('a', report());
    expect(step.complete).toBe(true);
  });

  it('adds losses in the order of the shards, whoever reports first', () => {
    // In float64, 2⁵³ + 1 is 2⁵³: the order of the additions shows.
    const [big, ...small] = [2 ** 53, 1, 1].map((loss, shard) => ({ shard, loss, correct: shard }));
    const totals = (...order: readonly (readonly [string, readonly ShardReport[]])[]) => {
      const step = attempt({ batchCount: 3, shards: 3 });
      for (const [worker, shards] of order) step.addReport(worker, report(...shards));
      return step.totals();
    };
    const forward = totals(['a', big === undefined ? [] : [big]], ['b', small]);
    expect(forward).toEqual({ loss: 2 ** 53, correct: 3 });
    expect(totals(['b', small.toReversed()], ['a', big === undefined ? [] : [big]])).toEqual(forward);
    expect(addInOrder([])).toEqual({ loss: 0, correct: 0 });
  });
});
