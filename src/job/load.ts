import { readFileSync } from 'node:fs';
import { basename, dirname, extname, resolve } from 'node:path';
import { LockstepError } from '../common/errors.js';
import { filledDefaults, type FilledDefault } from './defaults.js';
import type { JobDraft } from './job.js';
import { applyOverride, parseOverride, type Override } from './overrides.js';
import { formatPath, startsWith } from './path.js';
import { problemsOf, type Problem } from './problems.js';
import { resolveJob } from './resolve.js';
import { checkJob } from './rules.js';
import { jobSchema } from './schema.js';
import { readSource, type Source } from './source.js';

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
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new LockstepError('job', `${path}: the job file cannot be read: ${reasonOf(error)}`, { cause: error });
  }
  return parseJob(text, { ...options, file: path });
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
  const report = new Report(file, source, overrides);
  if (source.value === undefined) throw report.error([]);

  const written = overrides.reduce(applyOverride, source.value);
  const parsed = jobSchema.safeParse(written);
  if (!parsed.success) throw report.error(problemsOf(parsed.error, written));

  const job = resolveJob(parsed.data, defaultName(file));
  const problems = checkJob(job);
  if (problems.length > 0 || source.problems.length > 0) throw report.error(problems);
  return { job, path: file, baseDir: dirname(resolve(file)), defaults: filledDefaults(job, written), source: text };
}

/** The file name without its extension, with `-` for what a name cannot have. */
function defaultName(file: string): string {
  const name = basename(file, extname(file))
    .replaceAll(/[^A-Za-z0-9._-]/g, '-')
    .replace(/^[._-]+/, '')
    .slice(0, 100);
  return name === '' ? 'job' : name;
}

/** Finds out where problems stand, and says so. */
class Report {
  constructor(
    private readonly file: string,
    private readonly source: Source,
    private readonly overrides: readonly Override[],
  ) {}

  /** All problems of the file from the first line to the last, then those of overrides. */
  error(problems: readonly Problem[]): LockstepError {
    const fromSource = this.source.problems.map(({ offset, path, message }) => ({
      offset,
      text: label(path, message),
    }));
    const located = [...fromSource, ...problems.map((problem) => this.locate(problem))].sort(
      (a, b) => a.offset - b.offset,
    );
    const lines = located.map(({ offset, text }) => {
      if (offset === Infinity) return text;
      const { line, column } = this.source.position(offset);
      return `${this.file}:${line}:${column}: ${text}`;
    });
    return new LockstepError('job', lines.join('\n'), {
      hint: 'docs/job-file.md describes every key: unit, range and default.',
    });
  }

  private locate(problem: Problem): { readonly offset: number; readonly text: string } {
    const { path, message, related = [], atKey = false } = problem;
    const places = [path, ...related];
    const at = this.source.offsetOf(path, atKey);
    const override =
      this.overrides.findLast((candidate) => places.some((place) => startsWith(place, candidate.path))) ??
      (at === null ? this.overrides.findLast((candidate) => startsWith(candidate.path, path)) : undefined);
    if (override !== undefined) {
      const same = formatPath(override.path) === formatPath(path);
      return { offset: Infinity, text: `--set ${override.text}: ${same ? message : label(path, message)}` };
    }
    return { offset: at ?? this.nearest(problem), text: label(path, message) };
  }

  /** Where to point for something that is not in the file: at a related field, or at what should contain it. */
  private nearest({ path, related = [] }: Problem): number {
    for (const place of related) {
      const offset = this.source.offsetOf(place, false);
      if (offset !== null) return offset;
    }
    for (let length = path.length - 1; length >= 0; length--) {
      const offset = this.source.offsetOf(path.slice(0, length), true);
      if (offset !== null) return offset;
    }
    return 0;
  }
}

function label(path: Problem['path'], message: string): string {
  return path.length === 0 ? message : `${formatPath(path)}: ${message}`;
}
