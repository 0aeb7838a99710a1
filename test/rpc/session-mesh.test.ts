import { describe, expect, it } from 'vitest';
import { formatAddress } from '../../src/rpc/address.js';
import { assemble, gradient, model, type TestWorker } from '../support/cluster-links.js';
import { join, numbers, startCoordinator, welcomed } from '../support/sessions.js';

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
