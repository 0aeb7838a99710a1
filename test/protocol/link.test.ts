import { afterEach, describe, expect, it } from 'vitest';
import type { CoordinatorMessage, WorkerMessage } from '../../src/protocol/messages.js';
import { settled } from '../support/cluster.js';
import { COORDINATOR } from '../../src/protocol/link.js';
import { assemble, gradient, grpcPair, localPair, model, type Pair } from '../support/cluster-links.js';

/** More than three chunks, and no whole number of them. */
const LARGE = 900_001;
const fence = { epoch: 1, step: 2, attempt: 3 };
const numbers = (length: number, from = 0) => new Float32Array(length).map((_, i) => i + from);

const evaluate = (request: number): CoordinatorMessage => ({
  type: 'evaluate',
  request,
  weightsVersion: 1,
  split: 'dev',
  mistakes: 0,
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
    coordinatorLink.openPieces(100, null);
    workerLink.openPieces(null, null);
    workerLink.sendPiece(model(1, numbers(3)));
    coordinatorLink.sendPiece(COORDINATOR, gradient(numbers(3)));
    expect([atWorker.messages, atCoordinator.messages]).toEqual([[], []]);
    expect([atWorker.pieces, atCoordinator.pieces]).toEqual([[], []]);
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

  it('hands over a model, in however many pieces', async () => {
    pair = await connect();
    const { workerLink, coordinatorLink, atWorker } = pair;
    coordinatorLink.openPieces(100, null);
    const vector = numbers(LARGE);
    workerLink.sendPiece(model(7, vector));
    await atWorker.until(() => atWorker.receivedBytes === vector.byteLength);
    expect(atWorker.pieces.every(({ kind, fence: { step } }) => kind === 'weights' && step === 7)).toBe(true);
    expect(sameBytes(assemble(atWorker.pieces), vector)).toBe(true);
  });

  it('says how long it still reads a piece that was handed over', async () => {
    pair = await connect();
    const { workerLink, coordinatorLink, atWorker } = pair;
    workerLink.sendPiece(model(0, numbers(3)));
    coordinatorLink.openPieces(100, null);
    await atWorker.until(() => atWorker.receivedBytes === 12);
    while (workerLink.sending) await settled();
    const vector = numbers(LARGE);
    workerLink.sendPiece(model(1, vector));
    expect(workerLink.sending).toBe(true);
    while (workerLink.sending) await settled();
    // From here on the vector may be used for something else.
    vector.fill(0);
    await atWorker.until(() => atWorker.receivedBytes === 12 + vector.byteLength);
    const arrived = assemble(atWorker.pieces.filter(({ fence: { step } }) => step === 1));
    expect(sameBytes(arrived, numbers(LARGE))).toBe(true);
  });

  it('keeps pieces until there is room for them, and their order', async () => {
    pair = await connect();
    const { workerLink, coordinatorLink, atWorker } = pair;
    for (const version of [1, 2, 3]) workerLink.sendPiece(model(version, numbers(10, version)));
    coordinatorLink.openPieces(100, null);
    await atWorker.until(() => atWorker.pieces.length === 3);
    workerLink.sendPiece(model(4, numbers(10, 4)));
    await atWorker.until(() => atWorker.pieces.length === 4);
    expect(atWorker.pieces.map((piece) => [piece.fence.step, assemble([piece])])).toEqual(
      [1, 2, 3, 4].map((version) => [version, numbers(10, version)]),
    );
  });

  it('ships gradients under the fence, node and place that they belong to', async () => {
    pair = await connect();
    const { workerLink, coordinatorLink, atCoordinator } = pair;
    workerLink.openPieces(null, null);
    const sums = [
      gradient(numbers(LARGE), { node: { level: 1, index: 1 } }),
      gradient(numbers(LARGE, 5), { node: { level: 0, index: 4 } }),
      gradient(numbers(6, 8), { kind: 'sum', start: 1_000 }),
    ];
    for (const sum of sums) coordinatorLink.sendPiece(COORDINATOR, sum);
    await atCoordinator.until(() => atCoordinator.receivedBytes === 4 * (2 * LARGE + 6));
    expect(atCoordinator.pieces.every((piece) => piece.fence.attempt === 3)).toBe(true);
    for (const { kind, node, start, bytes } of sums) {
      const pieces = atCoordinator.pieces.filter(
        (piece) => piece.kind === kind && piece.node.level === node.level && piece.node.index === node.index,
      );
      const values = assemble(pieces).subarray(start);
      expect(Buffer.from(values.buffer, values.byteOffset, values.byteLength).equals(bytes)).toBe(true);
    }
  });

  it('delivers gradients that were there before the coordinator asked for them', async () => {
    pair = await connect();
    const { workerLink, coordinatorLink, atCoordinator } = pair;
    for (const step of [2, 3]) {
      coordinatorLink.sendPiece(COORDINATOR, gradient(numbers(4, step), { fence: { ...fence, step } }));
    }
    workerLink.openPieces(null, null);
    await atCoordinator.until(() => atCoordinator.pieces.length === 2);
    expect(atCoordinator.pieces.map((piece) => piece.fence.step)).toEqual([2, 3]);
  });

  it('that the coordinator has closed brings the worker nothing more', async () => {
    pair = await connect();
    const { workerLink, coordinatorLink, atWorker } = pair;
    coordinatorLink.openPieces(100, null);
    workerLink.close();
    workerLink.send(evaluate(1));
    workerLink.sendPiece(model(1, numbers(3)));
    expect(workerLink.sending).toBe(false);
    // A second connection that works shows that enough time has passed.
    const other = await grpcPair();
    await other.close();
    expect([atWorker.messages, atWorker.pieces]).toEqual([[], []]);
  });
});

/** Faster than comparing elements one by one. */
function sameBytes(a: Float32Array<ArrayBuffer>, b: Float32Array<ArrayBuffer>): boolean {
  return Buffer.from(a.buffer).equals(Buffer.from(b.buffer));
}
