/** `lockstep coordinator`: the coordinator alone; workers join from this host or others. */
import { Command, Option } from 'commander';
import { prepareJob } from '../../coordinator/prepare.js';
import { TrainingRun } from '../../coordinator/run.js';
import { EXIT_CODES } from '../common/errors.js';
import { selectBackend } from '../kernels/select.js';
import { createCoordinatorMetrics } from '../observe/coordinator-metrics.js';
import { startHttp, type HttpEndpoint } from '../observe/http.js';
import { createLogger } from '../observe/logger.js';
import { checkListen, formatAddress, parseAddress } from '../rpc/address.js';
import { CoordinatorServer } from '../rpc/coordinator-server.js';
import { commandName, jobFromFlags, joinToken, options, type JobFlags } from './options.js';
import { onStopSignal } from './signals.js';
import { openStage } from './spectator.js';

interface CoordinatorFlags extends JobFlags {
  readonly listen: string;
  readonly http?: string;
  readonly insecure?: boolean;
  readonly out?: string;
  readonly resume: string;
  readonly maxSteps?: number;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly logLevel?: string;
}

export function coordinatorCommand(): Command {
  const command = new Command('coordinator')
    .description('coordinate a job whose workers are started by hand, on this host or others')
    .argument('<job.yaml>', 'the job file')
    .addOption(new Option('--listen <host:port>', 'where workers dial').default('127.0.0.1:7700'));
  for (const make of [
    options.http,
    options.insecure,
    options.workers,
    options.threads,
    options.out,
    options.resume,
    options.maxSteps,
    options.set,
    options.backend,
    options.json,
    options.quiet,
    options.logLevel,
  ]) {
    command.addOption(make());
  }
  return command.action(coordinate);
}

async function coordinate(path: string, flags: CoordinatorFlags): Promise<void> {
  const listen = parseAddress(flags.listen, '--listen');
  checkListen(listen, flags.insecure === true, '--listen');
  if (flags.http !== undefined) checkListen(parseAddress(flags.http, '--http'), flags.insecure === true, '--http');
  const { job, baseDir } = jobFromFlags(path, flags);
  const { backend, reason } = selectBackend(flags.backend);
  const prepared = await prepareJob(job, baseDir, backend);
  const maxSteps = flags.maxSteps ?? null;
  const stage = openStage(prepared, flags, maxSteps);
  const destination = stage.display.logDestination;
  const logger = createLogger({
    role: 'coordinator',
    ...(flags.json === true ? { json: true } : {}),
    ...(flags.logLevel === undefined ? {} : { level: flags.logLevel }),
    ...(destination === undefined ? {} : { destination }),
  });
  const metrics = createCoordinatorMetrics({ build: { version: prepared.version, backend } });
  const { spectator } = stage;
  let server: CoordinatorServer | null = null;
  let http: HttpEndpoint | null = null;
  try {
    const run = await TrainingRun.start({
      prepared,
      out: flags.out ?? null,
      resume: flags.resume,
      maxSteps,
      metrics,
      logger,
      spectator,
    });
    stage.begin(run.resumedSteps);
    const stopListening = onStopSignal(() => {
      metrics.setPhase('draining');
      logger.info('asked to stop: writing a checkpoint');
      run.stop();
    });
    server = await CoordinatorServer.start({
      address: listen,
      security: { token: joinToken() },
      heartbeatTimeoutMs: job.cluster.heartbeatTimeoutMs,
      host: run,
      transfers: run.transfers,
    });
    if (flags.http !== undefined) {
      const health = () => run.health();
      http = await startHttp({ listen: flags.http, registry: metrics.registry, health });
    }
    logger.info(
      { address: formatAddress(server.address), job: job.name, backend, why: reason, out: run.directory.path },
      'coordinator started',
    );
    const outcome = await run.execute();
    stopListening();
    logger.info({ status: outcome.status, steps: outcome.steps, weightsSha256: outcome.weightsSha256 }, 'run ended');
    metrics.setPhase('done');
    if (outcome.status === 'stopped') {
      process.exitCode = EXIT_CODES.drained;
      return;
    }
    const again = `${commandName()} train ${path} --workers 1    the same weights, bit for bit, on one worker: compare weightsSha256`;
    stage.finish(run, outcome, [again]);
  } finally {
    stage.display.stop();
    await server?.close();
    await http?.close();
  }
}
