import { readFileSync } from 'node:fs';
import { basename, dirname, extname, resolve } from 'node:path';
import { LockstepError } from '../common/errors.js';
import { filledDefaults, type FilledDefault } from './defaults.js';
import type { JobDraft } from './job.js';
import { jobJsonSchema } from './json-schema.js';
import { applyOverride, parseOverride } from './overrides.js';
import { problemsOf, type Problem } from './problems.js';
import { Report } from './report.js';
import { resolveJob } from './resolve.js';
import { checkJob } from './rules.js';
import { jobSchema } from './schema.js';
import { readSource } from './source.js';

const HINT = 'docs/job-file.md describes every key: unit, range and default.';

export interface LoadedJob {
  readonly job: JobDraft;
  /** The job file, as it was given. */
  readonly path: string;
  /** The folder that relative paths in the job start from, absolute. */
  readonly baseDir: string;
  /** Every value that the file and the overrides left to its default, in the order of `job`. */
  readonly defaults: readonly FilledDefault[];
  /** The text of the file. */
  readonly source: string;
}

export interface LoadOptions {
  /** `KEY=VALUE`, as given with `--set`; applied in this order. */
  readonly overrides?: readonly string[];
}

/**
 * Reads, checks and completes a job file.
 *
 * @throws LockstepError `job`, with one line per problem: `file:line:column: key: what was expected, what was found`;
 *   `usage` when an override is not of the form `KEY=VALUE`
 */
export function loadJob(path: string, options: LoadOptions = {}): LoadedJob {
  return parseJob(readText(path, 'job file'), { ...options, file: path });
}

/** @param what it is, for the message: `job file` */
export function readText(path: string, what: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new LockstepError('job', `${path}: the ${what} cannot be read: ${reasonOf(error)}`, { cause: error });
  }
}

/** Why a file cannot be read, without its path. */
function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EISDIR') return 'it is a folder';
  if (code === 'EACCES') return 'permission denied';
  return error instanceof Error ? error.message : String(error);
}

/** `loadJob` for a text at hand; `file` is what messages call it, and gives the default name and `baseDir`. */
export function parseJob(
  text: string,
  { file, overrides: given = [] }: LoadOptions & { readonly file: string },
): LoadedJob {
  const overrides = given.map(parseOverride);
  const source = readSource(text);
  const report = new Report({ file, source, overrides, hint: HINT });
  if (source.value === undefined) throw report.error([]);

  const written = overrides.reduce(applyOverride, source.value);
  const { job, problems } = completeJob(written, defaultName(file));
  if (job === null || problems.length > 0 || source.problems.length > 0) throw report.error(problems);
  return { job, path: file, baseDir: dirname(resolve(file)), defaults: filledDefaults(job, written), source: text };
}

/**
 * A job as written, with every default filled in, and what is wrong with it: null where values do not fit their keys, a job that
 * contradicts itself where `problems` is not empty.
 */
export function completeJob(
  written: unknown,
  name: string,
): { readonly job: JobDraft | null; readonly problems: readonly Problem[] } {
  const parsed = jobSchema.safeParse(written);
  if (!parsed.success) return { job: null, problems: problemsOf(parsed.error, written, jobJsonSchema()) };
  const job = resolveJob(parsed.data, name);
  return { job, problems: checkJob(job) };
}

/** The file name without its extension, with `-` for what a name cannot have. */
export function defaultName(file: string): string {
  const name = basename(file, extname(file))
    .replaceAll(/[^A-Za-z0-9._-]/g, '-')
    .replace(/^[._-]+/, '')
    .slice(0, 100);
  return name === '' ? 'job' : name;
}
