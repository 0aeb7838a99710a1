import { afterEach, describe, expect, it } from 'vitest';
import { LockstepError } from '../../src/common/errors.js';
import { formatAddress, type Address } from '../../src/rpc/address.js';
import { COORDINATOR } from '../../src/protocol/link.js';
import { CoordinatorServer } from '../../src/transport/coordinator-server.js';
import {
  HEARTBEAT_MS,
  RUN_ID,
  TestCoordinator,
  Transfers,
  assemble,
  gradient,
  model,
  startWorker,
  welcome,
  type TestWorker,
  type TestWorkerOptions,
} from '../support/cluster-links.js';
import { Network } from '../support/cluster-proxy.js';

const numbers = (length: number, from = 0) => new Float32Array(length).map((_, i) => i + from);
const fence = { epoch: 1, step: 2, attempt: 3 };
/** How much later messages of a slow connection come. */
const HELD_UP_MS = 400;

/** Closed after the test, the last one first. */
const closing: (() => unknown)[] = [];
afterEach(async () => {
  while (closing.length > 0) await closing.pop()?.();
});

async function startCoordinator(token: string | null = null, carrier?: 'shm'): Promise<TestCoordinator> {
  const coordinator = await TestCoordinator.start(token, carrier);
  closing.push(() => coordinator.server.close());
  return coordinator;
}

async function join(
  address: { readonly host: string; readonly port: number },
  options: TestWorkerOptions = {},
): Promise<TestWorker> {
  const worker = await startWorker(address, options);
  closing.push(() => worker.close());
  return worker;
}

async function welcomed(worker: TestWorker): Promise<TestWorker> {
  await worker.side.until(() => worker.side.messages.length > 0);
  return worker;
}

/** A worker from which pieces come and go, and whose messages are held up from now on. */
async function slowlyConnected(carrier?: 'shm') {
  const coordinator = await startCoordinator(null, carrier);
  const network = await Network.to(coordinator.address);
  const worker = await welcomed(await join(network.address));
  const [[link], [atCoordinator]] = [coordinator.links, coordinator.sides];
  if (link === undefined || atCoordinator === undefined) throw new RangeError('the worker was welcomed');
  network.slowDown(HELD_UP_MS);
  worker.link.openPieces(3, null);
  link.openPieces(null, null);
  link.sendPiece(model(1, numbers(3)));
  worker.link.sendPiece(COORDINATOR, gradient(numbers(3)));
  await worker.side.until(() => worker.side.pieces.length === 1);
  await atCoordinator.until(() => atCoordinator.pieces.length === 1);
  return { coordinator, worker, link, atCoordinator };
}

function cut(network: Network | null): void {
  network?.cut();
}

