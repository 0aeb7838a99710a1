/** Coordinators and workers that are connected for a test, and closed after it. */
import { afterEach } from 'vitest';
import { COORDINATOR } from '../../src/protocol/link.js';
import {
  TestCoordinator,
  gradient,
  model,
  startWorker,
  type TestWorker,
  type TestWorkerOptions,
} from './cluster-links.js';
import { Network } from './cluster-proxy.js';

export const numbers = (length: number, from = 0) => new Float32Array(length).map((_, i) => i + from);
export const fence = { epoch: 1, step: 2, attempt: 3 };

/** Closed after the test, the last one first. */
const closing: (() => unknown)[] = [];
afterEach(async () => {
  while (closing.length > 0) await closing.pop()?.();
});

export async function startCoordinator(token: string | null = null, carrier?: 'shm'): Promise<TestCoordinator> {
  const coordinator = await TestCoordinator.start(token, carrier);
  closing.push(() => coordinator.server.close());
  return coordinator;
}

export async function join(
  address: { readonly host: string; readonly port: number },
  options: TestWorkerOptions = {},
): Promise<TestWorker> {
  const worker = await startWorker(address, options);
  closing.push(() => worker.close());
  return worker;
}

export async function welcomed(worker: TestWorker): Promise<TestWorker> {
  await worker.side.until(() => worker.side.messages.length > 0);
  return worker;
}

/** How much later messages of a slow connection come. */
const HELD_UP_MS = 400;

/** A worker from which pieces come and go, and whose messages are held up from now on. */
export async function slowlyConnected(carrier?: 'shm') {
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
