/**
 * A cluster in one process whose parts talk over real gRPC: a trainer behind its service, and agents that dial it. Only the
 * numbers are made up. Everything that is said is written down as one line:
 *
 *   a → m   worker a sends m on its control stream        a ← m   the coordinator sends m to worker a
 *   a ⇒ m   the coordinator has pulled m from worker a    a ⇐ m   worker a has pulled m from the coordinator
 */
import { StarCollective } from '../../coordinator/collectives/star.js';
import { Trainer, type TrainerOptions } from '../../coordinator/trainer.js';
import type { CoordinatorLinkEvents, WorkerLink } from '../../src/protocol/link.js';
import type { CoordinatorMessage, WorkerMessage } from '../../src/protocol/messages.js';
import { formatAddress, type Address } from '../../src/rpc/address.js';
import { CoordinatorServer, type CoordinatorHost } from '../../src/rpc/coordinator-server.js';
import { GradientServer, GrpcCoordinatorLink } from '../../src/rpc/grpc-coordinator-link.js';
import { weightsSha256 } from '../../src/state/weights-hash.js';
import { Agent } from '../../worker/agent.js';
import { ClusterEngine } from './cluster-engine.js';
import { initialState, type ClusterJob } from './cluster-job.js';
import { HEARTBEAT_MS, LOOPBACK, RUN_ID, Transfers, welcome } from './cluster-links.js';
import { RecordingObserver } from './cluster-observer.js';

const security = { token: 'join token' };

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
  const collective = new StarCollective(state.kernels, state.gradientBlocks, model.parameterElements);
  const trainer = new Trainer({
    job,
    state,
    collective,
    exchanges,
    sizes,
    maxSteps,
    observer: new RecordingObserver(),
  });
  const server = await CoordinatorServer.start({
    address: LOOPBACK,
    security,
    heartbeatTimeoutMs: HEARTBEAT_MS,
    transfers: new Transfers(),
    host: hostOf(trainer, log),
  });
  const workers = [];
  for (let i = 0; i < job.cluster.workers; i += 1) workers.push(await startWorker(cluster, server.address, log));
  await trainer.run();
  trainer.shutdown('done', '');
  await Promise.all(workers.map(({ agent }) => agent.ended));
  await Promise.all(workers.map(({ close }) => close()));
  await server.close();
  return { log, weightsSha256: weightsSha256(state.tensors().model.map(({ values }) => values)) };
}

function hostOf(trainer: Trainer, log: string[]): CoordinatorHost {
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
        sendModel: (snapshot) => gateway.sendModel(snapshot),
        get sending() {
          return gateway.sending;
        },
        openGradients: () => gateway.openGradients(),
        close: () => gateway.close(),
      };
      log.push(`${id} → ${nameOf(hello)}`);
      link.send(welcome(id));
      trainer.join(link, hello.host);
      return {
        message(message) {
          log.push(`${id} → ${nameOf(message)}`);
          trainer.message(id, message);
        },
        gradient(part) {
          log.push(`${id} ⇒ gradient ${part.node.level}:${part.node.index}`);
          trainer.gradient(part);
        },
        lost: (reason) => trainer.lost(id, reason),
      };
    },
  };
}

/** Resolves when the worker has been welcomed, so that workers join in the order in which they are started. */
async function startWorker(cluster: ClusterJob, coordinator: Address, log: string[]) {
  const transfers = new Transfers();
  const gradients = await GradientServer.start(LOOPBACK, security, HEARTBEAT_MS, transfers);
  const hello = {
    type: 'hello',
    version: '1',
    backend: 'reference',
    threads: 1,
    address: formatAddress(gradients.address),
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
    weights(part) {
      agent.weights(part);
      if (part.last) void id.then((name) => log.push(`${name} ⇐ model ${part.version}`));
    },
    lost: (reason, final) => agent.lost(reason, final),
  };
  const connection = { coordinator, security, heartbeatTimeoutMs: HEARTBEAT_MS, hello, gradients, transfers };
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
    await gradients.close();
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
