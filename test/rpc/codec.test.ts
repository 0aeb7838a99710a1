import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CoordinatorMessage, WorkerMessage } from '../../src/protocol/messages.js';
import {
  decodeCoordinatorMessage,
  decodeWorkerMessage,
  encodeCoordinatorMessage,
  encodeWorkerMessage,
  toBytes,
  toFloats,
} from '../../src/rpc/codec.js';
import { protocol } from '../../src/rpc/proto.js';
import { clusterJob } from '../support/cluster-job.js';
import { scored } from '../support/scored.js';

const session = protocol().Coordinator.service.Session;

/** Through protobuf bytes, at an odd place of a larger buffer, as they come out of a socket. */
function overTheWire<Message>(bytes: Buffer, parse: (bytes: Buffer) => Message): Message {
  const padded = Buffer.concat([Buffer.from([0xff]), bytes]);
  return parse(padded.subarray(1));
}

function throughCoordinator(message: CoordinatorMessage): CoordinatorMessage | null {
  const bytes = session.responseSerialize(encodeCoordinatorMessage(message));
  return decodeCoordinatorMessage(overTheWire(bytes, session.responseDeserialize));
}

function throughWorker(message: WorkerMessage): WorkerMessage | null {
  const bytes = session.requestSerialize(encodeWorkerMessage(message));
  return decodeWorkerMessage(overTheWire(bytes, session.requestDeserialize));
}

const uint32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const text = fc.string({ unit: 'binary' });
const floats = fc.float32Array({ maxLength: 40 });
const fence = fc.record({ epoch: uint32, step: uint32, attempt: uint32 });
const nodes = fc.array(fc.record({ level: fc.nat(16), index: uint32, values: floats }), { maxLength: 5 });
const shards = fc.array(fc.record({ shard: uint32, loss: fc.double(), correct: uint32 }), { maxLength: 5 });
const split = fc.constantFrom('train', 'dev', 'test' as const);
const reason = fc.constantFrom('done', 'stopped', 'failed', 'rejected' as const);

const traceRecord = fc.record({
  track: text,
  name: text,
  startMs: fc.double(),
  endMs: fc.option(fc.double()),
  args: fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.double(), { noNullPrototype: true }),
});

const fromCoordinator: fc.Arbitrary<CoordinatorMessage> = fc.oneof(
  fc.record({
    type: fc.constant('welcome' as const),
    workerId: text,
    runId: text,
    job: fc.constant(clusterJob().job),
    baseDir: text,
    dataFingerprint: text,
    mean: floats,
    inverseDeviation: floats,
  }),
  fc.record({
    type: fc.constant('welcome' as const),
    workerId: text,
    runId: text,
    job: fc.constant(clusterJob().job),
    baseDir: text,
    dataFingerprint: text,
    mean: floats,
    inverseDeviation: floats,
    trace: fc.record({ firstStep: uint32, endStep: uint32 }),
  }),
  fc.record({
    type: fc.constant('plan' as const),
    fence,
    ahead: fc.boolean(),
    weightsVersion: uint32,
    dataEpoch: uint32,
    firstPosition: uint32,
    batchCount: uint32,
    firstShard: uint32,
    endShard: uint32,
    lossScale: fc.constantFrom(1, 65536),
  }),
  fc.record({
    type: fc.constant('roster' as const),
    epoch: uint32,
    collective: fc.constantFrom('star', 'mesh'),
    bucketElements: uint32,
    members: fc.array(fc.record({ id: text, address: fc.option(fc.constant('127.0.0.1:7000')) })),
  }),
  fc.record({ type: fc.constant('exchangeResult' as const), fence, exchange: uint32, values: floats }),
  fc.record({
    type: fc.constant('evaluate' as const),
    request: uint32,
    weightsVersion: uint32,
    split,
    mistakes: uint32,
    firstShard: uint32,
    endShard: uint32,
  }),
  fc.record({ type: fc.constant('shutdown' as const), reason, message: text }),
  fc.record({ type: fc.constant('clockPing' as const), sentMs: fc.double() }),
);

const scores = fc.array(
  fc.record({
    shard: uint32,
    loss: fc.double(),
    correct: uint32,
    confusion: fc.array(uint32),
    positiveScores: floats,
    negativeScores: floats,
    absoluteError: fc.double(),
    targets: fc.record({ count: uint32, mean: fc.double(), squares: fc.double() }),
    misjudged: fc.array(fc.record({ sample: uint32, loss: fc.double(), target: fc.double(), predicted: fc.double() })),
  }),
);

