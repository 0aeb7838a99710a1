/** `lockstep worker`: joins a coordinator and computes until the run is over. */
import { Command, Option } from 'commander';
import { runWorker } from '../../worker/run-worker.js';
import { EXIT_CODES, LockstepError } from '../common/errors.js';
import { packageVersion } from '../common/package.js';
import { selectBackend, type BackendChoice } from '../kernels/select.js';
import { startHttp, type HttpEndpoint } from '../observe/http.js';
import { createLogger } from '../observe/logger.js';
import { createWorkerMetrics, type WorkerMetrics, type WorkerState } from '../observe/worker-metrics.js';
import { checkListen, isLoopback, parseAddress, type Address } from '../rpc/address.js';
import { joinToken, options, wholeNumber } from './options.js';
import { onStopSignal } from './signals.js';

interface WorkerFlags {
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

export function workerCommand(): Command {
  const command = new Command('worker')
    .description('compute for a coordinator')
    .requiredOption('--coordinator <host:port>', 'the coordinator to join')
    .addOption(
      new Option('--listen <host:port>', 'where the coordinator pulls gradients (default: a free port of 127.0.0.1)'),
    )
    .addOption(
      new Option('--data <dir>', 'folder that relative data paths start from here (default: as on the coordinator)'),
    )
    .addOption(
      new Option('--reconnect-timeout <s>', 'how long to wait for a coordinator that does not answer')
        .argParser(wholeNumber(0))
        .default(120),
    );
  for (const make of [
    options.threads,
    options.backend,
    options.http,
    options.insecure,
    options.json,
    options.logLevel,
  ]) {
    command.addOption(make());
  }
  return command.action(work);
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

async function work(flags: WorkerFlags): Promise<void> {
  const coordinator = parseAddress(flags.coordinator, '--coordinator');
  const listen = listenAddress(flags, coordinator);
  if (flags.http !== undefined) checkListen(parseAddress(flags.http, '--http'), flags.insecure === true, '--http');
  const { backend } = selectBackend(flags.backend);
  const logger = createLogger({
    role: 'worker',
    ...(flags.json === true ? { json: true } : {}),
    ...(flags.logLevel === undefined ? {} : { level: flags.logLevel }),
  });
  const { metrics, state } = observed(createWorkerMetrics({ build: { version: packageVersion(), backend } }));
  const leaving = new AbortController();
  const stopListening = onStopSignal(() => leaving.abort());
  let http: HttpEndpoint | null = null;
  try {
    if (flags.http !== undefined) {
      const health = () => ({ live: true, ready: state() === 'ready', detail: { state: state() } });
      http = await startHttp({ listen: flags.http, registry: metrics.registry, health });
    }
    await runWorker({
      coordinator,
      listen,
      backend,
      threads: flags.threads ?? null,
      dataDir: flags.data ?? null,
      security: { token: joinToken() },
      reconnectMs: flags.reconnectTimeout * 1_000,
      logger,
      metrics,
      signal: leaving.signal,
    });
    if (leaving.signal.aborted) process.exitCode = EXIT_CODES.drained;
  } finally {
    stopListening();
    await http?.close();
  }
}

/** Remembers the state last reported, for probes. */
function observed(metrics: WorkerMetrics): { metrics: WorkerMetrics; state: () => WorkerState } {
  let current: WorkerState = 'connecting';
  return {
    state: () => current,
    metrics: {
      ...metrics,
      setState(state) {
        current = state;
        metrics.setState(state);
      },
    },
  };
}
