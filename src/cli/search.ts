/** `lockstep search`: trains a job with many values of its keys and finds the best of them. */
import { readFileSync } from 'node:fs';
import { prepareJob } from '../../coordinator/prepare.js';
import { systemClock } from '../common/clock.js';
import { EXIT_CODES, LockstepError } from '../common/errors.js';
import { formatPlural } from '../common/format.js';
import type { BackendName } from '../kernels/kernels.js';
import { selectBackend, type BackendChoice } from '../kernels/select.js';
import { checkListen, parseAddress, type Address } from '../rpc/address.js';
import { workOf } from '../search/plan.js';
import { definitionOf } from '../search/definition.js';
import { loadSearch, type LoadedSearch } from '../search/load.js';
import { inSearchOrder, leaderboard, type SearchRecord, type TrialLine } from '../search/records.js';
import { trialsAtOnce } from '../search/search.js';
import { commandName, shownPath } from './options.js';
import { openSearchDisplay, type SearchDisplay } from './search/display.js';
import { SearchDirectory } from './search/directory.js';
import { progressOf } from './search/progress.js';
import { SearchResults, writeTrialJob } from './search/results.js';
import { SearchRun } from './search/run-search.js';
import { TrialJobs } from './search/trial-jobs.js';
import { onStopSignal } from './signals.js';

export interface SearchFlags {
  readonly out?: string;
  readonly resume: string;
  readonly workers?: number;
  readonly backend: BackendChoice;
  readonly listen?: string;
  readonly insecure?: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

export async function search(path: string, flags: SearchFlags): Promise<void> {
  const loaded = withWorkers(loadSearch(path), flags.workers);
  const listen = listenAddress(loaded, flags);
  const { backend } = selectBackend(flags.backend);
  const dataFingerprint = await checkData(loaded, backend);
  const definition = definitionOf(loaded.search, loaded.base);
  const identity = { definition, backend, dataFingerprint };
  const directory = await SearchDirectory.open(
    flags.out ?? null,
    loaded.search.name,
    flags.resume === 'auto',
    identity,
  );
  try {
    await new SearchCommand(path, loaded, directory, identity).execute(flags, listen);
  } finally {
    await directory.close();
  }
}

/** @throws LockstepError `usage` for fewer workers than one trial takes */
function withWorkers(loaded: LoadedSearch, workers: number | undefined): LoadedSearch {
  if (workers === undefined) return loaded;
  const needed = loaded.base.job.cluster.workers;
  if (workers < needed) {
    throw new LockstepError('usage', `--workers ${workers}: a trial of this job takes ${needed} workers`, {
      hint: 'Give the workers of the whole search, or add set: { cluster.workers: 1 } to the search file.',
    });
  }
  return { ...loaded, search: { ...loaded.search, workers } };
}

/**
 * Where trials take workers from other hosts; null when they start their own.
 *
 * @throws LockstepError `usage` for an address that cannot be listened on
 */
function listenAddress({ search: searched, base }: LoadedSearch, flags: SearchFlags): Address | null {
  if (flags.listen === undefined) return null;
  const listen = parseAddress(flags.listen, '--listen');
  checkListen(listen, flags.insecure === true, '--listen');
  const last = listen.port + trialsAtOnce(searched, base.job) - 1;
  if (listen.port === 0 || last > 65_535) {
    throw new LockstepError('usage', `--listen ${flags.listen}: expected a port that others can dial, up to 65535`, {
      hint: 'Each trial that runs at once takes a port of its own, from this one on.',
    });
  }
  return listen;
}

function invitation(listen: Address, places: number, workers: number): string {
  const ports =
    places === 1 ? `port ${listen.port}` : `each of the ports ${listen.port} to ${listen.port + places - 1}`;
  return `Waiting for ${formatPlural(workers, 'worker')} on ${ports}: ${commandName()} worker --stay --coordinator HOST:PORT`;
}

/** Finds out before the first trial whether data and model fit. @returns the fingerprint of the data */
async function checkData({ search: { objective }, base }: LoadedSearch, backend: BackendName): Promise<string> {
  const { data } = await prepareJob(base.job, base.baseDir, backend);
  const classes = data.classes?.length ?? 0;
  if (objective.metric === 'auc' && classes !== 2) {
    throw new LockstepError('job', `objective: auc is there for two classes only; the data has ${classes}`, {
      hint: 'Choose another one: error, loss, accuracy or f1.',
    });
  }
  return data.fingerprint;
}

class SearchCommand {
  readonly #path: string;
  readonly #loaded: LoadedSearch;
  readonly #directory: SearchDirectory;
  readonly #identity: Pick<SearchRecord, 'definition' | 'backend' | 'dataFingerprint'>;
  readonly #startedMs = systemClock.monotonic();

