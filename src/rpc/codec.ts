/** Messages to and from their wire form. */
import type { TraceRecord } from '../common/trace.js';
import type { Job } from '../job/job.js';
import type {
  CoordinatorMessage,
  Fence,
  MemoryOffer,
  NodeValues,
  ShardScore,
  StepReport,
  WorkerMessage,
} from '../protocol/messages.js';
import { EMPTY_SPREAD } from '../scores/spread.js';
import type {
  CoordinatorMessage as WireToWorker,
  CoordinatorMessage__Output as WireFromCoordinator,
} from './generated/lockstep/v1/CoordinatorMessage.js';
import type { Fence__Output } from './generated/lockstep/v1/Fence.js';
import type { MemoryOffer as WireOffer } from './generated/lockstep/v1/MemoryOffer.js';
import type { NodeValues__Output } from './generated/lockstep/v1/NodeValues.js';
import type { ShardScore as WireShardScore, ShardScore__Output } from './generated/lockstep/v1/ShardScore.js';
import type { StepReport as WireStepReport } from './generated/lockstep/v1/StepReport.js';
import type { TraceRecord as WireTraceRecord, TraceRecord__Output } from './generated/lockstep/v1/TraceRecord.js';
import type {
  WorkerMessage as WireToCoordinator,
  WorkerMessage__Output as WireFromWorker,
} from './generated/lockstep/v1/WorkerMessage.js';

/** The bytes of a vector, without a copy. */
export function toBytes(values: Float32Array): Buffer {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength);
}

/** A vector of its own: bytes of a message need not be aligned. */
export function toFloats(bytes: Uint8Array): Float32Array {
  const values = new Float32Array(bytes.length / 4);
  new Uint8Array(values.buffer).set(bytes.subarray(0, values.byteLength));
  return values;
}

export function toFence(fence: Fence__Output | null): Fence {
  return fence ?? { epoch: 0, step: 0, attempt: 0 };
}

const fromOffer = (offer: MemoryOffer): WireOffer => ({ ...offer, nonce: Buffer.from(offer.nonce) });

const toNodes = (nodes: readonly NodeValues__Output[]): NodeValues[] =>
  nodes.map(({ level, index, values }) => ({ level, index, values: toFloats(values) }));

const fromRecord = ({ track, name, startMs, endMs, args }: TraceRecord): WireTraceRecord => ({
  track,
  name,
  startMs,
  endMs: endMs ?? startMs,
  instant: endMs === null,
  args: { ...args },
});

const toRecord = ({ track, name, startMs, endMs, instant, args }: TraceRecord__Output): TraceRecord => ({
  track,
  name,
  startMs,
  endMs: instant ? null : endMs,
  args,
});

const fromStepReport = ({ nonFiniteLayer, ...report }: StepReport): WireStepReport => ({
  ...report,
  shards: [...report.shards],
  activeUnits: report.activeUnits.map(({ layer, units }) => ({ layer, units: Buffer.from(units) })),
  nonfiniteLayer: nonFiniteLayer === null ? 0 : nonFiniteLayer + 1,
});

const fromScore = (score: ShardScore): WireShardScore => ({
  ...score,
  confusion: [...score.confusion],
  positiveScores: toBytes(score.positiveScores),
  negativeScores: toBytes(score.negativeScores),
  misjudged: [...score.misjudged],
});

const toScore = ({ positiveScores, negativeScores, targets, ...score }: ShardScore__Output): ShardScore => ({
  ...score,
  positiveScores: toFloats(positiveScores),
  negativeScores: toFloats(negativeScores),
  targets: targets ?? EMPTY_SPREAD,
});

export function encodeCoordinatorMessage(message: CoordinatorMessage): WireToWorker {
  switch (message.type) {
    case 'welcome': {
      const { type: _type, job, mean, inverseDeviation, vectors, ...rest } = message;
      return {
        welcome: {
          ...rest,
          ...(vectors === undefined ? {} : { vectors: fromOffer(vectors) }),
          jobJson: JSON.stringify(job),
          mean: toBytes(mean),
          inverseDeviation: toBytes(inverseDeviation),
        },
      };
    }
    case 'roster': {
      const { board, ...rest } = message;
      const members = message.members.map(({ id, address, gradients }) => ({
        id,
        address: address ?? '',
        ...(gradients === undefined ? {} : { gradients: fromOffer(gradients) }),
      }));
      return { roster: { ...rest, ...(board === undefined ? {} : { board: fromOffer(board) }), members } };
    }
    case 'plan':
      return { plan: message };
    case 'exchangeResult':
      return { exchangeResult: { ...message, values: toBytes(message.values) } };
    case 'evaluate':
      return { evaluate: message };
    case 'shutdown':
      return { shutdown: message };
    case 'clockPing':
      return { clockPing: message };
  }
}

