/** `lockstep coordinator`: the coordinator alone; workers join from this host or others. */
import { EXIT_CODES } from '../common/errors.js';
import { checkListen, formatAddress, parseAddress } from '../rpc/address.js';
import { selectBackend } from '../kernels/select.js';
import { CoordinatorServer } from '../transport/coordinator-server.js';
import { jobFromFlags } from './job-flags.js';
import { openRun, orAbandon, wireFormats, type RunFlags } from './open-run.js';
import { commandName, joinToken } from './options.js';
import { endWithParent } from './parent.js';
import { onStopSignal } from './signals.js';

export interface CoordinatorFlags extends RunFlags {
  readonly listen: string;
  readonly insecure?: boolean;
  readonly endWithParent?: boolean;
}

export async function coordinate(path: string, flags: CoordinatorFlags): Promise<void> {
  if (flags.endWithParent === true) endWithParent();
  const listen = parseAddress(flags.listen, '--listen');
  checkListen(listen, flags.insecure === true, '--listen');
  if (flags.http !== undefined) checkListen(parseAddress(flags.http, '--http'), flags.insecure === true, '--http');
  const { job, baseDir } = jobFromFlags(path, flags);
  const selected = { job, baseDir, selection: selectBackend(flags.backend) };
  const { run, prepared, stage, logger, metrics, close } = await openRun(selected, flags, 'coordinator');
  let server: CoordinatorServer | null = null;
  const stopListening = onStopSignal(() => {
    metrics.setPhase('draining');
    logger.info('asked to stop: writing a checkpoint');
    run.stop();
  });
  try {
    const serving = CoordinatorServer.start({
      address: listen,
      security: { token: joinToken() },
      heartbeatTimeoutMs: prepared.job.cluster.heartbeatTimeoutMs,
      host: run,
      carrier: prepared.job.cluster.transport,
      lanes: prepared.job.cluster.connections,
      formats: () => wireFormats(prepared),
      transfers: run.transfers,
    });
    server = await orAbandon(run, serving);
    logger.info({ address: formatAddress(server.address) }, 'coordinator started');
    const outcome = await run.execute();
    logger.info({ status: outcome.status, steps: outcome.steps, weightsSha256: outcome.weightsSha256 }, 'run ended');
    metrics.setPhase('done');
    if (outcome.status === 'stopped') {
      process.exitCode = EXIT_CODES.drained;
      return;
    }
    await stage.finish(run, outcome, [
      `${commandName()} train ${path} --workers 1    the same weights, bit for bit, on one worker: compare weightsSha256`,
    ]);
  } finally {
    stopListening();
    await server?.close();
    await close();
  }
}
