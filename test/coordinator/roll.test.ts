import { describe, expect, it } from 'vitest';
import { Boards } from '../../coordinator/boards.js';
import { CooperationChoice } from '../../coordinator/cooperation.js';
import { HostMemory } from '../../coordinator/host-memory.js';
import { Roll } from '../../coordinator/roll.js';
import { dense, modelSpec } from '../support/model-spec.js';
import { tinyJob } from '../support/tiny-job.js';

const LINKS = ['a', 'b', 'c'].map((id) => ({ id, address: `${id}:1` }));
/** Enough for trials: star and mesh, two sizes of buckets each. */
const ELEMENTS = 2 ** 20;

function rig(collective: 'mesh' | null = 'mesh') {
  const cooperation = new CooperationChoice(
    { collective, bucketElements: collective === null ? null : 1000 },
    ELEMENTS,
  );
  const boards = new Boards(tinyJob(modelSpec(dense(3)), { shards: 8 }), [], null);
  return new Roll({ cooperation, memory: new HostMemory([]), boards });
}

describe('the roll', () => {
  it('is called once in an epoch', () => {
    const roll = rig();
    expect(roll.call(1, LINKS)).toEqual({
      type: 'roster',
      epoch: 1,
      collective: 'mesh',
      bucketElements: 1000,
      members: LINKS,
    });
    expect(roll.isStale).toBe(false);
    expect(roll.call(1, LINKS)).toBeNull();
    expect(roll.call(2, LINKS.slice(1))?.members).toEqual(LINKS.slice(1));
  });

  it('is called anew for a star when two workers cannot reach each other, once', () => {
    const roll = rig();
    roll.call(1, LINKS);
    expect(roll.keepApart()).toBe(true);
    expect(roll.isStale).toBe(true);
    expect(roll.call(2, LINKS)?.collective).toBe('star');
    expect(roll.keepApart()).toBe(false);
    expect(roll.isStale).toBe(false);
    expect(roll.observe(10)).toBeNull();
  });

  it('is called anew for each way of working together that is tried, and says why one stays', () => {
    const roll = rig(null);
    const seen = new Set<string>();
    let reason: string | null = null;
    for (let [step, epoch] = [0, 1]; step < 100 && reason === null; step += 1) {
      if (roll.isStale) epoch += 1;
      const roster = roll.call(epoch, LINKS);
      if (roster !== null) seen.add(`${roster.collective} ${roster.bucketElements}`);
      reason = roll.observe(10);
    }
    expect(seen.size).toBe(4);
    expect(reason).toContain('for 3 workers');
    expect(roll.isStale).toBe(true);
    expect(roll.call(9, LINKS)?.collective).toBe('star');
  });

  it('does not change for a board that is no longer used', () => {
    const roll = rig();
    roll.call(1, LINKS);
    expect(roll.withoutBoard(1)).toBe(false);
    expect(roll.isStale).toBe(false);
  });
});
