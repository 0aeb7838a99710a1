/** The jobs of the trials: what they are called, how long they are, and how `lockstep train` is told. */
import { LockstepError } from '../../common/errors.js';
import type { BackendName } from '../../kernels/kernels.js';
import { updatesPerEpoch } from '../../data/sampler.js';
import { loadData } from '../../data/load.js';
import { sizeJob } from '../../job/batch-size.js';
import { jobHash } from '../../job/hash.js';
import { completeJob } from '../../job/load.js';
import type { Job, JobDraft } from '../../job/job.js';
import { replaceAt } from '../../job/overrides.js';
import { label } from '../../job/report.js';
import { readSource } from '../../job/source.js';
import { inOrder } from '../../search/corners.js';
import { formatAddress, type Address } from '../../rpc/address.js';
import type { Task, Trial } from '../../search/plan.js';
import type { Parameter } from '../../search/space.js';

/** A trial up to the end of a rung. */
export interface TrialJob {
  readonly job: Job;
  readonly jobHash: string;
  /** Of the whole run, at the end of the task. */
  readonly steps: number;
}

export class TrialJobs {
  readonly #written: unknown;
  readonly #baseDir: string;
  readonly #parameters: readonly Parameter[];
  /** Training samples by data specification. */
  readonly #sizes = new Map<string, Promise<number>>();

  /** @param text YAML of the job that trials train, valid with every trial's values; `baseDir` is its folder */
  constructor(text: string, baseDir: string, parameters: readonly Parameter[]) {
    this.#written = readSource(text).value;
    this.#baseDir = baseDir;
    this.#parameters = parameters;
  }

  /** By key of the job. */
  values({ values }: Trial): Readonly<Record<string, unknown>> {
    return Object.fromEntries(this.#parameters.map(({ key }, index) => [key, values[index]]));
  }

  /** The values by path, those of whole mappings before those within them. */
  placed({
    values,
  }: Trial): readonly { readonly key: string; readonly path: Parameter['path']; readonly value: unknown }[] {
    return inOrder(this.#parameters.map(({ key, path }, index) => ({ key, path, value: values[index] })));
  }

  /** @throws LockstepError `job` for values that do not go together, `data` for data that cannot be read */
  async of({ trial, epochs }: Task): Promise<TrialJob> {
    const written = this.placed(trial).reduce((job, { path, value }) => replaceAt(job, path, value), this.#written);
    const { job: draft, problems } = completeJob(written, 'job');
    if (draft === null || problems.length > 0) {
      const messages = problems.map(({ path, message }) => label(path, message));
      throw new LockstepError('job', `these values do not make a job: ${messages.join('; ')}`);
    }
    const samples = await this.#trainSize(draft);
    const job = sizeJob(draft, samples);
    const perEpoch = updatesPerEpoch(samples, job.training.batchSize, job.training.accumulate);
    return { job, jobHash: jobHash(job), steps: perEpoch * (epochs ?? job.training.epochs) };
  }

  /** The command that trains a trial, with its arguments. @param listen where it takes its workers; null: it starts its own */
  commandLine(
    task: Task,
    { job, steps }: TrialJob,
    paths: { readonly job: string; readonly out: string },
    backend: BackendName,
    listen: Address | null,
  ): readonly string[] {
    return [
      // What may listen where has been checked for the search.
      ...(listen === null ? ['train'] : ['coordinator', '--listen', formatAddress(listen), '--insecure']),
      paths.job,
      ...this.placed(task.trial).flatMap(({ key, value }) => ['--set', `${key}=${JSON.stringify(value)}`]),
      '--out',
      paths.out,
      '--resume',
      'auto',
      '--workers',
      String(job.cluster.workers),
      '--backend',
      backend,
      ...(task.epochs === null ? [] : ['--max-steps', String(steps)]),
    ];
  }

  #trainSize({ data, seed }: JobDraft): Promise<number> {
    const key = JSON.stringify([data, seed]);
    let size = this.#sizes.get(key);
    if (size === undefined) {
      size = loadData(data, { baseDir: this.#baseDir, seed }).then(({ splits }) => splits.train.size);
      this.#sizes.set(key, size);
    }
    return size;
  }
}
