import { describe, expect, it } from 'vitest';
import { LockstepError } from '../../src/common/errors.js';
import { formatAddress, type Address } from '../../src/rpc/address.js';
import { COORDINATOR } from '../../src/protocol/link.js';
import { CoordinatorServer } from '../../src/transport/coordinator-server.js';
import { HEARTBEAT_MS, RUN_ID, Transfers, assemble, gradient, model, welcome } from '../support/cluster-links.js';
import { fence, join, numbers, slowlyConnected, startCoordinator, welcomed } from '../support/sessions.js';
import { Network } from '../support/cluster-proxy.js';

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
