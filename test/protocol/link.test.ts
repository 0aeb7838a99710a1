import { afterEach, describe, expect, it } from 'vitest';
import type { CoordinatorMessage, WorkerMessage } from '../../src/protocol/messages.js';
import { settled } from '../support/cluster.js';
import { assemble, grpcPair, localPair, type Pair } from '../support/cluster-links.js';

/** More than three chunks, and no whole number of them. */
const LARGE = 900_001;
const fence = { epoch: 1, step: 2, attempt: 3 };
const numbers = (length: number, from = 0) => new Float32Array(length).map((_, i) => i + from);

const evaluate = (request: number): CoordinatorMessage => ({
  type: 'evaluate',
  request,
  weightsVersion: 1,
  split: 'dev',
  firstShard: 0,
  endShard: 1,
});
const evaluated = (request: number): WorkerMessage => ({ type: 'evaluated', request, shards: [] });

let pair: Pair;
afterEach(() => pair.close());

describe.each([
  ['within the process', localPair],
  ['over gRPC', grpcPair],
  ['over gRPC with a token', () => grpcPair('secret')],
])('a connection %s', (_, connect) => {
  it('delivers the messages of the coordinator in order', async () => {
    pair = await connect();
    const { workerLink, atWorker } = pair;
    const messages = Array.from({ length: 50 }, (_, i) => evaluate(i));
    for (const message of messages) workerLink.send(message);
    await atWorker.until(() => atWorker.messages.length === messages.length);
    expect(atWorker.messages).toEqual(messages);
  });

  it('delivers the messages of the worker in order', async () => {
    pair = await connect();
    const { coordinatorLink, atCoordinator } = pair;
    const messages = Array.from({ length: 50 }, (_, i) => evaluated(i));
    for (const message of messages) coordinatorLink.send(message);
    await atCoordinator.until(() => atCoordinator.messages.length === messages.length);
    expect(atCoordinator.messages).toEqual(messages);
  });

  it('calls no one back within their own call', async () => {
    pair = await connect();
    const { workerLink, coordinatorLink, atWorker, atCoordinator } = pair;
    workerLink.send(evaluate(1));
    coordinatorLink.send(evaluated(1));
    coordinatorLink.sendGradients(fence, [{ level: 0, index: 0, values: numbers(3) }]);
    expect([atWorker.messages, atCoordinator.messages, atCoordinator.parts]).toEqual([[], [], []]);
    await atWorker.until(() => atWorker.messages.length === 1);
    await atCoordinator.until(() => atCoordinator.messages.length === 1);
  });

  it('carries a large exchange in one message', async () => {
    pair = await connect();
    const { workerLink, atWorker } = pair;
    const message = { type: 'exchangeResult', fence, exchange: 1, values: numbers(2_000_000) } as const;
    workerLink.send(message);
    await atWorker.until(() => atWorker.messages.length === 1);
    const [arrived] = atWorker.messages;
    expect(
      arrived?.type === 'exchangeResult' &&
        Buffer.from(arrived.values.buffer).equals(Buffer.from(message.values.buffer)),
    ).toBe(true);
  });

  it('hands over a model in parts that end with the last', async () => {
    pair = await connect();
    const { workerLink, coordinatorLink, atWorker } = pair;
    coordinatorLink.openModels();
    const vector = numbers(LARGE);
    workerLink.sendModel({ version: 7, vector });
    await atWorker.until(() => atWorker.versions.length === 1);
    expect(atWorker.versions).toEqual([7]);
    expect(atWorker.parts.slice(0, -1).every(({ last }) => !last)).toBe(true);
    const arrived = assemble(atWorker.parts);
    expect(Buffer.from(arrived.buffer).equals(Buffer.from(vector.buffer))).toBe(true);
  });

  it('says how long it still reads a model that was handed over', async () => {
    pair = await connect();
    const { workerLink, coordinatorLink, atWorker } = pair;
    workerLink.sendModel({ version: 0, vector: numbers(3) });
    coordinatorLink.openModels();
    await atWorker.until(() => atWorker.versions.length === 1);
    while (workerLink.sending) await settled();
    const vector = numbers(LARGE);
    workerLink.sendModel({ version: 1, vector });
    expect(workerLink.sending).toBe(true);
    while (workerLink.sending) await settled();
    // From here on the vector may be used for something else.
    vector.fill(0);
    await atWorker.until(() => atWorker.versions.length === 2);
    const arrived = assemble(atWorker.parts.filter(({ version }) => version === 1));
    expect(Buffer.from(arrived.buffer).equals(Buffer.from(numbers(LARGE).buffer))).toBe(true);
  });

  it('keeps a model until there is room for it, and only the newest', async () => {
    pair = await connect();
    const { workerLink, coordinatorLink, atWorker } = pair;
    for (const version of [1, 2, 3]) workerLink.sendModel({ version, vector: numbers(10, version) });
    coordinatorLink.openModels();
    await atWorker.until(() => atWorker.versions.length === 1);
    expect(atWorker.versions).toEqual([3]);
    expect(assemble(atWorker.parts)).toEqual(numbers(10, 3));
    workerLink.sendModel({ version: 4, vector: numbers(10, 4) });
    await atWorker.until(() => atWorker.versions.length === 2);
    expect(atWorker.versions).toEqual([3, 4]);
  });

  it('ships gradients under the fence and node that they belong to', async () => {
    pair = await connect();
    const { workerLink, coordinatorLink, atCoordinator } = pair;
    workerLink.openGradients();
    const nodes = [
      { level: 1, index: 1, values: numbers(LARGE) },
      { level: 0, index: 4, values: numbers(LARGE, 5) },
    ];
    coordinatorLink.sendGradients(fence, nodes);
    await atCoordinator.until(() => atCoordinator.receivedBytes === 2 * 4 * LARGE);
    for (const { level, index, values } of nodes) {
      const parts = atCoordinator.parts.filter(({ node }) => node.level === level && node.index === index);
      expect(parts.every((part) => part.fence.attempt === 3)).toBe(true);
      expect(Buffer.from(assemble(parts).buffer).equals(Buffer.from(values.buffer))).toBe(true);
    }
  });

  it('delivers gradients that were there before the coordinator asked for them', async () => {
    pair = await connect();
    const { workerLink, coordinatorLink, atCoordinator } = pair;
    for (const step of [2, 3])
      coordinatorLink.sendGradients({ ...fence, step }, [{ level: 0, index: 0, values: numbers(4, step) }]);
    workerLink.openGradients();
    await atCoordinator.until(() => atCoordinator.parts.length === 2);
    expect(atCoordinator.parts.map((part) => part.fence.step)).toEqual([2, 3]);
  });

  it('that the coordinator has closed brings the worker nothing more', async () => {
    pair = await connect();
    const { workerLink, coordinatorLink, atWorker } = pair;
    coordinatorLink.openModels();
    workerLink.close();
    workerLink.send(evaluate(1));
    workerLink.sendModel({ version: 1, vector: numbers(3) });
    // A second connection that works shows that enough time has passed.
    const other = await grpcPair();
    await other.close();
    expect([atWorker.messages, atWorker.parts]).toEqual([[], []]);
  });
});
