import { describe, expect, it } from 'vitest';
import { COORDINATOR } from '../../src/protocol/link.js';
import { gradient } from '../support/cluster-links.js';
import { fence, join, numbers, slowlyConnected, startCoordinator, welcomed } from '../support/sessions.js';

describe.skipIf(process.platform !== 'linux')('processes that share memory', () => {
  it('send there what a step waits for, past the control stream', async () => {
    const { worker, link, atCoordinator } = await slowlyConnected('shm');
    const evaluated = { type: 'evaluated', request: 1, shards: [] } as const;
    const nodes = [{ level: 1, index: 2, values: numbers(5) }];
    const exchange = { type: 'exchangeNodes', fence, exchange: 3, nodes } as const;
    const report = {
      type: 'stepReport',
      fence,
      shards: [],
      computeMs: 1,
      waitMs: 2,
      activeUnits: [],
      nonFiniteLayer: 3,
    } as const;
    for (const message of [evaluated, exchange, report]) worker.link.send(message);
    await atCoordinator.until(() => atCoordinator.messages.length === 3);
    expect(atCoordinator.messages).toEqual([exchange, report, evaluated]);

    const shutdown = { type: 'shutdown', reason: 'done', message: '' } as const;
    const result = { type: 'exchangeResult', fence, exchange: 3, values: numbers(5) } as const;
    for (const message of [shutdown, result]) link.send(message);
    await worker.side.until(() => worker.side.messages.length === 3);
    expect(worker.side.messages.slice(1)).toEqual([result, shutdown]);
  });

  it('plan there, and hear a plan after what was sent before it', async () => {
    const { worker, link } = await slowlyConnected('shm');
    const roster = { type: 'roster', epoch: 2, collective: 'star', bucketElements: 3, members: [] } as const;
    const plan = {
      type: 'plan',
      ahead: false,
      fence: { epoch: 2, step: 5, attempt: 1 },
      weightsVersion: 5,
      dataEpoch: 0,
      firstPosition: 0,
      batchCount: 4,
      firstShard: 0,
      endShard: 2,
      lossScale: 1,
    } as const;
    const next = { ...plan, fence: { ...plan.fence, step: 6 } };
    const result = { type: 'exchangeResult', fence, exchange: 3, values: numbers(5) } as const;
    link.send(roster);
    link.send(plan);
    link.send(result);
    await worker.side.until(() => worker.side.messages.length === 4);
    // The control stream is slow, and the roster comes by it.
    expect(worker.side.messages.slice(1)).toEqual([roster, plan, result]);
    link.send(next);
    await worker.side.until(() => worker.side.messages.length === 5);
    expect(worker.side.messages[4]).toEqual(next);
  });

  it('send what is too long for that by the control stream', async () => {
    const coordinator = await startCoordinator(null, 'shm');
    const worker = await welcomed(await join(coordinator.address));
    const [[link], [atCoordinator]] = [coordinator.links, coordinator.sides];
    if (link === undefined || atCoordinator === undefined) throw new RangeError('the worker was welcomed');
    link.openPieces(null, null);
    worker.link.sendPiece(COORDINATOR, gradient(numbers(3)));
    await atCoordinator.until(() => atCoordinator.pieces.length === 1);
    const nodes = [{ level: 0, index: 0, values: numbers(100_000) }];
    const exchange = { type: 'exchangeNodes', fence, exchange: 3, nodes } as const;
    worker.link.send(exchange);
    await atCoordinator.until(() => atCoordinator.messages.length === 1);
    expect(atCoordinator.messages).toEqual([exchange]);
  });
});
