import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Pass } from '../../src/nn/layer.js';
import { cutShards, dealShards } from '../../src/reduce/shards.js';
import { PASS_WORDS, PassWords, type PassMemory, type PassRequest } from '../../worker/pass-words.js';
import { passRequest as request } from '../support/passes.js';

const MEMORY: PassMemory = { vectors: [1000, 2000], gradients: 5000, gradientStride: 300 };

/** Two threads that share the words. */
function twoSides(): readonly [PassWords, PassWords] {
  const words = new Int32Array(new SharedArrayBuffer(PASS_WORDS * 4));
  return [new PassWords(words), new PassWords(words)];
}

function passOf(changes: Partial<PassRequest>): Pass {
  const [words] = twoSides();
  words.write({ ...request, ...changes });
  return words.read(MEMORY);
}

describe('the pass that threads see', () => {
  it('describes the whole batch to a worker that holds all shards', () => {
    expect(passOf({})).toEqual({
      mode: 'training',
      step: 41,
      lossScale: 2 ** 16,
      weights: 1000,
      shards: cutShards(100, 8),
      firstShard: 0,
      totalShards: 8,
      firstPosition: 0,
      batchCount: 100,
      nodes: [{ level: 3, index: 0 }],
      gradients: 5000,
      gradientStride: 300,
    });
  });

  it('counts the rows of a range from its first one', () => {
    // 100 samples in 8 shards: four of 13, then four of 12.
    const pass = passOf({ firstShard: 3, endShard: 6 });
    expect(pass.firstPosition).toBe(39);
    expect(pass.shards).toEqual([
      { start: 0, rows: 13 },
      { start: 13, rows: 12 },
      { start: 25, rows: 12 },
    ]);
    expect(pass.nodes).toEqual([
      { level: 0, index: 3 },
      { level: 1, index: 2 },
    ]);
  });

  it('has no nodes for shards without samples', () => {
    const pass = passOf({ batchCount: 5, firstShard: 3, endShard: 8 });
    expect(pass.shards.map(({ rows }) => rows)).toEqual([1, 1, 0, 0, 0]);
    expect(pass.nodes).toEqual([
      { level: 0, index: 3 },
      { level: 2, index: 1 },
    ]);
    expect(passOf({ batchCount: 5, firstShard: 5, endShard: 8 }).nodes).toEqual([]);
  });

  it('uses the model vector that it is told, and the mode and split', () => {
    expect(passOf({ weights: 1 }).weights).toBe(2000);
    expect(passOf({ mode: 'inference' }).mode).toBe('inference');
    for (const split of ['train', 'dev', 'test'] as const) {
      const [words] = twoSides();
      words.write({ ...request, split });
      expect(words.split).toBe(split);
    }
  });

  it('is the same for every thread of a worker', () => {
    const [own, other] = twoSides();
    own.write({ ...request, firstShard: 2, endShard: 5 });
    expect(other.read(MEMORY)).toEqual(own.read(MEMORY));
    expect([other.split, other.slot, other.board]).toEqual(['train', 0, null]);
    own.write({ ...request, split: 'test', slot: 1, board: { workers: 3, attempt: 2 } });
    expect([other.split, other.slot, other.board]).toEqual(['test', 1, { workers: 3, attempt: 2 }]);
  });

  it('is the new one after every change, for every thread', () => {
    const [own, other] = twoSides();
    const seen = [own, other].map((side) => () => side.read(MEMORY));
    for (const changes of [{}, { step: 42 }, { step: 43, weights: 1, firstShard: 2 }, { batchCount: 7 }] as const) {
      own.write({ ...request, ...changes });
      for (const look of seen) expect(look()).toEqual(passOf(changes));
    }
  });

  it('gives every sample to exactly one worker', () => {
    const count = (max: number) => fc.integer({ min: 1, max });
    fc.assert(
      fc.property(count(200), count(40), count(12), (batchCount, totalShards, workers) => {
        const positions = dealShards(totalShards, workers).flatMap(({ first, end }) => {
          const pass = passOf({ batchCount, totalShards, firstShard: first, endShard: end });
          return pass.shards.flatMap(({ start, rows }) => {
            return Array.from({ length: rows }, (_, row) => pass.firstPosition + start + row);
          });
        });
        expect(positions).toEqual(Array.from({ length: batchCount }, (_, position) => position));
      }),
    );
  });
});
