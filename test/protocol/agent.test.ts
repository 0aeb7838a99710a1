import { describe, expect, it } from 'vitest';
import { LockstepError } from '../../src/common/errors.js';
import { COORDINATOR } from '../../src/protocol/link.js';
import {
  HEALTHY,
  NODES,
  SHARDS,
  Stage,
  WELCOME,
  evaluate,
  fence,
  plan,
  readyStage,
  result,
} from '../support/cluster-agent.js';
import { settled } from '../support/cluster.js';
import { scored } from '../support/scored.js';

describe('an agent that is welcomed', () => {
  it('starts its engine, makes room for pieces, and says that it is ready', async () => {
    const stage = new Stage();
    await stage.tell(WELCOME);
    expect(stage.sent).toEqual([{ type: 'openPieces' }, { type: 'ready', dataFingerprint: 'abc' }]);
    expect(stage.observed).toEqual(['ready worker-7']);
  });

  it('reports why its engine does not start', async () => {
    const stage = new Stage(() => Promise.reject(new LockstepError('data', 'images.idx is cut off')));
    await stage.tell(WELCOME);
    expect(stage.sent).toEqual([{ type: 'failed', code: 'data', message: 'images.idx is cut off' }]);
    expect(await stage.agent.ended).toMatchObject({ reason: 'broken', message: 'images.idx is cut off' });
  });

  it('is not ready when the coordinator has gone before its engine has started', async () => {
    let start: () => void = () => undefined;
    const stage: Stage = new Stage(() => new Promise((resolve) => (start = () => resolve(stage.engine))));
    await stage.tell(WELCOME);
    stage.agent.lost('the connection broke', false);
    start();
    await settled();
    expect(stage.sent).toEqual([]);
    expect(stage.observed).toEqual([]);
    await stage.agent.close();
    expect(stage.engine.diary).toEqual(['closed']);
  });

  it('ignores models that come before there is room for them', async () => {
    const stage = new Stage(() => new Promise(() => undefined));
    await stage.tell(WELCOME);
    await stage.weights(0, 1, 2, 3, 4);
    expect(stage.sent).toEqual([]);
  });
});

describe('a step', () => {
  it('is computed, exchanged, reported and shipped', async () => {
    const stage = await readyStage();
    await stage.tell(plan(0));
    expect(stage.sent).toEqual([{ type: 'exchangeNodes', fence: fence(0), exchange: 0, nodes: NODES }]);
    await stage.tell(result(fence(0), 0, 5, 6));
    await stage.tell(result(fence(0), 1, 7, 8));
    expect(stage.types).toEqual(['exchangeNodes', 'exchangeNodes', 'piece', 'stepReport']);
    expect(stage.pieces('gradient')).toMatchObject([
      { to: COORDINATOR, piece: { fence: fence(0), node: { level: 2, index: 0 }, start: 0, count: 4 } },
    ]);
    expect(stage.sent[3]).toEqual({
      type: 'stepReport',
      fence: fence(0),
      shards: SHARDS,
      computeMs: 3,
      waitMs: 1,
      ...HEALTHY,
    });
    expect(stage.engine.diary).toEqual([
      'train step 0 attempt 1 with 1 2 3 4',
      'step 0 attempt 1 got 5 6',
      'step 0 attempt 1 got 7 8',
    ]);
    expect(stage.observed).toEqual(['ready worker-7', 'step 0 in 3 ms']);
  });

  it('waits until its model has arrived, to the last part', async () => {
    const stage = await readyStage();
    await stage.tell(plan(1));
    await stage.part(1, 0, 9, 8, 7);
    expect(stage.engine.diary).toEqual([]);
    await stage.part(1, 3, 6);
    expect(stage.engine.diary).toEqual(['train step 1 attempt 1 with 9 8 7 6']);
  });

  it('does not begin with a model of which a part is there', async () => {
    const stage = await readyStage();
    await stage.part(1, 2, 7, 6);
    await stage.tell(plan(1));
    expect(stage.engine.diary).toEqual([]);
    await stage.part(1, 0, 9, 8);
    expect(stage.engine.diary[0]).toBe('train step 1 attempt 1 with 9 8 7 6');
  });

  it('that begins again needs no new model', async () => {
    const stage = await readyStage();
    await stage.tell(plan(0), plan(0, 2));
    expect(stage.engine.diary).toEqual(['train step 0 attempt 2 with 1 2 3 4']);
  });

  it('receives the next model while it is computed', async () => {
    const stage = await readyStage();
    await stage.tell(plan(0));
    await stage.weights(1, 5, 5, 5, 5);
    expect(stage.engine.vectors.map((vector) => vector.join(' ')).toSorted()).toEqual(['1 2 3 4', '5 5 5 5']);
    await stage.tell(result(fence(0), 0), result(fence(0), 1), plan(1));
    expect(stage.engine.diary.at(-1)).toBe('train step 1 attempt 1 with 5 5 5 5');
  });

  it('posts what it does not wait for', async () => {
    const stage = await readyStage();
    stage.engine.pass = (_, port) => {
      port.post(3, NODES);
      return Promise.resolve();
    };
    await stage.tell(plan(0));
    expect(stage.sent[0]).toEqual({ type: 'exchangeNodes', fence: fence(0), exchange: 3, nodes: NODES });
    expect(stage.types).toEqual(['exchangeNodes', 'stepReport']);
  });
});

