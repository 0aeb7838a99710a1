/** What `train` and `coordinator` have in common: from a job file and flags to a run that is ready to take workers. */
import { prepareJob, type PreparedJob } from '../../coordinator/prepare.js';
import type { Reception } from '../../coordinator/reception.js';
import { TrainingRun } from '../../coordinator/run.js';
import type { JobDraft } from '../job/job.js';
import type { Arena } from '../kernels/arena.js';
import type { BackendSelection } from '../kernels/select.js';
import type { CoordinatorMetrics } from '../observe/coordinator-metrics.js';
import type { HttpEndpoint } from '../observe/http.js';
import { createLogger, type Logger } from '../observe/logger.js';
import type { Served } from '../observe/metrics.js';
import { unservedCoordinatorMetrics } from '../observe/unserved.js';
import type { WireFormats } from '../transport/wire-codec.js';
import type { JobFlags } from './job-flags.js';
import { openStage, type Stage } from './spectator.js';
import type { RequestedTrace, TraceFlags } from './tracing.js';

export interface RunFlags extends JobFlags, TraceFlags {
  readonly out?: string;
  readonly resume: string;
  readonly maxSteps?: number;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly logLevel?: string;
  readonly http?: string;
}

export interface OpenRun {
  readonly run: TrainingRun;
  readonly prepared: PreparedJob;
  readonly stage: Stage;
  readonly logger: Logger;
  readonly metrics: CoordinatorMetrics;
  /** Memory shared by the coordinator and a worker in this process. */
  readonly arena: Arena | undefined;
  /** Ends the display, the HTTP endpoint and the trace, once nothing more will come from the workers. */
  readonly close: () => Promise<void>;
}

/** A job and what it is computed with. */
export interface SelectedJob {
  readonly job: JobDraft;
  readonly baseDir: string;
  readonly selection: BackendSelection;
}

/** What a run has for its workers. */
export interface Accommodation {
  /** Memory to share with a worker in this process. */
  readonly memory?: (prepared: PreparedJob) => Arena | undefined;
  /** Where workers have come to already; it is opened when the run is. */
  readonly reception?: Reception;
}

/** @throws LockstepError `job`, `data` or `usage`, before anything is written.
 */
export async function openRun(
  { job, baseDir, selection }: SelectedJob,
  flags: RunFlags,
  role: 'train' | 'coordinator',
  { memory, reception }: Accommodation = {},
): Promise<OpenRun> {
  const { backend, reason } = selection;
  const prepared = await prepareJob(job, baseDir, backend);
  const arena = memory?.(prepared);
  const maxSteps = flags.maxSteps ?? null;
  const trace = await requestedTrace(flags);
  const stage = await openStage(prepared, flags, maxSteps);
  const destination = stage.display.logDestination;
  const logger = createLogger({
    role,
    ...(flags.json === true ? { json: true } : {}),
    ...(flags.logLevel === undefined ? {} : { level: flags.logLevel }),
    ...(destination === undefined ? {} : { destination }),
  });
  const served = flags.http === undefined ? null : await metricsToServe(prepared);
  const metrics = served ?? unservedCoordinatorMetrics;
  let http: HttpEndpoint | null = null;
  const close = async (): Promise<void> => {
    stage.display.stop();
    await http?.close();
    trace?.close(logger);
  };
  try {
    const { out = null, resume } = flags;
    const { spectator } = stage;
    const run = await TrainingRun.start({
      prepared,
      out,
      resume,
      maxSteps,
      metrics,
      logger,
      spectator,
      arena,
      trace: trace?.start,
      reception,
    });
    stage.begin(run.resumedSteps);
    if (flags.http !== undefined && served !== null) {
      const { startHttp } = await import('../observe/http.js');
      const serving = startHttp({ listen: flags.http, registry: served.registry, health: () => run.health() });
      http = await orAbandon(run, serving);
    }
    logger.info({ job: job.name, backend, why: reason, out: run.directory.path }, 'run opened');
    reception?.open(run);
    return { run, prepared, stage, logger, metrics, arena, close };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}

/** null when no trace is asked for. */
async function requestedTrace(flags: TraceFlags): Promise<RequestedTrace | null> {
  if (flags.trace === undefined && flags.traceSteps === undefined) return null;
  const { RequestedTrace: Requested } = await import('./tracing.js');
  return new Requested(flags);
}

async function metricsToServe({ version, backend }: PreparedJob): Promise<Served<CoordinatorMetrics>> {
  const { createCoordinatorMetrics } = await import('../observe/coordinator-metrics.js');
  return createCoordinatorMetrics({ build: { version, backend } });
}

/** What the gradients and weights of a job travel in. */
export function wireFormats({ job, model }: PreparedJob): WireFormats {
  return { ...job.training.wireFormat, parameterElements: model.parameterElements };
}

/** What a run needs to be served; a run that cannot have it is abandoned. */
export async function orAbandon<Served>(run: TrainingRun, serving: Promise<Served>): Promise<Served> {
  try {
    return await serving;
  } catch (thrown) {
    await run.abandon(thrown);
    throw thrown;
  }
}
