/** Puts down what a search comes to: the record, the best job, the page. */
import { isAbsolute, relative, resolve } from 'node:path';
import { packageVersion } from '../../common/package.js';
import { resolveDataPath } from '../../data/paths.js';
import type { Path } from '../../job/path.js';
import { fillJob } from '../../search/job-text.js';
import type { LoadedSearch } from '../../search/load.js';
import { searchPage } from '../../search/page/search-page.js';
import { bestOf, inSearchOrder, type Best, type SearchRecord, type TrialLine } from '../../search/records.js';
import { trialsAtOnce } from '../../search/search.js';
import { writeFileAtomic } from '../../state/atomic-write.js';
import { shownPath } from '../options.js';
import type { Identity, SearchDirectory } from './directory.js';
import { countNow } from './progress.js';
import { formatObjective, objectiveName } from './render.js';

/** Writes the job that the trials of a new search train. */
export async function writeTrialJob(loaded: LoadedSearch, directory: SearchDirectory): Promise<void> {
  await writeFileAtomic(directory.jobPath, jobText(loaded, directory, [], `${loaded.base.job.name}-trial`));
}

export class SearchResults {
  readonly #loaded: LoadedSearch;
  readonly #directory: SearchDirectory;
  readonly #identity: Identity;
  readonly #linesBefore: number;
  readonly #startedAt = new Date().toISOString();
  #lastWrite: Promise<unknown> = Promise.resolve();

  /** @param linesBefore results that were there at the start */
  constructor(loaded: LoadedSearch, directory: SearchDirectory, identity: Identity, linesBefore: number) {
    this.#loaded = loaded;
    this.#directory = directory;
    this.#identity = identity;
    this.#linesBefore = linesBefore;
  }

  /** Puts down how far the search has come, one state after the other. */
  write(lines: readonly TrialLine[], status: SearchRecord['status']): Promise<SearchRecord> {
    const written = this.#lastWrite.then(() => this.#writeNow([...lines], status));
    this.#lastWrite = written.catch(() => undefined);
    return written;
  }

  async #writeNow(lines: readonly TrialLine[], status: SearchRecord['status']): Promise<SearchRecord> {
    const { search: searched, base } = this.#loaded;
    const directory = this.#directory;
    const { plan, objective } = searched;
    const best = bestOf(plan, lines);
    const record: SearchRecord = {
      version: packageVersion(),
      name: searched.name,
      status,
      objective,
      counts: countNow(plan, lines, new Set()),
      best,
      workers: searched.workers,
      trialsAtOnce: trialsAtOnce(searched, base.job),
      startedAt: directory.before?.startedAt ?? this.#startedAt,
      finishedAt: status === 'running' ? null : (this.#finishedBefore(lines) ?? new Date().toISOString()),
      ...this.#identity,
    };
    await directory.writeRecord(record);
    const bestJob = best === null ? null : this.#bestText(record, best);
    if (bestJob !== null) await writeFileAtomic(directory.bestPath, bestJob);
    const { metric } = objective;
    const classification = base.job.data.task === 'classification';
    const page = searchPage({
      record,
      plan,
      lines,
      name: objectiveName(metric),
      format: (value) => formatObjective(metric, classification, value),
      best: bestJob,
      folder: shownPath(directory.path),
    });
    await writeFileAtomic(directory.pagePath, page);
    if (status === 'done') await directory.rewrite(inSearchOrder(lines));
    return record;
  }

  /** When all was done already: coming back to it changes nothing. */
  #finishedBefore(lines: readonly TrialLine[]): string | null {
    const { before } = this.#directory;
    return before?.status === 'done' && lines.length === this.#linesBefore ? before.finishedAt : null;
  }

  #bestText({ counts }: SearchRecord, best: Best): string {
    const {
      plan,
      objective: { metric },
    } = this.#loaded.search;
    const { job } = this.#loaded.base;
    const score = formatObjective(metric, job.data.task === 'classification', best.objective);
    const remarks = [
      `The best of ${counts.trials} trials, number ${best.trial}: ${objectiveName(metric)} ${score}.`,
      `weightsSha256 ${best.weightsSha256 ?? 'unknown'}, backend ${this.#identity.backend}`,
    ];
    const values = plan.parameters.map(({ key, path }) => ({ path, value: best.parameters[key] }));
    return jobText(this.#loaded, this.#directory, values, `${job.name}-best`, remarks);
  }
}

/** The job with other values, in the folder of the search. */
function jobText(
  { base, search: { fixed } }: LoadedSearch,
  { path }: SearchDirectory,
  values: readonly { readonly path: Path; readonly value: unknown }[],
  name: string,
  remarks: readonly string[] = [],
): string {
  const folder = resolve(path);
  return fillJob(base.text, {
    name: name.slice(0, 100),
    values: [...fixed, ...values],
    remarks,
    moved: (old) => movedPath(old, base.baseDir, folder),
  });
}

/** What a path of a job in the folder `from` is called in the folder `to`. */
function movedPath(path: string, from: string, to: string): string {
  if (isAbsolute(path)) return path;
  if (!path.startsWith('package:')) return relative(to, resolve(from, path));
  const here = resolveDataPath(path, from);
  try {
    if (resolveDataPath(path, to) === here) return path;
  } catch {
    // The new folder does not see the package.
  }
  return here;
}
