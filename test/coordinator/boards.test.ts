import { describe, expect, it } from 'vitest';
import { Boards, type OfferedBoard } from '../../coordinator/boards.js';
import { LockstepError } from '../../src/common/errors.js';
import type { Job } from '../../src/job/job.js';
import type { Exchange } from '../../src/nn/layer.js';
import { tinyJob } from '../support/tiny-job.js';
import { dense, modelSpec } from '../support/model-spec.js';

const exchange: Exchange = {
  index: 0,
  layer: 1,
  merge: 'moments',
  width: 10,
  valuesPerSample: 1,
  slots: 0,
  result: 0,
  statistics: null,
};
/** Members that share memory, and one that does not. */
const gradients = { hostId: 'host', pid: 2, fd: 9, bytes: 4096, nonce: new Uint8Array(16) };
const MEMBERS = [{ gradients }, { gradients }];
const STRANGER = {};

interface Case {
  readonly exchanges?: readonly Exchange[];
  readonly shards?: number;
  readonly transport?: Job['cluster']['transport'];
}

function rig({ exchanges = [exchange], shards = 8, transport = 'auto' }: Case = {}) {
  const log: string[] = [];
  let made = 0;
  const make = (bytes: number): OfferedBoard => {
    made += 1;
    const fd = made;
    log.push(`make ${fd}`);
    return {
      offer: { hostId: 'host', pid: 1, fd, bytes, nonce: new Uint8Array(16) },
      seal: () => log.push(`seal ${fd}`),
    };
  };
  const job = tinyJob(modelSpec(dense(3)), { shards });
  const boards = new Boards({ ...job, cluster: { ...job.cluster, transport } }, exchanges, make);
  return { boards, log };
}

describe('who gets a board', () => {
  it('is two workers or more that share memory, in a job with exchanges', () => {
    expect(rig().boards.of(1, MEMBERS)?.bytes).toBe(65_536);
    expect(rig().boards.of(1, [{ gradients }])).toBeUndefined();
    expect(rig({ exchanges: [] }).boards.of(1, MEMBERS)).toBeUndefined();
    expect(rig({ exchanges: [{ ...exchange, result: null }] }).boards.of(1, MEMBERS)).toBeUndefined();
    expect(rig({ shards: 1 }).boards.of(1, MEMBERS)).toBeUndefined();
    expect(rig({ transport: 'grpc' }).boards.of(1, MEMBERS)).toBeUndefined();
  });

  it('is nobody while one of them does not share memory', () => {
    const { boards } = rig();
    expect(boards.of(1, [...MEMBERS, STRANGER])).toBeUndefined();
    expect(boards.isShared).toBe(false);
    expect(boards.of(2, MEMBERS)).toBeDefined();
    expect(boards.of(3, [STRANGER, STRANGER])).toBeUndefined();
  });

  it('is nobody where memory cannot be had', () => {
    const make = (): never => {
      throw new LockstepError('unavailable', 'none');
    };
    const boards = new Boards(tinyJob(modelSpec(dense(3)), { shards: 8 }), [exchange], make);
    expect(boards.of(1, MEMBERS)).toBeUndefined();
  });
});

describe('a board', () => {
  it('is of one epoch: the next one gets another, and the former is sealed', () => {
    const { boards, log } = rig();
    expect(boards.of(1, MEMBERS)?.fd).toBe(1);
    expect(boards.of(1, MEMBERS)?.fd).toBe(1);
    expect(boards.of(2, [...MEMBERS, { gradients }])?.fd).toBe(2);
    boards.close();
    expect(log).toEqual(['make 1', 'seal 1', 'make 2', 'seal 2']);
  });

  it('that a worker refuses is the last one', () => {
    const { boards, log } = rig();
    boards.of(4, MEMBERS);
    expect(boards.refuse(3)).toBe(false);
    expect(boards.isShared).toBe(true);
    expect(boards.refuse(4)).toBe(true);
    expect(boards.refuse(4)).toBe(false);
    expect(boards.of(4, MEMBERS)).toBeUndefined();
    expect(boards.of(5, MEMBERS)).toBeUndefined();
    expect(log).toEqual(['make 1', 'seal 1']);
  });
});