describe('a worker that knocks', () => {
  it('introduces itself and is told who it is', async () => {
    const coordinator = await startCoordinator();
    const worker = await welcomed(await join(coordinator.address));
    expect(coordinator.hellos).toMatchObject([
      { type: 'hello', version: '1', backend: 'reference', threads: 1, pid: 1 },
    ]);
    expect(worker.side.messages).toEqual([welcome('worker-1')]);
    await welcomed(await join(coordinator.address));
    expect(coordinator.links.map(({ id }) => id)).toEqual(['worker-1', 'worker-2']);
    expect(coordinator.server.connected).toBe(2);
  });

  it('hears why it is turned away', async () => {
    const coordinator = await startCoordinator();
    coordinator.refusal = 'it runs another version';
    const { side } = await join(coordinator.address);
    await side.until(() => side.losses.length > 0);
    expect(side.messages).toEqual([{ type: 'shutdown', reason: 'rejected', message: 'it runs another version' }]);
    expect(coordinator.server.connected).toBe(0);
  });

  it.each([
    ['a wrong token', 'wrong'],
    ['a token that begins like the right one', 'secre'],
    ['no token', null],
  ])('with %s is refused, and need not try again', async (_, token) => {
    const coordinator = await startCoordinator('secret');
    const { side } = await join(coordinator.address, { token });
    await side.until(() => side.losses.length > 0);
    expect(side.losses).toHaveLength(1);
    expect(side.losses[0]?.final).toBe(true);
    expect(side.losses[0]?.reason).toContain('LOCKSTEP_TOKEN');
    expect(coordinator.hellos).toEqual([]);
  });

  it('that wants another token than the coordinator has is lost when it is ready', async () => {
    const coordinator = await startCoordinator('secret');
    await welcomed(await join(coordinator.address, { token: 'secret', ownToken: 'other' }));
    const [link] = coordinator.links;
    const [side] = coordinator.sides;
    link?.openPieces(null, null);
    await side?.until(() => side.losses.length > 0);
    expect(side?.losses[0]).toContain('gradients cannot be pulled from 127.0.0.1:');
    expect(side?.losses[0]).toContain('LOCKSTEP_TOKEN');
  });

  it.each(['nowhere', '127.0.0.1:1'])('that says it listens on %s is lost when it is ready', async (address) => {
    const coordinator = await startCoordinator();
    const worker = await welcomed(await join(coordinator.address, { address: () => address }));
    const [link] = coordinator.links;
    const [side] = coordinator.sides;
    link?.openPieces(null, null);
    await side?.until(() => side.losses.length > 0);
    expect(side?.losses).toHaveLength(1);
    expect(side?.losses[0]).toContain(address);
    await worker.side.until(() => worker.side.losses.length > 0);
    expect(worker.side.losses[0]?.final).toBe(false);
  });

  it('and listens on every interface is dialled where it is seen', async () => {
    const coordinator = await startCoordinator();
    const worker = await join(coordinator.address, { address: () => '0.0.0.0:1' });
    await welcomed(worker);
    const [link] = coordinator.links;
    const [side] = coordinator.sides;
    link?.openPieces(null, null);
    await side?.until(() => side.losses.length > 0);
    expect(side?.losses[0]).toContain('127.0.0.1:1');
  });

  it('where no one listens hears that, and may try again', async () => {
    const { side } = await join({ host: '127.0.0.1', port: 1 });
    await side.until(() => side.losses.length > 0);
    expect(side.losses[0]?.final).toBe(false);
    expect(side.losses[0]?.reason).toContain('127.0.0.1:1');
  });
});

describe('tensors', () => {
  it('are counted on both sides', async () => {
    const coordinator = await startCoordinator();
    const worker = await welcomed(await join(coordinator.address));
    const [link] = coordinator.links;
    const [side] = coordinator.sides;
    worker.link.openPieces(100, null);
    link?.openPieces(null, null);
    link?.sendPiece(model(1, numbers(600_000)));
    worker.link.sendPiece(COORDINATOR, gradient(numbers(300_000)));
    await worker.side.until(() => worker.side.receivedBytes === 2_400_000);
    await side?.until(() => side.receivedBytes === 1_200_000);
    expect(coordinator.transfers).toMatchObject({ sentBytes: 2_400_000, receivedBytes: 1_200_000 });
    expect(worker.transfers).toMatchObject({ sentBytes: 1_200_000, receivedBytes: 2_400_000 });
    expect(assemble(worker.side.pieces)).toEqual(numbers(600_000));
  });

  it('for a coordinator that is gone are dropped, and the next one gets its own', async () => {
    const first = await startCoordinator();
    const worker = await welcomed(await join(first.address));
    worker.link.sendPiece(COORDINATOR, gradient(numbers(3)));
    await worker.link.close();
    worker.server.serveAs({ id: 'worker-1', runId: RUN_ID });
    worker.server.send(COORDINATOR, gradient(numbers(3), { fence: { ...fence, step: 9 } }));

    const second = await startCoordinator();
    const address = `127.0.0.1:${worker.server.address.port}`;
    await welcomed(await join(second.address, { address: () => address }));
    const [link] = second.links;
    const [side] = second.sides;
    link?.openPieces(null, null);
    await side?.until(() => side.pieces.length > 0);
    expect(side?.pieces.map((part) => part.fence.step)).toEqual([9]);
  });
});

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