  constructor(
    path: string,
    loaded: LoadedSearch,
    directory: SearchDirectory,
    identity: Pick<SearchRecord, 'definition' | 'backend' | 'dataFingerprint'>,
  ) {
    this.#path = path;
    this.#loaded = loaded;
    this.#directory = directory;
    this.#identity = identity;
  }

  async execute(flags: SearchFlags, listen: Address | null): Promise<void> {
    const { search: searched, base } = this.#loaded;
    const directory = this.#directory;
    if (directory.before === null) await writeTrialJob(this.#loaded, directory);
    const jobs = new TrialJobs(readJob(directory.jobPath), directory.path, searched.plan.parameters);
    const before = await directory.readLines();
    const results = new SearchResults(this.#loaded, directory, this.#identity, before.length);
    const display = await openSearchDisplay({ flags, clock: systemClock });
    const doneBefore = workOf(searched.plan, before).done;
    const view = {
      classification: base.job.data.task === 'classification',
      startedMs: this.#startedMs,
      clock: systemClock,
    };
    const run: SearchRun = new SearchRun({
      search: searched,
      directory,
      jobs,
      backend: this.#identity.backend as BackendName,
      trialsAtOnce: trialsAtOnce(searched, base.job),
      listen,
      lines: before,
      clock: systemClock,
      observer: {
        moved: () => display.update(() => progressOf(searched, run, view, doneBefore)),
        ended: async (line) => {
          display.ended(line, progressOf(searched, run, view, doneBefore));
          await results.write(run.lines, 'running');
        },
      },
    });
    await results.write(before, 'running');
    const stopListening = onStopSignal(() => run.stop());
    display.say(`${searched.name}: ${shownPath(directory.path)}`);
    if (listen !== null) display.say(invitation(listen, trialsAtOnce(searched, base.job), base.job.cluster.workers));
    display.keepTicking(() => progressOf(searched, run, view, doneBefore));
    let record: SearchRecord;
    try {
      const status = await run.execute();
      record = await results.write(run.lines, status);
    } catch (thrown) {
      await results.write(run.lines, 'stopped').catch(() => undefined);
      throw thrown;
    } finally {
      stopListening();
      display.stop();
    }
    if (record.status === 'stopped') this.#stopped(display, record);
    else this.#finish(display, record, run.lines);
  }

  #stopped(display: SearchDisplay, { counts }: SearchRecord): void {
    process.exitCode = EXIT_CODES.drained;
    const again = `${commandName()} search ${this.#path} --out ${shownPath(this.#directory.path)} --resume auto`;
    const ended = counts.done + counts.cut + counts.failed;
    display.say(`Stopped after ${ended} of ${counts.trials} trials; nothing is lost. To go on: ${again}`);
  }

  #finish(display: SearchDisplay, record: SearchRecord, lines: readonly TrialLine[]): void {
    const { search: searched, base } = this.#loaded;
    const { best, counts } = record;
    if (best === null) {
      const [first] = inSearchOrder(lines).filter(({ error }) => error !== undefined);
      throw new LockstepError(
        'job',
        `all ${counts.trials} trials have failed; the first: ${first?.error?.message ?? 'without a word'}`,
        {
          hint: `Each is in ${shownPath(this.#directory.path)}/trials.jsonl with its reason. Try smaller learning rates.`,
        },
      );
    }
    const out = shownPath(this.#directory.path);
    display.finish(
      {
        name: searched.name,
        metric: searched.objective.metric,
        classification: base.job.data.task === 'classification',
        keys: searched.plan.parameters.map(({ key }) => key),
        counts,
        best: leaderboard(searched.plan, lines)
          .filter(({ objective }) => objective !== null)
          .slice(0, 5),
        elapsedMs: systemClock.monotonic() - this.#startedMs,
        directory: out,
        weightsSha256: best.weightsSha256,
        next: [
          `${commandName()} train ${out}/best.yaml    the best trial again: the same weights`,
          `${commandName()} check ${out}/best.yaml    its layers, memory and every default`,
          `open ${out}/search.html    which parameters matter, trial by trial`,
        ],
      },
      record,
    );
  }
}

function readJob(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (thrown) {
    throw new LockstepError('usage', `${path} cannot be read; a search cannot be continued without it`, {
      hint: 'Start a new search with another --out.',
      cause: thrown,
    });
  }
}
