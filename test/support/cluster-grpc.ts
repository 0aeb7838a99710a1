/**
 * A cluster in one process whose parts talk over real gRPC: a trainer behind its service, and agents that dial it. Only the
 * numbers are made up. Everything that is said is written down as one line:
 *
 *   a → m   worker a sends m on its control stream        a ← m   the coordinator sends m to worker a
 *   a ⇒ m   the coordinator has pulled m from worker a    a ⇐ m   worker a has pulled m from the coordinator
 */
import { CooperationChoice } from '../../coordinator/cooperation.js';
import { Trainer, type TrainerOptions } from '../../coordinator/trainer.js';
import type { CoordinatorLinkEvents, WorkerLink } from '../../src/protocol/link.js';
import type { CoordinatorMessage, WorkerMessage } from '../../src/protocol/messages.js';
import { formatAddress, type Address } from '../../src/rpc/address.js';
import type { Piece } from '../../src/protocol/piece.js';
import { cutBuckets, type Bucket } from '../../src/reduce/buckets.js';
import { weightsSha256 } from '../../src/state/weights-hash.js';
import { CoordinatorServer, type CoordinatorHost } from '../../src/transport/coordinator-server.js';
import { GrpcCoordinatorLink } from '../../src/transport/grpc-coordinator-link.js';
import { WorkerServer } from '../../src/transport/worker-server.js';
import { Agent } from '../../worker/agent.js';
import { ClusterEngine } from './cluster-engine.js';
import { initialState, type ClusterJob } from './cluster-job.js';
import { HEARTBEAT_MS, LOOPBACK, RUN_ID, Transfers, welcome } from './cluster-links.js';
import { RecordingObserver } from './cluster-observer.js';

const security = { token: 'join token' };

/** Half of the model: two buckets, so that each of two workers owns one in a mesh. */
export function storyBuckets({ model }: ClusterJob): {
  readonly elements: number;
  readonly buckets: readonly Bucket[];
} {
  const elements = Math.ceil(model.parameterElements / 2);
  const parameters = model.tensors.filter(({ parameter }) => parameter !== null);
  return { elements, buckets: cutBuckets(parameters, elements, model.parameterElements) };
}

export interface GrpcRun {
  readonly log: readonly string[];
  readonly weightsSha256: string;
}

/** Trains a job with as many workers as it asks for. */
export async function trainOverGrpc(
  cluster: ClusterJob,
  { sizes, maxSteps = null }: Pick<TrainerOptions, 'sizes'> & { readonly maxSteps?: number | null },
): Promise<GrpcRun> {
  const log: string[] = [];
  const state = initialState(cluster);
  const { job, model, exchanges } = cluster;
  const { elements, buckets } = storyBuckets(cluster);
  const collective = job.cluster.collective === 'mesh' ? 'mesh' : 'star';
  const trainer = new Trainer({
    job,
    model,
    state,
    cooperation: new CooperationChoice({ collective, bucketElements: elements }, model.parameterElements),
    exchanges,
    sizes,
    classes: 3,
    earlyStopping: null,
    maxSteps,
    observer: new RecordingObserver(),
  });
  const server = await CoordinatorServer.start({
    address: LOOPBACK,
    security,
    heartbeatTimeoutMs: HEARTBEAT_MS,
    transfers: new Transfers(),
    carrier: 'grpc',
    lanes: 1,
    host: hostOf(trainer, cluster, log, (piece) => pieceName(piece, cluster, buckets)),
  });
  const workers = [];
  for (let i = 0; i < job.cluster.workers; i += 1)
    workers.push(await startWorker(cluster, server.address, log, buckets));
  await trainer.run();
  trainer.shutdown('done', '');
  await Promise.all(workers.map(({ agent }) => agent.ended));
  await Promise.all(workers.map(({ close }) => close()));
  await server.close();
  return { log, weightsSha256: weightsSha256(state.tensors().model.map(({ values }) => values)) };
}

