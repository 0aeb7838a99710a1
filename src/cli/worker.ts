/** `lockstep worker`: joins a coordinator and computes until the run is over. */
import { runWorker } from '../../worker/run-worker.js';
import { EXIT_CODES, LockstepError } from '../common/errors.js';
import { packageVersion } from '../common/package.js';
import { selectBackend, type BackendChoice } from '../kernels/select.js';
import type { HttpEndpoint } from '../observe/http.js';
import { createLogger } from '../observe/logger.js';
import { unservedWorkerMetrics } from '../observe/unserved.js';
import type { WorkerMetrics, WorkerState } from '../observe/worker-metrics.js';
import { checkListen, isLoopback, parseAddress, type Address } from '../rpc/address.js';
import { joinToken } from './options.js';
import { onStopSignal } from './signals.js';

export interface WorkerFlags {
  readonly coordinator: string;
  readonly listen?: string;
  readonly http?: string;
  readonly insecure?: boolean;
  readonly threads?: number;
  readonly backend: BackendChoice;
  readonly data?: string;
  readonly reconnectTimeout: number;
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
  const coordinator = parseAddress(flags.coordinator, '--coordinator');
  const listen = listenAddress(flags, coordinator);
  if (flags.http !== undefined) checkListen(parseAddress(flags.http, '--http'), flags.insecure === true, '--http');
  const { backend } = selectBackend(flags.backend);
  const logger = createLogger({
    role: 'worker',
    ...(flags.json === true ? { json: true } : {}),
    ...(flags.logLevel === undefined ? {} : { level: flags.logLevel }),
  });
  const leaving = new AbortController();
  const stopListening = onStopSignal(() => leaving.abort());
  let served: ServedMetrics | null = null;
  try {
    if (flags.http !== undefined) served = await serveMetrics(flags.http, backend);
    await runWorker({
      coordinator,
      listen,
      backend,
      threads: flags.threads ?? null,
      dataDir: flags.data ?? null,
      security: { token: joinToken() },
      reconnectMs: flags.reconnectTimeout * 1_000,
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
