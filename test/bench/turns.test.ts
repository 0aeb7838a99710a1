import { describe, expect, it } from 'vitest';
import { takeTurns } from '../../src/bench/turns.js';

describe('turns', () => {
  const diary = (names: readonly string[]) => {
    const order: string[] = [];
    const contestants = names.map((name) => () => {
      order.push(name);
      return `${name}${order.length}`;
    });
    return { order, contestants };
  };

  it('give everybody one turn in a round, and begin each round with another', async () => {
    const { order, contestants } = diary(['a', 'b', 'c']);
    const results = await takeTurns(contestants, { rounds: 3 });
    expect(order.join('')).toBe('abcbcacab');
    expect(results).toEqual([
      ['a1', 'a6', 'a8'],
      ['b2', 'b4', 'b9'],
      ['c3', 'c5', 'c7'],
    ]);
  });

  it('never overlap', async () => {
    let running = 0;
    const contestant = async (): Promise<number> => {
      running += 1;
      await new Promise((resolve) => setImmediate(resolve));
      return running--;
    };
    expect(await takeTurns([contestant, contestant], { rounds: 4 })).toEqual([
      [1, 1, 1, 1],
      [1, 1, 1, 1],
    ]);
  });

  it('can be sat out', async () => {
    const { contestants } = diary(['a', 'b']);
    const takesPart = (index: number, round: number): boolean => index === 0 || round === 1;
    const [a, b] = await takeTurns(contestants, { rounds: 3, takesPart });
    expect(a).not.toContain(null);
    expect(b?.map((result) => result !== null)).toEqual([false, true, false]);
  });

  it('end when the time is up, but not before everybody had one', async () => {
    const { contestants } = diary(['a', 'b']);
    const results = await takeTurns(contestants, { rounds: 100, budgetMs: -1 });
    expect(results.map(({ length }) => length)).toEqual([1, 1]);
  });
});