const fromWorker: fc.Arbitrary<WorkerMessage> = fc.oneof(
  fc.record({
    type: fc.constant('hello' as const),
    version: text,
    backend: text,
    threads: uint32,
    address: text,
    host: text,
    pid: uint32,
  }),
  fc.record({ type: fc.constant('ready' as const), dataFingerprint: text }),
  fc.record({ type: fc.constant('exchangeNodes' as const), fence, exchange: uint32, nodes }),
  fc.record({
    type: fc.constant('stepReport' as const),
    fence,
    shards,
    computeMs: fc.double(),
    waitMs: fc.double(),
    activeUnits: fc.array(fc.record({ layer: uint32, units: fc.uint8Array().map((units) => Buffer.from(units)) })),
    nonFiniteLayer: fc.option(fc.nat(999)),
  }),
  fc.record({ type: fc.constant('evaluated' as const), request: uint32, shards: scores }),
  fc.record({ type: fc.constant('peerLost' as const), peer: text, reason: text }),
  fc.record({ type: fc.constant('failed' as const), code: text, message: text }),
  fc.record({
    type: fc.constant('clockPong' as const),
    sentMs: fc.double(),
    remoteReceivedMs: fc.double(),
    remoteSentMs: fc.double(),
  }),
  fc.record({
    type: fc.constant('traceSpans' as const),
    records: fc.array(traceRecord, { maxLength: 5 }),
    dropped: uint32,
  }),
);

describe('messages', () => {
  it('of the coordinator arrive as they were sent', () => {
    fc.assert(
      fc.property(fromCoordinator, (message) => {
        expect(throughCoordinator(message)).toEqual(message);
      }),
    );
  });

  it('of a worker arrive as they were sent', () => {
    fc.assert(
      fc.property(fromWorker, (message) => {
        expect(throughWorker(message)).toEqual(message);
      }),
    );
  });

  it('keep a loss that is no number', () => {
    const report = {
      type: 'evaluated',
      request: 1,
      shards: [NaN, Infinity, -0].map((loss, shard) => scored({ shard, loss, correct: 0 })),
    } as const;
    expect(throughWorker(report)).toEqual(report);
  });

  it('that this version does not know are nothing', () => {
    expect(decodeCoordinatorMessage(session.responseDeserialize(Buffer.alloc(0)))).toBeNull();
    expect(decodeWorkerMessage(session.requestDeserialize(Buffer.alloc(0)))).toBeNull();
    // Field 99, which no one has defined.
    expect(decodeWorkerMessage(session.requestDeserialize(Buffer.from([0x9a, 0x06, 0x00])))).toBeNull();
    const bytes = session.responseSerialize({ evaluate: { split: 'holdout' } });
    expect(decodeCoordinatorMessage(session.responseDeserialize(bytes))).toBeNull();
  });

  it('with a reason to end that this version does not know count as a failure', () => {
    const bytes = session.responseSerialize({ shutdown: { reason: 'moved', message: 'elsewhere' } });
    const message = decodeCoordinatorMessage(session.responseDeserialize(bytes));
    expect(message).toEqual({ type: 'shutdown', reason: 'failed', message: 'elsewhere' });
  });
});

describe('vectors', () => {
  it('are bytes without a copy on their way out', () => {
    const values = Float32Array.of(1, 2, 3, 4).subarray(1, 3);
    const bytes = toBytes(values);
    expect(bytes.buffer).toBe(values.buffer);
    expect([bytes.byteOffset, bytes.length]).toEqual([4, 8]);
  });

  it('are little-endian float32', () => {
    expect([...toBytes(Float32Array.of(1, -2.5))]).toEqual([0, 0, 0x80, 0x3f, 0, 0, 0x20, 0xc0]);
  });

  it('are vectors of their own on their way in, from bytes at any place', () => {
    fc.assert(
      fc.property(floats, fc.nat(7), (values, at) => {
        const buffer = new Uint8Array(at + values.byteLength + 3);
        buffer.set(toBytes(values), at);
        const arrived = toFloats(buffer.subarray(at, at + values.byteLength));
        buffer.fill(0);
        expect(arrived).toEqual(values);
      }),
    );
  });
});
