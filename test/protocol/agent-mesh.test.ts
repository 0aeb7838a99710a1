import { describe, expect, it } from 'vitest';
import { COORDINATOR } from '../../src/protocol/link.js';
import type { Piece } from '../../src/protocol/piece.js';
import { HEALTHY, fence, plan, readyStage, result, roster } from '../support/cluster-agent.js';

describe('a membership epoch', () => {
  it('calls off the attempt under way, and opens the ways between the workers of a mesh', async () => {
    const stage = await readyStage();
    await stage.tell(plan(0));
    await stage.tell(roster('mesh'));
    await stage.tell(result(fence(0), 0), result(fence(0), 1));
    expect(stage.sent.slice(1)).toEqual([{ type: 'setPeers', peers: ['worker-8'] }]);
    await stage.tell(roster('star'));
    expect(stage.sent.at(-1)).toEqual({ type: 'setPeers', peers: [] });
  });
});

describe('a member of a mesh', () => {
  /** What the other worker sends. */
  const gradient = (values: readonly number[], rest: Partial<Piece> = {}): Piece => ({
    kind: 'gradient',
    fence: fence(0),
    node: { level: 1, index: 1 },
    start: 0,
    count: values.length,
    format: 'float32',
    bytes: new Uint8Array(Float32Array.from(values).buffer),
    ...rest,
  });

  it('sums the bucket that it owns, with what others send before and after its own part', async () => {
    const stage = await readyStage('mesh');
    const own = Float32Array.of(10, 20, 30, 40);
    stage.engine.pass = (_, port) => {
      for (const bucket of stage.engine.buckets) port.bucket(bucket, [{ level: 1, index: 0, values: own }]);
      return Promise.resolve();
    };
    stage.agent.piece(gradient([1, 2], { start: 0 }));
    await stage.tell(plan(0));
    expect(stage.types).toEqual(['stepReport']);
    stage.agent.piece(gradient([3, 4], { start: 2 }));
    const [sum] = stage.pieces('sum');
    expect(sum).toMatchObject({ to: COORDINATOR, piece: { fence: fence(0), start: 0, count: 4 } });
    expect(new Float32Array(sum?.piece.bytes.slice().buffer ?? new ArrayBuffer(0))).toEqual(
      Float32Array.of(11, 22, 33, 44),
    );
  });

  it('passes the new weights of its bucket on, as they come', async () => {
    const stage = await readyStage('mesh');
    await stage.part(1, 1, 8, 7);
    expect(stage.pieces('weights')).toMatchObject([
      { to: 'worker-8', piece: { fence: { step: 1 }, start: 1, count: 2 } },
    ]);
  });

  it('without shards of its own reports at once, and sums nevertheless', async () => {
    const stage = await readyStage('mesh');
    await stage.tell({ ...plan(0), firstShard: 0, endShard: 0 });
    expect(stage.sent).toEqual([
      { type: 'stepReport', fence: fence(0), shards: [], computeMs: 0, waitMs: 0, ...HEALTHY },
    ]);
    stage.agent.piece(gradient([1, 2, 3, 4], { node: { level: 2, index: 0 } }));
    expect(stage.pieces('sum')).toHaveLength(1);
  });

  it('tells the coordinator which worker it cannot reach, as long as it takes part', async () => {
    const stage = await readyStage('mesh');
    stage.agent.peerLost('worker-8', 'no route');
    expect(stage.sent).toEqual([{ type: 'peerLost', peer: 'worker-8', reason: 'no route' }]);
    await stage.tell({ type: 'shutdown', reason: 'done', message: '' });
    stage.agent.peerLost('worker-8', 'it closed the connection');
    expect(stage.sent).toHaveLength(1);
  });
});
