/** `lockstep train`: the whole cluster on this host, started for you. */
import { randomBytes } from 'node:crypto';
import type { PreparedJob } from '../../coordinator/prepare.js';
import type { RunOutcome } from '../../coordinator/run.js';
import { EXIT_CODES, LockstepError } from '../common/errors.js';
import type { Job } from '../job/job.js';
import { CoordinatorServer } from '../rpc/coordinator-server.js';
import { sharedArena, startLocalWorker } from './local-worker.js';
import { openRun, type OpenRun, type RunFlags } from './open-run.js';
import { commandName, shownPath } from './options.js';
import { onStopSignal } from './signals.js';
import { WorkerProcesses } from './worker-processes.js';

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

export async function train(path: string, flags: RunFlags): Promise<void> {
  const opened = await openRun(path, flags, 'train', (prepared) =>
    collectiveOf(prepared.job) === 'local' ? sharedArena(prepared) : undefined,
  );
  const { run, prepared, stage } = opened;
  const out = shownPath(run.directory.path);
  const stopListening = onStopSignal(() => run.stop());
  try {
    const outcome = await (collectiveOf(prepared.job) === 'local' ? trainHere(opened) : trainWithProcesses(opened));
    if (outcome.status === 'done') {
      stage.finish(run, outcome, nextSteps(path, prepared, out));
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

async function trainHere({ run, prepared, arena }: OpenRun): Promise<RunOutcome> {
  const worker = startLocalWorker(run, prepared, arena);
  try {
    return await run.execute();
  } finally {
    await worker.close();
  }
}

async function trainWithProcesses({ run, prepared, logger }: OpenRun): Promise<RunOutcome> {
  const { heartbeatTimeoutMs, workers: count, threads } = prepared.job.cluster;
  // Workers of this host only, and only those started here.
  const token = randomBytes(24).toString('base64url');
  const server = await CoordinatorServer.start({
    address: { host: '127.0.0.1', port: 0 },
    security: { token },
    heartbeatTimeoutMs,
    host: run,
    transfers: run.transfers,
  });
  const workers = new WorkerProcesses({
    coordinator: server.address,
    token,
    count,
    threads,
    backend: prepared.backend,
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

function nextSteps(path: string, { job, backend }: PreparedJob, out: string): string[] {
  const other = job.cluster.workers === 1 ? 2 : 1;
  return [
    `${commandName()} train ${path} --workers ${other}    the same weights, bit for bit: compare weightsSha256 in run.json`,
    `${commandName()} check ${path}    layers, memory and every default`,
    ...(backend === 'wasm' ? [`${commandName()} doctor    how to get the faster kernels`] : []),
    `head ${out}/metrics.jsonl    loss, accuracy and learning rate of every step`,
  ];
}
