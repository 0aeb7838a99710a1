/**
 * A contestant of `lockstep bench train`: a run as `lockstep train` puts it together, worker processes and all, that stops between
 * two steps until it is asked for more. Its argument is a {@link LockstepSetup}; it says {ready}, and answers each
 * {@link TurnRequest} with a {@link TurnAnswer}.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { prepareJob } from '../../../coordinator/prepare.js';
import type { StepRecord } from '../../../coordinator/observer.js';
import { TrainingRun } from '../../../coordinator/run.js';
import { sharedArena, startLocalWorker } from '../../cli/local-worker.js';
import { WorkerProcesses } from '../../cli/worker-processes.js';
import { LockstepError } from '../../common/errors.js';
import type { JobDraft } from '../../job/job.js';
import { kernelFindings } from '../../kernels/inheritance.js';
import type { BackendName } from '../../kernels/kernels.js';
import { selectBackend } from '../../kernels/select.js';
import { createLogger } from '../../observe/logger.js';
import { unservedCoordinatorMetrics } from '../../observe/unserved.js';
import { CoordinatorServer } from '../../transport/coordinator-server.js';
import { temporaryFolder } from '../leftovers.js';
import { Conversation, serve } from '../lines.js';
import { lockstepJob, type LockstepSetup } from './jobs.js';
import { meanParts, partsOf, type StepParts, type TurnAnswer, type TurnRequest } from './turn.js';

const conversation = new Conversation<TurnRequest>();
const logger = createLogger({ role: 'train', level: 'silent' });

/** Stands between the steps: lets as many happen as were asked for, and measures them. */
class Gate {
  readonly #stop: () => void;
  readonly #alone: boolean;
  #left = 1;
  #begun: { readonly ms: number; readonly cpu: NodeJS.CpuUsage } | null = null;
  #parts: StepParts[] = [];

  /** @param alone all the work is done in this process. */
  constructor(alone: boolean, stop: () => void) {
    this.#alone = alone;
    this.#stop = stop;
  }

  async step(record: StepRecord): Promise<void> {
    this.#left -= 1;
    this.#parts.push(partsOf(record));
    if (this.#left > 0) return;
    conversation.say(this.#answer(record.loss));
    const request = await conversation.hear();
    if (request === null) this.#stop();
    this.#left = request?.steps ?? Infinity;
    this.#parts = [];
    this.#begun = { ms: performance.now(), cpu: process.cpuUsage() };
  }

  #answer(loss: number): TurnAnswer | { readonly ready: true } {
    if (this.#begun === null) return { ready: true };
    const { user, system } = process.cpuUsage(this.#begun.cpu);
    const ms = performance.now() - this.#begun.ms;
    return { ms, cpuMs: this.#alone ? (user + system) / 1000 : null, loss, parts: meanParts(this.#parts) };
  }
}

async function main(setup: LockstepSetup): Promise<void> {
  const { job, baseDir } = lockstepJob(setup);
  const { backend } = selectBackend(setup.backend);
  const folder = temporaryFolder();
  const here = setup.workers === 1;
  // Workers load their code and the data while this process does.
  const cluster = here ? null : new WorkerCluster(job, baseDir, backend);
  try {
    const prepared = await prepareJob(job, baseDir, backend);
    const arena = here ? sharedArena(prepared) : undefined;
    const gate = new Gate(here, () => run.stop());
    const nothing = (): void => undefined;
    const run = await TrainingRun.start({
      prepared,
      out: join(folder.path, 'run'),
      resume: 'never',
      maxSteps: null,
      metrics: unservedCoordinatorMetrics,
      logger,
      spectator: {
        phase: nothing,
        workers: nothing,
        step: (record) => gate.step(record),
        evaluated: nothing,
        epochCompleted: nothing,
      },
      arena,
    });
    void conversation.ended.then(() => run.stop());
    if (cluster !== null) await cluster.execute(run);
    else await executeHere(run, startLocalWorker(run, prepared, arena));
  } finally {
    await cluster?.workers.close();
    folder.remove();
  }
}

async function executeHere(run: TrainingRun, worker: ReturnType<typeof startLocalWorker>): Promise<void> {
  try {
    await run.execute();
  } finally {
    await worker.close();
  }
}

/** Worker processes, as `lockstep train` starts them. */
class WorkerCluster {
  readonly workers: WorkerProcesses;
  readonly #job: JobDraft;
  readonly #token = randomBytes(24).toString('base64url');

  constructor(job: JobDraft, baseDir: string, backend: BackendName) {
    const { workers: count, threads } = job.cluster;
    this.#job = job;
    this.workers = new WorkerProcesses({ token: this.#token, count, threads, backend });
    this.workers.prepare({ job, baseDir, kernels: kernelFindings(), traced: false });
  }

  async execute(run: TrainingRun): Promise<void> {
    const { heartbeatTimeoutMs, transport, connections } = this.#job.cluster;
    const server = await CoordinatorServer.start({
      address: { host: '127.0.0.1', port: 0 },
      security: { token: this.#token },
      heartbeatTimeoutMs,
      host: run,
      carrier: transport,
      lanes: connections,
      transfers: run.transfers,
    });
    // A measurement with fewer workers than it says would be none.
    const ended = (reason: string): void => run.trainer.fail(new LockstepError('unavailable', reason));
    this.workers.supervise({ logger, ended });
    this.workers.dial(server.address);
    try {
      await run.execute();
    } finally {
      await this.workers.close();
      await server.close();
    }
  }
}

await serve(main);