describe('a new plan', () => {
  it('calls off the attempt that waits for an exchange', async () => {
    const stage = await readyStage();
    await stage.tell(plan(0));
    await stage.tell(plan(0, 2));
    expect(stage.engine.diary.slice(-2)).toEqual([
      'train step 0 attempt 1 with 1 2 3 4',
      'train step 0 attempt 2 with 1 2 3 4',
    ]);
    await stage.tell(result(fence(0, 1), 0));
    expect(stage.types).toEqual(['exchangeNodes', 'exchangeNodes']);
    await stage.tell(result(fence(0, 2), 0));
    await stage.tell(result(fence(0, 2), 1));
    expect(stage.types).toEqual(['exchangeNodes', 'exchangeNodes', 'exchangeNodes', 'piece', 'stepReport']);
    expect(stage.pieces('gradient')).toMatchObject([{ piece: { fence: fence(0, 2) } }]);
  });

  it('calls off the attempt that waits for its model', async () => {
    const stage = await readyStage();
    await stage.tell(plan(1));
    await stage.tell(plan(2));
    await stage.weights(2, 2, 2, 2, 2);
    expect(stage.engine.diary).toEqual(['train step 2 attempt 1 with 2 2 2 2']);
  });

  it('during the computation: its result is not reported, and it exchanges nothing more', async () => {
    const stage = await readyStage();
    let finish: () => void = () => undefined;
    stage.engine.pass = () => new Promise((resolve) => (finish = resolve));
    await stage.tell(plan(0));
    stage.engine.pass = null;
    await stage.tell(plan(0, 2));
    // One thing at a time: the pass under way ends before the next begins.
    expect(stage.engine.diary).toEqual(['train step 0 attempt 1 with 1 2 3 4']);
    finish();
    await settled();
    expect(stage.engine.diary.at(-1)).toBe('train step 0 attempt 2 with 1 2 3 4');
    expect(stage.types).toEqual(['exchangeNodes']);
    expect(stage.observed).toEqual(['ready worker-7']);
  });

  it.each(['post', 'exchange'] as const)(
    'makes a later %s of the old attempt fail, which is no error',
    async (kind) => {
      const stage = await readyStage();
      let go: () => void = () => undefined;
      stage.engine.pass = async (_, port) => {
        await new Promise<void>((resolve) => (go = resolve));
        await port[kind](0, NODES);
      };
      await stage.tell(plan(0));
      stage.engine.pass = () => Promise.resolve();
      await stage.tell(plan(0, 2));
      go();
      await settled();
      expect(stage.types).toEqual(['stepReport']);
      expect(stage.sent[0]).toMatchObject({ fence: fence(0, 2) });
    },
  );
});

