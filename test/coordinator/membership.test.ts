import { describe, expect, it } from 'vitest';
import { Membership } from '../../coordinator/membership.js';

function withReady(...ids: readonly string[]): Membership {
  const membership = new Membership();
  for (const id of ids) {
    membership.join(id, `host-${id}`);
    membership.markReady(id);
  }
  return membership;
}

const ids = (members: readonly { readonly id: string }[]): string[] => members.map(({ id }) => id);

describe('membership', () => {
  it('begins with epoch 0 and nobody', () => {
    const membership = new Membership();
    expect([membership.epoch, membership.lostCount, membership.ready, membership.joining]).toEqual([0, 0, [], []]);
  });

  it('begins a new epoch when a worker is ready, not when it joins', () => {
    const membership = new Membership();
    membership.join('a', 'node-1');
    expect(membership.epoch).toBe(0);
    expect(ids(membership.joining)).toEqual(['a']);
    expect(membership.markReady('a')).toEqual({ epoch: 1, reason: 'a on node-1 is ready' });
    expect(membership.epoch).toBe(1);
    expect(ids(membership.joining)).toEqual([]);
    expect(membership.ready).toEqual([{ id: 'a', host: 'node-1', state: 'ready' }]);
  });

  it('hears only the first time that a worker is ready, and nothing of strangers', () => {
    const membership = withReady('a');
    expect(membership.markReady('a')).toBeNull();
    expect(membership.markReady('stranger')).toBeNull();
    expect(membership.remove('stranger', 'gone')).toBeNull();
    expect([membership.epoch, membership.lostCount]).toEqual([1, 0]);
  });

  it('ranks workers by the order in which they joined, whichever was ready first', () => {
    const membership = new Membership();
    for (const id of ['a', 'b', 'c']) membership.join(id, 'host');
    for (const id of ['c', 'a', 'b']) membership.markReady(id);
    expect(ids(membership.ready)).toEqual(['a', 'b', 'c']);
  });

  it('closes the ranks when a worker is lost; one that comes back comes last', () => {
    const membership = withReady('a', 'b', 'c');
    expect(membership.remove('a', 'the connection broke')).toEqual({
      epoch: 4,
      reason: 'a on host-a was lost: the connection broke',
    });
    expect(ids(membership.ready)).toEqual(['b', 'c']);
    membership.join('a', 'host-a');
    membership.markReady('a');
    expect(ids(membership.ready)).toEqual(['b', 'c', 'a']);
    expect([membership.epoch, membership.lostCount]).toEqual([5, 1]);
  });

  it('begins a new epoch with the same workers', () => {
    const membership = withReady('a', 'b');
    membership.renew();
    expect([membership.epoch, ids(membership.ready)]).toEqual([3, ['a', 'b']]);
  });

  it('keeps its epoch when a worker is lost that was never ready', () => {
    const membership = withReady('a');
    membership.join('b', 'host');
    expect(membership.remove('b', 'gone')).toBeNull();
    expect([membership.epoch, membership.lostCount]).toEqual([1, 1]);
  });
});
