/** Reads, checks and completes a search file together with its job. */
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { Document } from 'yaml';
import type { JobDraft } from '../job/job.js';
import { completeJob, defaultName, loadJob, readText } from '../job/load.js';
import { problemsOf, type Problem } from '../job/problems.js';
import { Report } from '../job/report.js';
import { readSource } from '../job/source.js';
import { checkCorners, inSearchFile, place, type Placement } from './corners.js';
import { checkAgainstJob, checkedPath, methodOf, parametersOf } from './rules.js';
import { searchJsonSchema, searchSchema, type ParsedSearch } from './schema.js';
import { goalOf, type BaseJob, type Fixed, type Search } from './search.js';

export interface LoadedSearch {
  readonly search: Search;
  /** The search file, as it was given. */
  readonly path: string;
  readonly base: BaseJob;
}

/**
 * @throws LockstepError `job`, with one line per problem: `file:line:column: key: what was expected, what was found`, also for values of a space
 *   that the job does not accept
 */
export function loadSearch(path: string): LoadedSearch {
  return parseSearch(readText(path, 'search file'), path);
}

/** `loadSearch` for a text at hand; `file` is what messages call it, and where the path of the job starts from. */
export function parseSearch(text: string, file: string): LoadedSearch {
  const source = readSource(text);
  const report = new Report({ file, source, hint: 'docs/search.md describes every key of a search file.' });
  if (source.value === undefined) throw report.error([]);
  const parsed = searchSchema.safeParse(source.value);
  if (!parsed.success) throw report.error(problemsOf(parsed.error, source.value, searchJsonSchema()));
  const search = parsed.data;

  const { method, problems: ofMethod } = methodOf(search);
  const { parameters, problems: ofParameters } = parametersOf(search, method);
  const { fixed, problems: ofFixed } = fixedValues(search);
  const early = [...ofMethod, ...ofParameters, ...ofFixed];
  if (method === null || early.length > 0 || source.problems.length > 0) throw report.error(early);

  const base = baseJob(search, file);
  const { job, written, problems: ofJob } = withFixed(base, fixed);
  if (job === null || ofJob.length > 0) throw report.error(ofJob);
  const problems = [...checkAgainstJob(search, parameters, job), ...checkCorners(written, parameters)];
  if (problems.length > 0) throw report.error(problems);

  const goal = goalOf(search.objective);
  const plan = {
    seed: search.seed,
    method,
    parameters,
    halving: search.halving,
    goal,
    epochs: job.training.epochs,
  };
  return {
    search: {
      name: search.name ?? defaultName(file),
      plan,
      objective: { metric: search.objective, goal },
      fixed,
      workers: search.cluster.workers ?? job.cluster.workers,
    },
    path: file,
    base: { job, path: base.path, baseDir: base.baseDir, text: base.text },
  };
}

function fixedValues({ set, parameters }: ParsedSearch): {
  readonly fixed: readonly Fixed[];
  readonly problems: readonly Problem[];
} {
  const problems: Problem[] = [];
  const fixed = Object.entries(set).flatMap(([key, value]): readonly Fixed[] => {
    const at = ['set', key];
    const path = checkedPath(key, at, problems);
    if (Object.hasOwn(parameters, key)) {
      problems.push({
        path: at,
        message: 'expected a key that is not searched; found it among parameters',
        atKey: true,
      });
    }
    return path === null ? [] : [{ key, path, value }];
  });
  return { fixed, problems };
}

interface WrittenJob extends Omit<BaseJob, 'job'> {
  /** Plain values. */
  readonly written: unknown;
  /** The file of the job is the search file. */
  readonly inline: boolean;
}

/** @throws LockstepError `job` for a job file that is not valid by itself */
function baseJob({ job }: ParsedSearch, file: string): WrittenJob {
  if (typeof job !== 'string') {
    const text = new Document(job, { aliasDuplicateObjects: false }).toString();
    return { written: job, path: file, baseDir: dirname(resolve(file)), text, inline: true };
  }
  const loaded = loadJob(isAbsolute(job) ? job : join(dirname(file), job));
  return {
    written: readSource(loaded.source).value,
    path: loaded.path,
    baseDir: loaded.baseDir,
    text: loaded.source,
    inline: false,
  };
}

/** The job with the fixed values, and what is wrong with it in terms of the search file. */
function withFixed(
  { written, path, inline }: WrittenJob,
  fixed: readonly Fixed[],
): { readonly job: JobDraft | null; readonly written: unknown; readonly problems: readonly Problem[] } {
  const placements = fixed.map(({ key, path: inJob, value }): Placement => {
    return { path: inJob, value, at: ['set', key], keyAt: ['set', key] };
  });
  const placed = place(written, placements);
  if (placed.problem !== null) return { job: null, written, problems: [placed.problem] };
  const { job, problems } = completeJob(placed.written, defaultName(path));
  return {
    job,
    written: placed.written,
    problems: problems.map((problem) => {
      const moved = inSearchFile(problem, placements, ['job']);
      if (!inline || moved.path[0] !== 'job') return moved;
      const inJob = (at: Problem['path']): Problem['path'] => ['job', ...at];
      return { ...problem, path: inJob(problem.path), related: (problem.related ?? []).map(inJob) };
    }),
  };
}
