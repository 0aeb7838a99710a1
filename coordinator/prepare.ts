/** Everything about a job that can be found out before anything is written: data, model, sizes, a place for the state. */
import { packageVersion } from '../src/common/package.js';
import { loadData, type LoadedData } from '../src/data/load.js';
import { computeNormalization, type Normalization } from '../src/data/normalization.js';
import { updatesPerEpoch } from '../src/data/sampler.js';
import { sizeJob } from '../src/job/batch-size.js';
import { jobHash } from '../src/job/hash.js';
import type { Job, JobDraft, SplitName } from '../src/job/job.js';
import type { BackendName } from '../src/kernels/kernels.js';
import { buildModel, checkOutputs, type Model } from '../src/nn/model.js';

export interface PreparedJob {
  readonly job: Job;
  readonly jobHash: string;
  readonly baseDir: string;
  readonly backend: BackendName;
  readonly version: string;
  readonly data: LoadedData;
  readonly normalization: Normalization;
  readonly model: Model;
  readonly sizes: Readonly<Record<SplitName, number | null>>;
  readonly stepsPerEpoch: number;
}

/** @throws LockstepError `data` for data that cannot be read, `job` for a model that does not fit it. */
export async function prepareJob(draft: JobDraft, baseDir: string, backend: BackendName): Promise<PreparedJob> {
  const data = await loadData(draft.data, { baseDir, seed: draft.seed });
  const job = sizeJob(draft, data.splits.train.size);
  const model = buildModel(job.model, data.featureShape);
  checkOutputs(model, job.training.loss, data.classes?.length ?? null);
  const { train, dev, test } = data.splits;
  return {
    job,
    jobHash: jobHash(job),
    baseDir,
    backend,
    version: packageVersion(),
    data,
    normalization: computeNormalization(train, job.data.normalize),
    model,
    sizes: { train: train.size, dev: dev?.size ?? null, test: test?.size ?? null },
    stepsPerEpoch: updatesPerEpoch(train.size, job.training.batchSize, job.training.accumulate),
  };
}