describe('the answer to an exchange', () => {
  it.each([
    ['an old attempt', result(fence(0, 1), 0, 1)],
    ['another step', result(fence(3, 2), 0, 1)],
    ['another epoch', result({ ...fence(0, 2), epoch: 9 }, 0, 1)],
    ['another exchange', result(fence(0, 2), 1, 1)],
  ])('of %s is dropped', async (_, stale) => {
    const stage = await readyStage();
    await stage.tell(plan(0, 2), stale);
    expect(stage.types).toEqual(['exchangeNodes']);
    await stage.tell(result(fence(0, 2), 0, 42));
    expect(stage.engine.diary.at(-1)).toBe('step 0 attempt 2 got 42');
  });
});

describe('an evaluation', () => {
  it('is answered with the request’s number, at the model that is wanted', async () => {
    const stage = await readyStage();
    await stage.tell(evaluate(1, 6));
    expect(stage.sent).toEqual([]);
    await stage.weights(1, 4, 3, 2, 1);
    expect(stage.engine.diary).toEqual(['evaluate dev 2–5 with 4 3 2 1']);
    expect(stage.sent).toEqual([{ type: 'evaluated', request: 6, shards: SHARDS.map(scored) }]);
  });

  it('answers one request after the other', async () => {
    const stage = await readyStage();
    await stage.tell(evaluate(0, 1), evaluate(0, 2));
    expect(stage.sent).toMatchObject([{ request: 1 }, { request: 2 }]);
  });

  it('calls off an attempt that no one will answer any more', async () => {
    const stage = await readyStage();
    await stage.tell(plan(0));
    await stage.weights(1, 1, 1, 1, 1);
    await stage.tell(evaluate(1));
    expect(stage.types).toEqual(['exchangeNodes', 'evaluated']);
  });

  it('is called off by a plan: others have answered, and its model may never come', async () => {
    const stage = await readyStage();
    await stage.tell(evaluate(1));
    await stage.weights(2, 2, 2, 2, 2);
    await stage.tell(plan(2));
    expect(stage.engine.diary).toEqual(['train step 2 attempt 1 with 2 2 2 2']);
  });
});

describe('an agent’s part ends', () => {
  it.each(['done', 'stopped', 'failed', 'rejected'] as const)('when the coordinator says so: %s', async (reason) => {
    const stage = await readyStage();
    await stage.tell(plan(0), { type: 'shutdown', reason, message: 'because' });
    expect(await stage.agent.ended).toEqual({ reason, message: 'because' });
    await stage.agent.close();
    expect(stage.engine.diary.at(-1)).toBe('closed');
    expect(stage.types).not.toContain('failed');
  });

  it.each([true, false])('when the connection is lost (final: %s)', async (final) => {
    const stage = await readyStage();
    await stage.tell(plan(0));
    stage.agent.lost('broken', final);
    expect(await stage.agent.ended).toEqual({ reason: 'lost', message: 'broken', final });
    await stage.agent.close();
    expect(stage.types).toEqual(['exchangeNodes']);
  });

  it('and stays ended the way it did', async () => {
    const stage = await readyStage();
    await stage.tell({ type: 'shutdown', reason: 'done', message: '' });
    stage.agent.lost('it closed the connection', false);
    expect(await stage.agent.ended).toMatchObject({ reason: 'done' });
  });

  it('when its engine fails in a step', async () => {
    const stage = await readyStage();
    stage.engine.pass = () => Promise.reject(new Error('a compute thread ended'));
    await stage.tell(plan(0));
    expect(stage.sent).toEqual([{ type: 'failed', code: 'internal', message: 'a compute thread ended' }]);
    expect(await stage.agent.ended).toMatchObject({ reason: 'broken', message: 'a compute thread ended' });
  });

  it('when it is planned for before it is ready', async () => {
    const stage = new Stage();
    await stage.tell(plan(0));
    expect(stage.types).toEqual(['failed']);
  });

  it('in the middle of a pass, which is not reported', async () => {
    const stage = await readyStage();
    let finish: () => void = () => undefined;
    stage.engine.pass = () => new Promise((resolve) => (finish = resolve));
    await stage.tell(plan(0), { type: 'shutdown', reason: 'stopped', message: '' });
    const closed = stage.agent.close();
    expect(stage.engine.diary).not.toContain('closed');
    finish();
    await closed;
    expect(stage.engine.diary.at(-1)).toBe('closed');
    expect(stage.sent).toEqual([]);
  });
});
