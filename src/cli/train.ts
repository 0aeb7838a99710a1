/** `lockstep train`: the whole cluster on this host, started for you. */
import { randomBytes } from 'node:crypto';
import type { PreparedJob } from '../../coordinator/prepare.js';
import type { RunOutcome, TrainingRun } from '../../coordinator/run.js';
import { EXIT_CODES, LockstepError } from '../common/errors.js';
import type { JobDraft } from '../job/job.js';
import { kernelFindings } from '../kernels/inheritance.js';
import { selectBackend } from '../kernels/select.js';
import type { CoordinatorServer } from '../transport/coordinator-server.js';
import { jobFromFlags } from './job-flags.js';
import type { OpenRun, RunFlags } from './open-run.js';
import { commandName, shownPath } from './options.js';
import { endWithParent } from './parent.js';
import { onStopSignal } from './signals.js';
import { WorkerProcesses } from './worker-processes.js';

/** How gradients meet when `auto` is asked for: one worker needs no second process. */
function collectiveOf({ cluster }: JobDraft): 'local' | 'star' | 'mesh' {
  if (cluster.collective === 'local' && cluster.workers > 1) {
    throw new LockstepError(
      'job',
      `cluster.collective: local means one worker in this process, but ${cluster.workers} workers are asked for`,
    );
  }
  if (cluster.collective !== 'auto') return cluster.collective;
  return cluster.workers === 1 ? 'local' : 'star';
}

export interface TrainCommandFlags extends RunFlags {
  readonly endWithParent?: boolean;
}

export async function train(path: string, flags: TrainCommandFlags): Promise<void> {
  if (flags.endWithParent === true) endWithParent();
  const { job, baseDir } = jobFromFlags(path, flags);
  if (collectiveOf(job) === 'local') {
    const selected = { job, baseDir, selection: selectBackend(flags.backend) };
    const [{ openRun }, { sharedArena, startLocalWorker }] = await Promise.all([
      import('./open-run.js'),
      import('./local-worker.js'),
    ]);
    const opened = await openRun(selected, flags, 'train', { memory: sharedArena });
    await finish(path, flags, opened, async ({ run, prepared, arena }) => {
      const worker = startLocalWorker(run, prepared, arena);
      try {
        return await run.execute();
      } finally {
        await worker.close();
      }
    });
    return;
  }
  // Workers of this host only, and only those started here.
  const token = randomBytes(24).toString('base64url');
  const { workers: count, threads } = job.cluster;
  // First of all: they load their code and the data while this process does.
  const workers = new WorkerProcesses({ token, count, threads, backend: flags.backend });
  let server: CoordinatorServer | null = null;
  const close = async (): Promise<void> => {
    await workers.close();
    await server?.close();
    server = null;
  };
  try {
    const selected = { job, baseDir, selection: selectBackend(flags.backend) };
    workers.prepare({ job, baseDir, kernels: kernelFindings(), traced: flags.trace !== undefined });
    const [{ openRun, wireFormats }, { CoordinatorServer: Server }, { Reception }] = await Promise.all([
      import('./open-run.js'),
      import('../transport/coordinator-server.js'),
      import('../../coordinator/reception.js'),
    ]);
    const reception = new Reception();
    let opened: OpenRun | null = null;
    server = await Server.start({
      address: { host: '127.0.0.1', port: 0 },
      security: { token },
      heartbeatTimeoutMs: job.cluster.heartbeatTimeoutMs,
      host: reception,
      carrier: job.cluster.transport,
      lanes: job.cluster.connections,
      formats: () => {
        if (opened === null) throw new RangeError('a piece travels before the run is open');
        return wireFormats(opened.prepared);
      },
      transfers: reception.transfers,
    });
    workers.dial(server.address);
    opened = await openRun(selected, flags, 'train', { reception });
    await finish(path, flags, opened, async ({ run, logger }) => {
      workers.supervise({ logger, ended: (reason, left) => missWorker(run, reason, left) });
      try {
        return await run.execute();
      } finally {
        await close();
      }
    });
  } finally {
    await close();
  }
}

/** A worker process has ended by itself, and `left` others have not. */
function missWorker({ trainer, recorder }: TrainingRun, reason: string, left: number): void {
  const phase = recorder.currentPhase;
  // Later on the others do its work; at the start the run would wait in vain for a worker that is not coming.
  if (left === 0) trainer.fail(new LockstepError('unavailable', `all worker processes have ended: ${reason}`));
  else if (phase === null || phase === 'waiting') {
    trainer.fail(new LockstepError('unavailable', `a worker process ended before the first step: ${reason}`));
  }
}

/** Trains an opened run to its end and says what it came to. */
async function finish(
  path: string,
  flags: RunFlags,
  opened: OpenRun,
  execute: (opened: OpenRun) => Promise<RunOutcome>,
): Promise<void> {
  const { run, prepared, stage } = opened;
  const out = shownPath(run.directory.path);
  const stopListening = onStopSignal(() => run.stop());
  try {
    const outcome = await execute(opened);
    if (outcome.status === 'done') {
      await stage.finish(run, outcome, nextSteps(path, prepared));
      return;
    }
    process.exitCode = EXIT_CODES.drained;
    stage.display.stop();
    if (flags.quiet !== true && flags.json !== true) {
      const again = `${commandName()} train ${path} --out ${out} --resume auto`;
      process.stdout.write(`Stopped after step ${outcome.steps}; nothing is lost. To go on: ${again}\n`);
    }
  } finally {
    stopListening();
    await opened.close();
  }
}

function nextSteps(path: string, { job, backend }: PreparedJob): string[] {
  const other = job.cluster.workers === 1 ? 2 : 1;
  return [
    `${commandName()} train ${path} --workers ${other}    the same weights, bit for bit: compare weightsSha256 in run.json`,
    `${commandName()} check ${path}    layers, memory and every default`,
    ...(backend === 'wasm' ? [`${commandName()} doctor    how to get the faster kernels`] : []),
  ];
}
