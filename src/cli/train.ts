/** `lockstep train`: the whole cluster on this host, started for you. */
import { randomBytes } from 'node:crypto';
import { relative } from 'node:path';
import { Command } from 'commander';
import { prepareJob, type PreparedJob } from '../../coordinator/prepare.js';
import { TrainingRun } from '../../coordinator/run.js';
import { EXIT_CODES, LockstepError } from '../common/errors.js';
import type { Job } from '../job/job.js';
import type { Arena } from '../kernels/arena.js';
import { selectBackend } from '../kernels/select.js';
import { createCoordinatorMetrics } from '../observe/coordinator-metrics.js';
import { startHttp } from '../observe/http.js';
import { createLogger } from '../observe/logger.js';
import { CoordinatorServer } from '../rpc/coordinator-server.js';
import { sharedArena, startLocalWorker } from './local-worker.js';
import { commandName, jobFromFlags, options, type JobFlags } from './options.js';
import { onStopSignal } from './signals.js';
import { openStage } from './spectator.js';
import { WorkerProcesses } from './worker-processes.js';

interface TrainFlags extends JobFlags {
  readonly out?: string;
  readonly resume: string;
  readonly maxSteps?: number;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly logLevel?: string;
  readonly http?: string;
}

export function trainCommand(): Command {
  const command = new Command('train')
    .description('train a job on this host: a coordinator and as many worker processes as asked for')
    .argument('<job.yaml>', 'the job file');
  for (const make of [
    options.workers,
    options.threads,
    options.out,
    options.set,
    options.maxSteps,
    options.resume,
    options.backend,
    options.json,
    options.quiet,
    options.logLevel,
    options.http,
  ]) {
    command.addOption(make());
  }
  return command.action(train);
}

/** How gradients meet when `auto` is asked for: one worker needs no second process. */
function collectiveOf({ cluster }: Job): 'local' | 'star' {
  if (cluster.collective === 'local' && cluster.workers > 1) {
    throw new LockstepError(
      'job',
      `cluster.collective: local means one worker in this process, but ${cluster.workers} workers are asked for`,
    );
  }
  if (cluster.collective !== 'auto') return cluster.collective;
  return cluster.workers === 1 ? 'local' : 'star';
}

async function train(path: string, flags: TrainFlags): Promise<void> {
  const { job, baseDir } = jobFromFlags(path, flags);
  const collective = collectiveOf(job);
  const { backend } = selectBackend(flags.backend);
  const prepared = await prepareJob(job, baseDir, backend);
  const maxSteps = flags.maxSteps ?? null;
  const stage = openStage(prepared, flags, maxSteps);
  const destination = stage.display.logDestination;
  const logger = createLogger({
    role: 'train',
    ...(flags.json === true ? { json: true } : {}),
    ...(flags.logLevel === undefined ? {} : { level: flags.logLevel }),
    ...(destination === undefined ? {} : { destination }),
  });
  const metrics = createCoordinatorMetrics({ build: { version: prepared.version, backend } });
  const { spectator } = stage;
  let http: Awaited<ReturnType<typeof startHttp>> | null = null;
  try {
    const arena = collective === 'local' ? sharedArena(prepared) : undefined;
    const run = await TrainingRun.start({
      prepared,
      out: flags.out ?? null,
      resume: flags.resume,
      maxSteps,
      metrics,
      logger,
      spectator,
      arena,
    });
    stage.begin(run.resumedSteps);
    const stopListening = onStopSignal(() => run.stop());
    if (flags.http !== undefined) {
      const health = () => run.health();
      http = await startHttp({ listen: flags.http, registry: metrics.registry, health });
    }
    const outcome =
      collective === 'local'
        ? await trainHere(run, prepared, arena)
        : await trainWithProcesses(run, job, backend, logger);
    stopListening();
    if (outcome.status === 'stopped') {
      stage.display.stop();
      process.exitCode = EXIT_CODES.drained;
      if (flags.quiet !== true && flags.json !== true) {
        process.stdout.write(
          `Stopped after step ${outcome.steps}; nothing is lost. To go on: ${commandName()} train ${path} --out ${relative(process.cwd(), run.directory.path)} --resume auto\n`,
        );
      }
      return;
    }
    stage.finish(run, outcome, nextSteps(path, job, relative(process.cwd(), run.directory.path), backend));
  } finally {
    stage.display.stop();
    await http?.close();
  }
}

async function trainHere(run: TrainingRun, prepared: PreparedJob, arena: Arena | undefined) {
  const worker = startLocalWorker(run, prepared, arena);
  try {
    return await run.execute();
  } finally {
    await worker.close();
  }
}

async function trainWithProcesses(
  run: TrainingRun,
  job: Job,
  backend: string,
  logger: ReturnType<typeof createLogger>,
) {
  // Workers of this host only, and only those started here.
  const token = randomBytes(24).toString('base64url');
  const server = await CoordinatorServer.start({
    address: { host: '127.0.0.1', port: 0 },
    security: { token },
    heartbeatTimeoutMs: job.cluster.heartbeatTimeoutMs,
    host: run,
    transfers: run.transfers,
  });
  const workers = new WorkerProcesses({
    coordinator: server.address,
    token,
    count: job.cluster.workers,
    threads: job.cluster.threads,
    backend,
    logger,
    ended: (reason, left) => {
      // Later on the others do its work; at the start the run would wait in vain for a worker that is not coming.
      if (left === 0) run.trainer.fail(new LockstepError('unavailable', `all worker processes have ended: ${reason}`));
      else if (run.recorder.currentPhase === 'waiting') {
        run.trainer.fail(new LockstepError('unavailable', `a worker process ended before the first step: ${reason}`));
      }
    },
  });
  try {
    return await run.execute();
  } finally {
    await workers.close();
    await server.close();
  }
}

function nextSteps(path: string, job: Job, out: string, backend: string): string[] {
  const other = job.cluster.workers === 1 ? 2 : 1;
  return [
    `${commandName()} train ${path} --workers ${other}    the same weights, bit for bit: compare weightsSha256 in run.json`,
    `${commandName()} check ${path}    layers, memory and every default`,
    ...(backend === 'wasm' ? [`${commandName()} doctor    how to get the faster kernels`] : []),
    `head ${out}/metrics.jsonl    loss, accuracy and learning rate of every step`,
  ];
}
