import { describe, expect, it } from 'vitest';
import type { OfferedBoard } from '../../coordinator/boards.js';
import type { Roster } from '../../src/protocol/messages.js';
import { TestCluster } from '../support/cluster.js';

const makeBoard = (bytes: number): OfferedBoard => ({
  offer: { hostId: 'host', pid: 1, fd: 1, bytes, nonce: new Uint8Array(16) },
  seal: () => undefined,
});

describe('workers that are offered a board and cannot use it', () => {
  it('train without: the coordinator answers their exchanges, to the same bits', async () => {
    const without = new TestCluster();
    await without.run('a', 'b');
    const cluster = new TestCluster({ makeBoard });
    await cluster.run('a', 'b');
    expect(cluster.weightsSha256).toBe(without.weightsSha256);
    const rosters = cluster.sent.flatMap(({ worker, message }): Roster[] =>
      worker === 'a' && message.type === 'roster' ? [message] : [],
    );
    expect(rosters.map(({ board }) => board !== undefined)).toEqual([true, false]);
    expect(cluster.observer.boards).toEqual([2]);
    // Once is enough, whoever says it first.
    expect(cluster.observer.refusals).toHaveLength(1);
    expect(cluster.observer.refusals[0]).toContain('no board is used here');
    expect(without.observer.boards).toEqual([]);
  });
});
