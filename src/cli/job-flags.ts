/** The flags that several commands take for a job, and what they make of its file. */
import type { JobDraft } from '../job/job.js';
import { loadJob, type LoadedJob } from '../job/load.js';
import type { BackendChoice } from '../kernels/select.js';

export interface JobFlags {
  readonly set: readonly string[];
  readonly backend: BackendChoice;
  readonly workers?: number;
  readonly threads?: number;
}

/** The job file with the flags of the command line on top. */
export function jobFromFlags(path: string, flags: Omit<JobFlags, 'backend'>): LoadedJob {
  const loaded = loadJob(path, { overrides: flags.set });
  const cluster = {
    ...loaded.job.cluster,
    ...(flags.workers === undefined ? {} : { workers: flags.workers }),
    ...(flags.threads === undefined ? {} : { threads: flags.threads }),
  };
  const job: JobDraft = { ...loaded.job, cluster };
  return { ...loaded, job };
}
