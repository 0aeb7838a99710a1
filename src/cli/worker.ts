/** `lockstep worker`: joins a coordinator and computes until the run is over. */
import { EngineStarter } from '../../worker/engine-starter.js';
import { EXIT_CODES, LockstepError } from '../common/errors.js';
import { packageVersion } from '../common/package.js';
import { inheritFindings } from '../kernels/inheritance.js';
import { selectBackend, type BackendChoice } from '../kernels/select.js';
import type { HttpEndpoint } from '../observe/http.js';
import { createLogger } from '../observe/logger.js';
import { unservedWorkerMetrics } from '../observe/unserved.js';
import type { WorkerMetrics, WorkerState } from '../observe/worker-metrics.js';
import { checkListen, isLoopback, parseAddress, type Address } from '../rpc/address.js';
import { joinToken } from './options.js';
import { onStopSignal } from './signals.js';
import { FROM_PARENT, Orders } from './worker-orders.js';

export interface WorkerFlags {
  readonly coordinator: string;
  readonly listen?: string;
  readonly http?: string;
  readonly insecure?: boolean;
  readonly threads?: number;
  readonly backend: BackendChoice;
  readonly data?: string;
  readonly reconnectTimeout: number;
  readonly stay?: boolean;
  readonly logLevel?: string;
  readonly json?: boolean;
}

/** Where to listen; a coordinator on another host must be able to dial back. */
function listenAddress(flags: WorkerFlags, coordinator: Address): Address {
  if (flags.listen === undefined) {
    if (isLoopback(coordinator.host)) return { host: '127.0.0.1', port: 0 };
    throw new LockstepError('usage', `the coordinator on ${coordinator.host} must be able to dial this worker`, {
      hint: 'Add --listen 0.0.0.0:7701 --insecure (and open that port), on a network that you trust.',
    });
  }
  const listen = parseAddress(flags.listen, '--listen');
  checkListen(listen, flags.insecure === true, '--listen');
  return listen;
}

export async function work(flags: WorkerFlags): Promise<void> {
  const orders = flags.coordinator === FROM_PARENT && process.connected ? new Orders() : null;
  const order = (await orders?.job) ?? null;
  if (order !== null) inheritFindings(order.kernels);
  const given = orders === null ? parseAddress(flags.coordinator, '--coordinator') : null;
  if (given !== null) listenAddress(flags, given);
  if (flags.http !== undefined) checkListen(parseAddress(flags.http, '--http'), flags.insecure === true, '--http');
  const { backend } = selectBackend(flags.backend);
  const logger = createLogger({
    role: 'worker',
    ...(flags.json === true ? { json: true } : {}),
    ...(flags.logLevel === undefined ? {} : { level: flags.logLevel }),
  });
  const threads = flags.threads ?? null;
  const engines = new EngineStarter({ backend, threads, dataDir: flags.data ?? null });
  if (order?.traced === false) engines.expect(order);
  // After the files have been asked for, which are read while the rest of the code is loaded.
  const { runWorker } = await import('../../worker/run-worker.js');
  const coordinator = given ?? (await orders?.coordinator) ?? null;
  if (coordinator === null) return;
  const leaving = new AbortController();
  const stopListening = onStopSignal(() => leaving.abort());
  let served: ServedMetrics | null = null;
  try {
    if (flags.http !== undefined) served = await serveMetrics(flags.http, backend);
    await runWorker({
      coordinator,
      listen: listenAddress(flags, coordinator),
      backend,
      threads,
      engines,
      security: { token: joinToken() },
      reconnectMs: flags.reconnectTimeout * 1_000,
      stay: flags.stay === true,
      logger,
      metrics: served?.metrics ?? unservedWorkerMetrics,
      signal: leaving.signal,
    });
    if (leaving.signal.aborted) process.exitCode = EXIT_CODES.drained;
  } finally {
    stopListening();
    await served?.http.close();
  }
}

interface ServedMetrics {
  readonly metrics: WorkerMetrics;
  readonly http: HttpEndpoint;
}

/** Metrics, and the endpoint that serves them and tells probes of the state last reported. */
async function serveMetrics(listen: string, backend: string): Promise<ServedMetrics> {
  const [{ createWorkerMetrics }, { startHttp }] = await Promise.all([
    import('../observe/worker-metrics.js'),
    import('../observe/http.js'),
  ]);
  const { registry, ...metrics } = createWorkerMetrics({ build: { version: packageVersion(), backend } });
  let state: WorkerState = 'connecting';
  const health = () => ({ live: true, ready: state === 'ready', detail: { state } });
  return {
    http: await startHttp({ listen, registry, health }),
    metrics: {
      ...metrics,
      setState(next) {
        state = next;
        metrics.setState(next);
      },
    },
  };
}
