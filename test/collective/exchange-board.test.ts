import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StepAttempt } from '../../coordinator/step-attempt.js';
import { BoardLayout, holdersOf, mergeOrder } from '../../src/collective/exchange-board.js';
import { foldTree, rootLevel } from '../../src/reduce/tree.js';
import { nodesOf } from '../support/attempt-nodes.js';

const count = (max: number) => fc.integer({ min: 1, max });

describe('the layout of a board', () => {
  it('gives everything a place of its own, within whole pages', () => {
    fc.assert(
      fc.property(count(20), fc.array(count(100), { minLength: 1, maxLength: 5 }), (shards, widths) => {
        const layout = new BoardLayout(shards, widths);
        const places: { readonly start: number; readonly end: number }[] = [];
        const take = (start: number, words: number): void => void places.push({ start, end: start + words });
        for (let shard = 0; shard < shards; shard += 1) {
          take(layout.bell(shard), 16);
          widths.forEach((width, exchange) => {
            for (const step of [6, 7]) {
              take(layout.tag(exchange, step, shard), 16);
              expect(layout.values(exchange, step, shard) % 16).toBe(0);
              take(layout.values(exchange, step, shard), width);
            }
            // Whoever is two steps ahead has had everybody's gradient of the step between.
            expect(layout.tag(exchange, 8, shard)).toBe(layout.tag(exchange, 6, shard));
          });
        }
        places.sort((a, b) => a.start - b.start);
        expect(places.filter(({ start }, i) => start < (places[i - 1]?.end ?? 0))).toEqual([]);
        expect(places.at(-1)?.end).toBeLessThanOrEqual(layout.words);
        expect(layout.bytes % 65_536).toBe(0);
      }),
    );
  });

  it('takes no room where nothing is exchanged', () => {
    expect(new BoardLayout(8, []).bytes).toBe(0);
  });

  it('has no place for what there is not', () => {
    const layout = new BoardLayout(4, [2]);
    expect(() => layout.bell(4)).toThrow('no shard 4');
    expect(() => layout.tag(1, 0, 0)).toThrow('no exchange 1');
  });
});

describe('who holds samples of a batch', () => {
  it('is who the coordinator plans for, with the same shards and nodes', () => {
    fc.assert(
      fc.property(count(60), count(20), count(24), (batchCount, shards, workers) => {
        const work = { step: 3, weightsVersion: 3, dataEpoch: 0, firstPosition: 0, batchCount, lossScale: 1 };
        const names = Array.from({ length: workers }, (_, rank) => `w${rank}`);
        const attempt = new StepAttempt({ epoch: 1, step: 3, attempt: 1 }, work, shards, names, []);
        expect(holdersOf(batchCount, shards, workers)).toEqual(
          attempt.assignments.map(({ worker, range }) => ({ ...range, nodes: nodesOf(attempt, worker) })),
        );
      }),
    );
  });
});

describe('the merges of what was posted', () => {
  it('are those of the reduction tree, each with the samples of both sides', () => {
    fc.assert(
      fc.property(count(60), count(20), count(24), (batchCount, shards, workers) => {
        const holders = holdersOf(batchCount, shards, workers);
        const nodes = holders.flatMap((holder) => holder.nodes);
        const posted = new Map(nodes.map(({ level, index }) => [`${level}:${index}`, `${level}:${index}`]));
        const vectors = new Map(nodes.map(({ level, index }) => [index * 2 ** level, `${level}:${index}`]));
        for (const { left, right } of mergeOrder(batchCount, shards, holders)) {
          const of = ({ shard }: { shard: number }): string => vectors.get(shard) ?? 'nothing';
          vectors.set(left.shard, `(${of(left)} ${of(right)})`);
          expect(left.rows + right.rows).toBeLessThanOrEqual(batchCount);
        }
        const expected = foldTree<string>(
          { level: rootLevel(shards), index: 0 },
          shards,
          (node) => {
            const found = posted.get(`${node.level}:${node.index}`);
            return found ?? (node.level === 0 ? null : undefined);
          },
          (left, right) => `(${left} ${right})`,
        );
        expect(vectors.get(0)).toBe(expected);
      }),
    );
  });

  it('need every holder', () => {
    expect(() => mergeOrder(40, 8, holdersOf(40, 8, 2).slice(0, 1))).toThrow('do not hold all of it');
  });
});
