/**
 * The coordinator of `lockstep bench scale`, in a process of its own. Told a {@link CoordinatorRequest} it says {port}, and when all
 * phases are over and the workers gone, {phases}: one {@link PhaseResult} for each.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { StepRecord } from '../../../coordinator/observer.js';
import type { PreparedJob } from '../../../coordinator/prepare.js';
import { TrainingRun } from '../../../coordinator/run.js';
import { LockstepError } from '../../common/errors.js';
import { packageVersion } from '../../common/package.js';
import { DenseDataset } from '../../data/dense.js';
import { jobHash } from '../../job/hash.js';
import { buildModel } from '../../nn/model.js';
import { createLogger } from '../../observe/logger.js';
import { unservedCoordinatorMetrics } from '../../observe/unserved.js';
import { CoordinatorServer } from '../../transport/coordinator-server.js';
import { temporaryFolder } from '../leftovers.js';
import { Conversation, serve } from '../lines.js';
import { median } from '../statistics.js';
import { SHARDS, phaseOf, scaleJob, type ScalePlan } from './plan.js';

export interface CoordinatorRequest extends ScalePlan {
  /** Where it listens. */
  readonly host: string;
  /** Network interface whose bytes are counted; null: none. */
  readonly device: string | null;
}

/** A step of a phase: medians of times, means of everything else. */
export interface PhaseResult {
  readonly stepMs: number;
  /** CPU time of the coordinator. */
  readonly cpuMs: number;
  /** Tensor bytes that the coordinator sent and received. */
  readonly sentBytes: number;
  readonly receivedBytes: number;
  /** Bytes through the device, headers and all. */
  readonly deviceBytes: DeviceBytes | null;
}

export interface DeviceBytes {
  readonly sent: number;
  readonly received: number;
}

/** Steps before an epoch is over, which is written down. */
const STEPS_PER_EPOCH = 10_000;

/** A job whose data nobody will look at. */
function prepare(plan: ScalePlan): PreparedJob {
  const job = scaleJob(plan);
  const [inputs = 1] = plan.widths;
  const size = SHARDS * STEPS_PER_EPOCH;
  const train = new DenseDataset([0], new Uint8Array(new SharedArrayBuffer(0)), labels(size));
  const classes = Array.from({ length: plan.widths.at(-1) ?? 1 }, (_, index) => String(index));
  return {
    job,
    jobHash: jobHash(job),
    baseDir: '/',
    backend: 'wasm',
    version: packageVersion(),
    data: {
      splits: { train, dev: null, test: null },
      featureShape: [inputs],
      classes,
      labelName: null,
      featureNames: null,
      fingerprint: '0'.repeat(64),
    },
    normalization: { mean: new Float32Array(inputs), inverseDeviation: new Float32Array(inputs) },
    model: buildModel(job.model, [inputs]),
    sizes: { train: size, dev: null, test: null },
    stepsPerEpoch: STEPS_PER_EPOCH,
  };
}

function labels(size: number): Float64Array<SharedArrayBuffer> {
  return new Float64Array(new SharedArrayBuffer(size * 8));
}

/** What has happened up to a moment. */
interface Counters {
  readonly cpuMs: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  readonly device: DeviceBytes | null;
}

class Meter {
  readonly #plan: CoordinatorRequest;
  readonly results: PhaseResult[] = [];
  readonly transfers = { sentBytes: 0, receivedBytes: 0 };
  #durations: number[] = [];
  #before: Counters;

  constructor(plan: CoordinatorRequest) {
    this.#plan = plan;
    this.#before = this.#count();
  }

  /** Takes down a step; returns whether it was the last one. */
  step({ step, durationMs, workers }: StepRecord): boolean {
    const { phases } = this.#plan;
    if (workers !== this.#plan.workers)
      throw new LockstepError('unavailable', `${workers} of ${this.#plan.workers} workers are left`);
    this.#durations.push(durationMs);
    const phase = phaseOf(phases, step - 1);
    if (this.#durations.length < (phases[phase]?.steps ?? 0)) return false;
    const now = this.#count();
    const steps = this.#durations.length;
    const { device } = now;
    const before = this.#before.device;
    this.results.push({
      stepMs: median(this.#durations),
      cpuMs: (now.cpuMs - this.#before.cpuMs) / steps,
      sentBytes: (now.sentBytes - this.#before.sentBytes) / steps,
      receivedBytes: (now.receivedBytes - this.#before.receivedBytes) / steps,
      deviceBytes:
        device === null || before === null
          ? null
          : { sent: (device.sent - before.sent) / steps, received: (device.received - before.received) / steps },
    });
    this.#before = now;
    this.#durations = [];
    return this.results.length === phases.length;
  }

  #count(): Counters {
    const { user, system } = process.cpuUsage();
    return { cpuMs: (user + system) / 1000, ...this.transfers, device: deviceBytes(this.#plan.device) };
  }
}

function deviceBytes(device: string | null): DeviceBytes | null {
  if (device === null) return null;
  const read = (counter: string): number =>
    Number(readFileSync(`/sys/class/net/${device}/statistics/${counter}_bytes`, 'utf8'));
  return { sent: read('tx'), received: read('rx') };
}

async function play(
  request: CoordinatorRequest,
  conversation: Conversation<CoordinatorRequest>,
): Promise<readonly PhaseResult[]> {
  const prepared = prepare(request);
  const { heartbeatTimeoutMs, transport, connections } = prepared.job.cluster;
  const folder = temporaryFolder();
  const meter = new Meter(request);
  const nothing = (): void => undefined;
  const run = await TrainingRun.start({
    prepared,
    out: join(folder.path, 'run'),
    resume: 'never',
    maxSteps: null,
    metrics: {
      ...unservedCoordinatorMetrics,
      stepCommitted({ sentBytes = 0, receivedBytes = 0 }) {
        meter.transfers.sentBytes += sentBytes;
        meter.transfers.receivedBytes += receivedBytes;
      },
    },
    logger: createLogger({ role: 'coordinator', level: 'silent' }),
    spectator: {
      phase: nothing,
      workers: nothing,
      step: (record) => {
        if (meter.step(record)) run.stop();
      },
      evaluated: nothing,
      epochCompleted: nothing,
    },
  });
  const server = await CoordinatorServer.start({
    address: { host: request.host, port: 0 },
    security: { token: null },
    heartbeatTimeoutMs,
    host: run,
    carrier: transport,
    lanes: connections,
    transfers: run.transfers,
  });
  conversation.say({ port: server.address.port });
  void conversation.ended.then(() => run.stop());
  try {
    await run.execute();
    return meter.results;
  } finally {
    await server.close();
    folder.remove();
  }
}

async function main(): Promise<void> {
  const conversation = new Conversation<CoordinatorRequest>();
  for (let request = await conversation.hear(); request !== null; request = await conversation.hear()) {
    const phases = await play(request, conversation);
    conversation.say({ phases });
  }
}

await serve(main);