function hostOf(
  trainer: Trainer,
  { job }: ClusterJob,
  log: string[],
  nameOfPiece: (piece: Piece) => string,
): CoordinatorHost {
  return {
    runId: RUN_ID,
    hello(hello, gateway) {
      const { id } = gateway;
      const link: WorkerLink = {
        id,
        send(message) {
          log.push(`${id} ← ${nameOf(message)}`);
          gateway.send(message);
        },
        get address() {
          return gateway.address;
        },
        sendPiece: (piece) => gateway.sendPiece(piece),
        get sending() {
          return gateway.sending;
        },
        openPieces: () => gateway.openPieces(null, null),
        close: () => gateway.close(),
      };
      log.push(`${id} → ${nameOf(hello)}`);
      link.send({ ...welcome(id), job });
      trainer.join(link, hello.host);
      return {
        message(message) {
          log.push(`${id} → ${nameOf(message)}`);
          trainer.message(id, message);
        },
        piece(piece) {
          log.push(`${id} ⇒ ${nameOfPiece(piece)}`);
          trainer.piece(piece);
        },
        lost: (reason) => trainer.lost(id, reason),
      };
    },
  };
}

/** Resolves when the worker has been welcomed, so that workers join in the order in which they are started. */
async function startWorker(cluster: ClusterJob, coordinator: Address, log: string[], buckets: readonly Bucket[]) {
  const transfers = new Transfers();
  const server = await WorkerServer.start(LOOPBACK, security, HEARTBEAT_MS, transfers);
  const hello = {
    type: 'hello',
    version: '1',
    backend: 'reference',
    threads: 1,
    address: formatAddress(server.address),
    host: 'here',
    pid: 1,
  } as const;
  const introduction = deferred<string>();
  const id = introduction.promise;
  const events: CoordinatorLinkEvents = {
    message(message) {
      if (message.type === 'welcome') introduction.resolve(message.workerId);
      agent.message(message);
    },
    piece(piece) {
      const name = pieceName(piece, cluster, buckets);
      void id.then((worker) => log.push(`${worker} ⇐ ${name}`));
      agent.piece(piece);
    },
    peerLost: (peer, reason) => agent.peerLost(peer, reason),
    lost: (reason, final) => agent.lost(reason, final),
  };
  const connection = { coordinator, security, heartbeatTimeoutMs: HEARTBEAT_MS, hello, server, transfers };
  const link = new GrpcCoordinatorLink(connection, events);
  const agent: Agent = new Agent({
    link,
    startEngine: () => Promise.resolve(new ClusterEngine(cluster)),
    observer: { ready: () => undefined, stepDone: () => undefined },
  });
  await id;
  const close = async (): Promise<void> => {
    await link.close();
    await agent.close();
    await server.close();
  };
  return { agent, close };
}

function deferred<Value>(): { readonly promise: Promise<Value>; resolve(value: Value): void } {
  let settle: (value: Value) => void = () => undefined;
  const promise = new Promise<Value>((resolve) => {
    settle = resolve;
  });
  return { promise, resolve: (value) => settle(value) };
}

function nameOf(message: CoordinatorMessage | WorkerMessage): string {
  switch (message.type) {
    case 'plan':
      return `plan: step ${message.fence.step}, shards ${message.firstShard}–${message.endShard}, model ${message.weightsVersion}`;
    case 'exchangeNodes':
      return `exchange ${message.exchange}: ${message.nodes.map(({ level, index }) => `${level}:${index}`).join(' ')}`;
    case 'exchangeResult':
      return `exchange ${message.exchange}: result`;
    case 'evaluate':
      return `evaluate: ${message.split}, shards ${message.firstShard}–${message.endShard}, model ${message.weightsVersion}`;
    case 'shutdown':
      return `shutdown: ${message.reason}`;
    case 'roster':
      return `roster: ${message.collective} of ${message.members.map((member) => member.id).join(', ')}`;
    case 'peerLost':
      return `lost: ${message.peer}`;
    case 'boardRefused':
      return `board refused: ${message.epoch}`;
    case 'hello':
    case 'welcome':
    case 'ready':
    case 'stepReport':
    case 'evaluated':
    case 'failed':
    case 'clockPing':
    case 'clockPong':
    case 'traceSpans':
      return message.type;
  }
}

/** What a piece is, and which part of the model it holds. All of them are small enough to travel whole. */
function pieceName(
  { kind, fence, node, start, count }: Piece,
  { model }: ClusterJob,
  buckets: readonly Bucket[],
): string {
  const bucket = buckets.find((candidate) => candidate.start === start && candidate.end === start + count);
  const part =
    start === model.parameterElements
      ? 'running statistics'
      : start === 0 && count === model.parameterElements
        ? 'all parameters'
        : bucket === undefined
          ? `elements ${start} to ${start + count}`
          : `bucket ${bucket.index}`;
  if (kind === 'weights') return `model ${fence.step}, ${part}`;
  return kind === 'sum' ? `sum, ${part}` : `gradient ${node.level}:${node.index}, ${part}`;
}
