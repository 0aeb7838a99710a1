/**
 * A worker process: dials the coordinator, works until the run is over, and dials again when the coordinator goes away, since
 * it may be restarted and go on from its checkpoint.
 */
import { hostname } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { LockstepError } from '../src/common/errors.js';
import { packageVersion } from '../src/common/package.js';
import type { BackendName } from '../src/kernels/kernels.js';
import type { Logger } from '../src/observe/logger.js';
import type { WorkerMetrics } from '../src/observe/worker-metrics.js';
import type { CoordinatorLinkEvents } from '../src/protocol/link.js';
import { cutShards } from '../src/reduce/shards.js';
import { formatAddress, type Address } from '../src/rpc/address.js';
import type { Security } from '../src/rpc/channel.js';
import { GrpcCoordinatorLink } from '../src/transport/grpc-coordinator-link.js';
import { WorkerServer } from '../src/transport/worker-server.js';
import { Agent, type Ending } from './agent.js';
import type { EngineStarter } from './engine-starter.js';
import type { PassResult } from './pass-port.js';

export interface WorkerOptions {
  readonly coordinator: Address;
  readonly listen: Address;
  readonly backend: BackendName;
  /** Compute threads; null: as the job says. */
  readonly threads: number | null;
  readonly engines: Pick<EngineStarter, 'start' | 'close'>;
  readonly security: Security;
  /** How long to go on dialling a coordinator that does not answer. */
  readonly reconnectMs: number;
  /** Whether to wait for the next run when one is over, and to leave quietly when none comes. */
  readonly stay: boolean;
  readonly logger: Logger;
  readonly metrics: WorkerMetrics;
  /** Aborted when the worker is to leave. */
  readonly signal: AbortSignal;
}

/** Silence after which the coordinator is given up (ms). */
const HEARTBEAT_TIMEOUT_MS = 10_000;
const FIRST_RETRY_MS = 200;
const LAST_RETRY_MS = 3_000;

/**
 * Resolves when the run is over or `signal` is aborted.
 *
 * @throws LockstepError `unavailable` when the coordinator cannot be reached or the run failed, `job` when it turns this worker away.
 */
export async function runWorker(options: WorkerOptions): Promise<void> {
  const { logger, metrics, signal, security } = options;
  let step = { sentBytes: 0, receivedBytes: 0 };
  const transfers = {
    sent: (bytes: number) => void (step.sentBytes += bytes),
    received: (bytes: number) => void (step.receivedBytes += bytes),
  };
  const server = await WorkerServer.start(options.listen, security, HEARTBEAT_TIMEOUT_MS, transfers);
  logger.info(
    { address: formatAddress(server.address), coordinator: formatAddress(options.coordinator) },
    'worker started',
  );
  try {
    let retryMs = FIRST_RETRY_MS;
    let lastContact = performance.now();
    while (!signal.aborted) {
      metrics.setState('connecting');
      const ending = await takePart(options, server, transfers, (samples, { computeMs, waitMs, dataWaitMs }) => {
        metrics.stepCommitted({ samples, computeMs, exchangeWaitMs: waitMs, dataWaitMs, ...step });
        step = { sentBytes: 0, receivedBytes: 0 };
      });
      if (ending.contact) [lastContact, retryMs] = [performance.now(), FIRST_RETRY_MS];
      if (isOver(ending.ending, options)) return;
      if (performance.now() - lastContact > options.reconnectMs) {
        if (options.stay) {
          logger.info('no other run has come; leaving');
          return;
        }
        throw new LockstepError(
          'unavailable',
          `the coordinator at ${formatAddress(options.coordinator)} does not answer: ${ending.ending.message}`,
          {
            hint: 'Is it running, and is the address right? Start this worker again when it is.',
          },
        );
      }
      await pause(retryMs, signal);
      retryMs = Math.min(LAST_RETRY_MS, retryMs * 2);
    }
  } finally {
    metrics.setState('stopped');
    await server.close();
    await options.engines.close();
  }
}

/** One connection, from hello to its end. */
async function takePart(
  options: WorkerOptions,
  server: WorkerServer,
  transfers: { sent(bytes: number): void; received(bytes: number): void },
  stepDone: (samples: number, result: PassResult) => void,
): Promise<{ readonly ending: Ending; readonly contact: boolean }> {
  const { logger, metrics, backend, signal } = options;
  let contact = false;
  let shards = 1;
  const events: CoordinatorLinkEvents = {
    message(message) {
      contact = true;
      if (message.type === 'welcome') {
        shards = message.job.training.shards;
        metrics.setState('joining');
      }
      agent.message(message);
    },
    piece: (piece) => agent.piece(piece),
    peerLost: (peer, reason) => agent.peerLost(peer, reason),
    lost: (reason, final) => agent.lost(reason, final),
  };
  const hello = {
    type: 'hello',
    version: packageVersion(),
    backend,
    threads: options.threads ?? 0,
    address: formatAddress(server.address),
    host: hostname(),
    pid: process.pid,
  } as const;
  const link = new GrpcCoordinatorLink(
    {
      coordinator: options.coordinator,
      security: options.security,
      heartbeatTimeoutMs: HEARTBEAT_TIMEOUT_MS,
      hello,
      server,
      transfers,
    },
    events,
  );
  const agent: Agent = new Agent({
    link,
    startEngine: (welcome, tracer) => options.engines.start(welcome, tracer),
    observer: {
      ready(workerId) {
        metrics.setState('ready');
        logger.info({ worker: workerId }, 'ready');
      },
      stepDone(plan, result) {
        const cut = cutShards(plan.batchCount, shards).slice(plan.firstShard, plan.endShard);
        stepDone(
          cut.reduce((sum, shard) => sum + shard.rows, 0),
          result,
        );
      },
    },
  });
  const leave = (): void => agent.lost('asked to leave', true);
  signal.addEventListener('abort', leave, { once: true });
  try {
    return { ending: await agent.ended, contact };
  } finally {
    signal.removeEventListener('abort', leave);
    await link.close();
    await agent.close();
  }
}

/** Whether there is nothing left to do; throws when that is somebody's fault. */
function isOver(ending: Ending, { logger, stay, signal }: Pick<WorkerOptions, 'logger' | 'stay' | 'signal'>): boolean {
  switch (ending.reason) {
    case 'done':
      logger.info(stay ? 'the run is done; waiting for the next' : 'the run is done');
      return !stay;
    case 'rejected':
      throw new LockstepError('job', `the coordinator turned this worker away: ${ending.message}`);
    case 'broken':
      throw ending.error;
    case 'failed':
      if (stay) {
        logger.warn(`the run failed: ${ending.message}; waiting for the next`);
        return false;
      }
      throw new LockstepError('unavailable', `the run failed: ${ending.message}`);
    case 'stopped':
      logger.info('the coordinator is stopping; waiting for it to come back');
      return false;
    case 'lost':
      if (signal.aborted) return true;
      if (ending.final)
        throw new LockstepError('unavailable', `the coordinator refused the connection: ${ending.message}`);
      logger.debug({ reason: ending.message }, 'connection lost');
      return false;
  }
}

/** Waits, but not beyond the moment at which the signal is aborted. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await setTimeout(ms, undefined, { signal }).catch(() => undefined);
}