/** null for a message that this version does not know. */
export function decodeCoordinatorMessage(wire: WireFromCoordinator): CoordinatorMessage | null {
  if (wire.welcome) {
    const { jobJson, mean, inverseDeviation, trace, vectors, ...rest } = wire.welcome;
    return {
      type: 'welcome',
      ...rest,
      job: JSON.parse(jobJson) as Job,
      mean: toFloats(mean),
      inverseDeviation: toFloats(inverseDeviation),
      ...(trace === null ? {} : { trace }),
      ...(vectors === null ? {} : { vectors }),
    };
  }
  if (wire.roster) {
    const { collective, members, board, ...rest } = wire.roster;
    if (collective !== 'star' && collective !== 'mesh') return null;
    const list = members.map(({ id, address, gradients }) => ({
      id,
      address: address === '' ? null : address,
      ...(gradients === null ? {} : { gradients }),
    }));
    return { type: 'roster', ...rest, collective, members: list, ...(board === null ? {} : { board }) };
  }
  if (wire.plan) return { type: 'plan', ...wire.plan, fence: toFence(wire.plan.fence) };
  if (wire.exchangeResult) {
    const { fence, exchange, values } = wire.exchangeResult;
    return { type: 'exchangeResult', fence: toFence(fence), exchange, values: toFloats(values) };
  }
  if (wire.evaluate) {
    const split = wire.evaluate.split;
    if (split !== 'train' && split !== 'dev' && split !== 'test') return null;
    return { type: 'evaluate', ...wire.evaluate, split };
  }
  if (wire.shutdown) {
    const { reason, message } = wire.shutdown;
    const known = reason === 'done' || reason === 'stopped' || reason === 'rejected' ? reason : 'failed';
    return { type: 'shutdown', reason: known, message };
  }
  if (wire.clockPing) return { type: 'clockPing', ...wire.clockPing };
  return null;
}

export function encodeWorkerMessage(message: WorkerMessage): WireToCoordinator {
  switch (message.type) {
    case 'hello':
      return { hello: message };
    case 'ready': {
      const { dataFingerprint, gradients } = message;
      return { ready: { dataFingerprint, ...(gradients === undefined ? {} : { gradients: fromOffer(gradients) }) } };
    }
    case 'exchangeNodes': {
      const nodes = message.nodes.map(({ level, index, values }) => ({ level, index, values: toBytes(values) }));
      return { exchangeNodes: { fence: message.fence, exchange: message.exchange, nodes } };
    }
    case 'stepReport':
      return { stepReport: fromStepReport(message) };
    case 'evaluated':
      return { evaluated: { request: message.request, shards: message.shards.map(fromScore) } };
    case 'peerLost':
      return { peerLost: message };
    case 'boardRefused':
      return { boardRefused: message };
    case 'failed':
      return { failed: message };
    case 'clockPong':
      return { clockPong: message };
    case 'traceSpans':
      return { traceSpans: { records: message.records.map(fromRecord), dropped: message.dropped } };
  }
}

/** null for a message that this version does not know. */
export function decodeWorkerMessage(wire: WireFromWorker): WorkerMessage | null {
  if (wire.hello) return { type: 'hello', ...wire.hello };
  if (wire.ready) {
    const { dataFingerprint, gradients } = wire.ready;
    return { type: 'ready', dataFingerprint, ...(gradients === null ? {} : { gradients }) };
  }
  if (wire.exchangeNodes) {
    const { fence, exchange, nodes } = wire.exchangeNodes;
    return { type: 'exchangeNodes', fence: toFence(fence), exchange, nodes: toNodes(nodes) };
  }
  if (wire.stepReport) {
    const { fence, nonfiniteLayer, ...report } = wire.stepReport;
    const nonFiniteLayer = nonfiniteLayer === 0 ? null : nonfiniteLayer - 1;
    return { type: 'stepReport', ...report, fence: toFence(fence), nonFiniteLayer };
  }
  if (wire.evaluated) {
    const { request, shards } = wire.evaluated;
    return { type: 'evaluated', request, shards: shards.map(toScore) };
  }
  if (wire.peerLost) return { type: 'peerLost', ...wire.peerLost };
  if (wire.boardRefused) return { type: 'boardRefused', ...wire.boardRefused };
  if (wire.failed) return { type: 'failed', ...wire.failed };
  if (wire.clockPong) return { type: 'clockPong', ...wire.clockPong };
  if (wire.traceSpans) {
    const { records, dropped } = wire.traceSpans;
    return { type: 'traceSpans', records: records.map(toRecord), dropped };
  }
  return null;
}