describe('workers of a mesh', () => {
  async function mesh(): Promise<readonly [TestWorker, TestWorker]> {
    const coordinator = await startCoordinator('secret');
    const join2 = async (): Promise<TestWorker> => welcomed(await join(coordinator.address, { token: 'secret' }));
    return [await join2(), await join2()];
  }
  const memberOf = (id: string, { server }: TestWorker) => ({
    id,
    address: formatAddress(server.address),
    mapped: null,
  });

  it('send each other pieces, and to no one else', async () => {
    const [one, two] = await mesh();
    one.link.sendPiece('worker-2', gradient(numbers(300_000)));
    two.link.setPeers([memberOf('worker-1', one)]);
    one.link.setPeers([memberOf('worker-2', two)]);
    two.link.sendPiece('worker-1', model(4, numbers(5)));
    await two.side.until(() => two.side.receivedBytes === 1_200_000);
    await one.side.until(() => one.side.pieces.length === 1);
    expect(assemble(two.side.pieces)).toEqual(numbers(300_000));
    expect(one.side.pieces[0]?.fence.step).toBe(4);
    expect([one.side.peerLosses, two.side.peerLosses]).toEqual([[], []]);
  });

  it('no longer hear of those that have left the roster, and again of those that come back', async () => {
    const [one, two] = await mesh();
    one.link.setPeers([memberOf('worker-2', two)]);
    two.link.sendPiece('worker-1', model(1, numbers(5)));
    await one.side.until(() => one.side.pieces.length === 1);
    one.link.setPeers([]);
    one.link.setPeers([memberOf('worker-2', two)]);
    // What is sent meanwhile may be lost with the old connection; what is sent on the new one is not.
    let version = 1;
    while (one.side.pieces.length === 1) {
      two.link.sendPiece('worker-1', model((version += 1), numbers(5)));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(one.side.peerLosses).toEqual([]);
  });

  it('hear whom they cannot reach', async () => {
    const [one, two] = await mesh();
    one.link.setPeers([
      { id: 'worker-2', address: null, mapped: null },
      { id: 'worker-3', address: '127.0.0.1:1', mapped: null },
      { id: 'worker-4', address: formatAddress(two.server.address), mapped: null },
    ]);
    await one.side.until(() => one.side.peerLosses.length === 3);
    expect(one.side.peerLosses.map(({ peer }) => peer).toSorted()).toEqual(['worker-2', 'worker-3', 'worker-4']);
    expect(one.side.losses).toEqual([]);
  });

  it('hear of one that goes', async () => {
    const [one, two] = await mesh();
    one.link.setPeers([memberOf('worker-2', two)]);
    two.link.sendPiece('worker-1', model(1, numbers(5)));
    await one.side.until(() => one.side.pieces.length === 1);
    await two.close();
    await one.side.until(() => one.side.peerLosses.length === 1);
    expect(one.side.peerLosses[0]?.peer).toBe('worker-2');
    expect(one.side.losses).toEqual([]);
  });
});

describe('a connection that breaks', () => {
  it('is noticed on both sides', async () => {
    const coordinator = await startCoordinator();
    const network = await Network.to(coordinator.address);
    const { side } = await welcomed(await join(network.address));
    const [atCoordinator] = coordinator.sides;
    network.cut();
    await side.until(() => side.losses.length > 0);
    await atCoordinator?.until(() => atCoordinator.losses.length > 0);
    expect(side.losses).toHaveLength(1);
    expect(side.losses[0]?.final).toBe(false);
    expect(atCoordinator?.losses).toHaveLength(1);
    expect(coordinator.server.connected).toBe(0);
  });

  it('between the gradients alone costs the worker its place', async () => {
    const coordinator = await startCoordinator();
    let network: Network | null = null;
    const address = async (own: Address): Promise<string> => {
      network = await Network.to(own);
      return formatAddress(network.address);
    };
    const worker = await welcomed(await join(coordinator.address, { address }));
    const [link] = coordinator.links;
    const [side] = coordinator.sides;
    link?.openPieces(null, null);
    worker.link.sendPiece(COORDINATOR, gradient(numbers(3)));
    await side?.until(() => side.pieces.length > 0);
    cut(network);
    await side?.until(() => side.losses.length > 0);
    expect(side?.losses[0]).toContain('gradients cannot be pulled');
    await worker.side.until(() => worker.side.losses.length > 0);
    expect(worker.side.losses).toMatchObject([{ final: false }]);
  });

  it('in the middle of a model leaves the coordinator in order', async () => {
    const coordinator = await startCoordinator();
    const network = await Network.to(coordinator.address);
    const worker = await welcomed(await join(network.address));
    const [link] = coordinator.links;
    const [side] = coordinator.sides;
    worker.link.openPieces(100, null);
    link?.sendPiece(model(1, numbers(8_000_000)));
    await worker.side.until(() => worker.side.pieces.length > 0);
    network.cut();
    await side?.until(() => side.losses.length > 0);
    link?.sendPiece(model(2, numbers(3)));
    expect((await welcomed(await join(coordinator.address))).side.messages).toHaveLength(1);
  });

  it('because the worker leaves is no more than a loss', async () => {
    const coordinator = await startCoordinator();
    const worker = await welcomed(await join(coordinator.address));
    const [side] = coordinator.sides;
    await worker.link.close();
    await side?.until(() => side.losses.length > 0);
    expect(side?.losses).toEqual(['it closed the connection']);
    expect(worker.side.losses).toEqual([]);
  });

  // Pieces travel on connections of their own, and their end may be known before what was said last.
  describe('while messages are slower than pieces', () => {
    it('because the coordinator ends: its last words are heard first', async () => {
      const { coordinator, worker, link } = await slowlyConnected();
      link.send({ type: 'shutdown', reason: 'done', message: '' });
      const closed = coordinator.server.close();
      await worker.side.until(() => worker.side.losses.length > 0);
      expect(worker.side.messages.at(-1)).toEqual({ type: 'shutdown', reason: 'done', message: '' });
      expect(worker.side.losses).toHaveLength(1);
      await closed;
    });

    it('because the worker ends: its last words are heard first', async () => {
      const { worker, atCoordinator } = await slowlyConnected();
      worker.link.send({ type: 'failed', code: 'data', message: 'row 7 is gone' });
      const closed = worker.close();
      await atCoordinator.until(() => atCoordinator.losses.length > 0);
      expect(atCoordinator.messages.at(-1)).toEqual({ type: 'failed', code: 'data', message: 'row 7 is gone' });
      expect(atCoordinator.losses).toHaveLength(1);
      await closed;
    });
  });

  it('because the coordinator ends is heard after its last words', async () => {
    const coordinator = await startCoordinator();
    const { side } = await welcomed(await join(coordinator.address));
    const [link] = coordinator.links;
    link?.send({ type: 'shutdown', reason: 'done', message: '' });
    await coordinator.server.close();
    await side.until(() => side.losses.length > 0);
    expect(side.messages.at(-1)).toEqual({ type: 'shutdown', reason: 'done', message: '' });
    expect(side.losses).toEqual([{ reason: 'it closed the connection', final: false }]);
  });
});

describe('a port that is taken', () => {
  it('is reported with what to look for', async () => {
    const { address } = await startCoordinator();
    const start = CoordinatorServer.start({
      address,
      security: { token: null },
      heartbeatTimeoutMs: HEARTBEAT_MS,
      host: { runId: RUN_ID, hello: () => null },
      carrier: 'grpc',
      lanes: 1,
      transfers: new Transfers(),
    });
    await expect(start).rejects.toBeInstanceOf(LockstepError);
    await expect(start).rejects.toMatchObject({ code: 'unavailable' });
    await expect(start).rejects.toThrow(`cannot listen on 127.0.0.1:${address.port}`);
  });
});
