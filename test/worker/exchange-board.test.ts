import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StepAttempt } from '../../coordinator/step-attempt.js';
import { holdersOf } from '../../src/collective/exchange-board.js';
import { Arena } from '../../src/kernels/arena.js';
import type { Exchange } from '../../src/nn/layer.js';
import type { NodeValues } from '../../src/protocol/messages.js';
import { cutShards } from '../../src/reduce/shards.js';
import type { Futex } from '../../src/transport/futex.js';
import { ExchangeBoard, boardLayout } from '../../worker/exchange-board.js';
import { ExchangeSums } from '../../worker/exchange-sums.js';
import { WIDTH, exchangeAt } from '../support/exchanges.js';
import { trainingPass } from '../support/passes.js';
import { normalValues } from '../support/random-values.js';

const STEP = 0;

interface Shape {
  readonly merge: Exchange['merge'];
  readonly batch: number;
  readonly shards: number;
  readonly workers: number;
}

/** The workers of a board, all in one memory: each has its shards' vectors and a place for the answer. */
function rig(
  { merge, batch, shards, workers }: Shape,
  seed: number,
  futex: Futex = { wait: stuck, wake: () => undefined },
) {
  const arena = Arena.create(2 * 65_536 + 2_000 * WIDTH);
  const at = arena.allocateAligned(boardLayout(shards, [exchangeAt(merge, 0, 0)]).words);
  const vectors = cutShards(batch, shards).map((_, shard) => Float32Array.from(normalValues(WIDTH, seed + shard)));
  const members = holdersOf(batch, shards, workers).map(({ first, end }) => {
    const { pass, control } = trainingPass({
      batchCount: batch,
      totalShards: shards,
      firstShard: first,
      endShard: end,
    });
    const exchange = exchangeAt(merge, arena.allocate((end - first) * WIDTH), arena.allocate(WIDTH));
    vectors.slice(first, end).forEach((vector, i) => arena.floats.set(vector, exchange.slots + i * WIDTH));
    const board = new ExchangeBoard({ arena, at, shards, exchanges: [exchange], futex: () => futex });
    const sums = new ExchangeSums(exchange, arena);
    return {
      control,
      post: (attempt: number, step = STEP) => board.post(0, sums.merge(pass), { ...pass, step }, { workers, attempt }),
      wait: (attempt: number, step = STEP) => board.wait(0, { ...pass, step }, { workers, attempt }, control),
      answer: (attempt: number): number[] => {
        board.answer(exchange, pass, { workers, attempt });
        return [...(arena.view(exchange.result ?? 0, WIDTH) as Float32Array)];
      },
      root: (attempt: number): NodeValues => board.root(0, pass, { workers, attempt }),
      nodes: (): NodeValues[] => sums.merge(pass).map((node) => ({ ...node, values: node.values.slice() })),
      rouse: () => board.rouse(),
      exchange,
    };
  });
  return members;
}

function stuck(): void {
  throw new Error('would sleep');
}

const count = (max: number) => fc.integer({ min: 1, max });
const shapes: fc.Arbitrary<Shape> = fc
  .record({
    merge: fc.constantFrom<Exchange['merge']>('moments', 'sums'),
    batch: count(60),
    shards: fc.integer({ min: 2, max: 16 }),
    workers: count(20),
  })
  .filter(({ batch, shards, workers }) => holdersOf(batch, shards, workers).length > 1);

describe('the answer at a board', () => {
  it('has the bits of the coordinator, for any number of workers and shards', () => {
    fc.assert(
      fc.property(shapes, fc.nat(), (shape, seed) => {
        const members = rig(shape, seed);
        const work = { step: 0, weightsVersion: 0, dataEpoch: 0, firstPosition: 0, lossScale: 1 };
        const names = Array.from({ length: shape.workers }, (_, rank) => `w${rank}`);
        const exchanges = members.slice(0, 1).map(({ exchange }) => exchange);
        const attemptOf = () =>
          new StepAttempt(
            { epoch: 1, step: 0, attempt: 1 },
            { ...work, batchCount: shape.batch },
            shape.shards,
            names,
            exchanges,
          );
        const attempt = attemptOf();
        const expected = members.map(({ nodes }) => attempt.addExchange(0, nodes())).at(-1);
        for (const { post } of members) post(1);
        for (const { wait, answer, root } of members) {
          expect(wait(1)).toBe(true);
          expect(answer(1)).toEqual([...(expected?.values ?? [])]);
          // What one of them tells the coordinator afterwards comes to the same.
          expect(attemptOf().addExchange(0, [root(1)])).toEqual(expected);
        }
      }),
    );
  });
});

const TWO: Shape = { merge: 'moments', batch: 32, shards: 8, workers: 2 };

describe('waiting at a board', () => {
  it('goes on when the last one has posted, however often it wakes before', () => {
    let sleeps = 0;
    const [one, other] = rig(TWO, 1, {
      wait: () => {
        sleeps += 1;
        if (sleeps === 3) other?.post(1);
      },
      wake: () => undefined,
    });
    one?.post(1);
    expect(one?.wait(1)).toBe(true);
    expect(sleeps).toBe(3);
  });

  it.each([
    ['an earlier step', 1, 0],
    ['an earlier attempt', 1, 1],
    ['a later attempt', 3, 1],
  ])('takes nothing of %s', (_what, attempt, step) => {
    let slept = false;
    const [one, other] = rig(TWO, 1, {
      wait: () => {
        slept = true;
        one?.control.callOff();
      },
      wake: () => undefined,
    });
    other?.post(attempt, step);
    one?.post(2, 1);
    expect(one?.wait(2, 1)).toBe(false);
    expect(slept).toBe(true);
  });

  it('ends at once when the pass was called off before', () => {
    const [one] = rig(TWO, 1);
    one?.post(1);
    one?.control.callOff();
    expect(one?.wait(1)).toBe(false);
  });

  it('wakes who sleeps, and nobody else', () => {
    const woken: number[] = [];
    const [one, other] = rig(TWO, 1, { wait: () => other?.post(1), wake: (index) => woken.push(index) });
    one?.post(1);
    expect(woken).toEqual([]);
    expect(one?.wait(1)).toBe(true);
    // The bell of the worker whose first shard is 4.
    expect(woken).toEqual([4 * 16]);
  });

  it('is ended for everybody by who calls off', () => {
    const woken: number[] = [];
    const [one] = rig(TWO, 1, { wait: stuck, wake: (index) => woken.push(index) });
    one?.rouse();
    expect(woken).toEqual(Array.from({ length: 8 }, (_, shard) => shard * 16));
  });

  it('is for those to whom shards are dealt', () => {
    const [one] = rig(TWO, 1);
    expect(() => one?.wait(1)).toThrow('would sleep');
    const { pass } = trainingPass({ batchCount: 32, totalShards: 8, firstShard: 0, endShard: 3 });
    const arena = Arena.create(4 * 65_536);
    const exchanges = one === undefined ? [] : [one.exchange];
    const futex = (): Futex => ({ wait: stuck, wake: () => undefined });
    const board = new ExchangeBoard({ arena, at: arena.allocateAligned(65_536), shards: 8, exchanges, futex });
    expect(() => board.root(0, pass, { workers: 2, attempt: 1 })).toThrow('not dealt to one of 2 workers');
  });
});
