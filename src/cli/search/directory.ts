/** The folder that a search leaves behind, and who works on it. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { LockstepError } from '../../common/errors.js';
import { differences } from '../../search/definition.js';
import { searchRecordSchema, trialLineSchema, type SearchRecord, type TrialLine } from '../../search/records.js';
import { TEMPORARY_SUFFIX, writeFileAtomic } from '../../state/atomic-write.js';
import { fileError, systemErrorCode } from '../../state/file-errors.js';
import { makeFolder, namesIn } from '../../state/folders.js';
import { JsonLinesFile } from '../../state/json-lines.js';
import { defaultRunPath } from '../../state/run-directory.js';

const RECORD = 'search.json';
const TRIALS = 'trials.jsonl';
const LOCK = 'search.lock';

/** What must be the same for a search to be continued. */
export type Identity = Pick<SearchRecord, 'definition' | 'backend' | 'dataFingerprint'>;

/**
 *     search.json     what is searched, how far it came, the best trial; always whole
 *     trials.jsonl    a line for each trial and rung that has ended
 *     job.yaml        the job that is varied
 *     trials/<n>/     the run directory of each trial
 *     best.yaml       the job with the values of the best trial
 *     search.html     the same to look at
 */
export class SearchDirectory {
  readonly path: string;
  /** The job that the trials train. */
  readonly jobPath: string;
  readonly bestPath: string;
  readonly pagePath: string;
  /** Of the search that is continued; null for a new one. */
  readonly before: SearchRecord | null;
  readonly #lines: JsonLinesFile<TrialLine>;

  private constructor(path: string, before: SearchRecord | null) {
    this.path = path;
    this.before = before;
    this.jobPath = join(path, 'job.yaml');
    this.bestPath = join(path, 'best.yaml');
    this.pagePath = join(path, 'search.html');
    this.#lines = new JsonLinesFile(join(path, TRIALS));
  }

  /**
   * Makes the folder, or takes over one that holds the same search, and locks it.
   *
   * @param path null: the next free `searches/<name>-<n>`, or the last one where a search is resumed
   * @throws LockstepError `usage` where the folder holds another search, or this one and it is not resumed; `unavailable` while another
   *   process works on it
   */
  static async open(path: string | null, name: string, resume: boolean, identity: Identity): Promise<SearchDirectory> {
    const folder = path ?? (await defaultPath(name, resume));
    const before = await readRecord(folder);
    if (before !== null) refuseOther(folder, before, resume, identity);
    else if ((await namesIn(folder)).some((name) => !isBeginning(name))) {
      throw new LockstepError('usage', `${folder} is not empty and holds no search`, {
        hint: 'Choose another folder with --out.',
      });
    }
    await makeFolder(join(folder, 'trials'));
    await lock(folder);
    return new SearchDirectory(folder, before);
  }

  /** The run directory of a trial. */
  trialPath(trial: number): string {
    return join(this.path, 'trials', String(trial));
  }

  /** The results so far. @throws LockstepError `data` for a line that is none */
  async readLines(): Promise<readonly TrialLine[]> {
    return (await this.#lines.read()).map((line, index) => {
      // The line itself, with its keys in their order, as it may be written again.
      if (trialLineSchema.safeParse(line).success) return line;
      throw new LockstepError('data', `${this.#lines.path}, line ${index + 1}: not the result of a trial`, {
        hint: 'The file was changed or damaged. Without the line, its trial is looked at again with --resume auto.',
      });
    });
  }

  /** Resolves when the line is in the file. */
  async append(line: TrialLine): Promise<void> {
    void this.#lines.append(line);
    await this.#lines.flush();
  }

  /** Puts the lines of a finished search in its order: the file then tells nothing of who was faster. */
  async rewrite(lines: readonly TrialLine[]): Promise<void> {
    await writeFileAtomic(this.#lines.path, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  }

  async writeRecord(record: SearchRecord): Promise<void> {
    await writeFileAtomic(join(this.path, RECORD), `${JSON.stringify(record, null, 2)}\n`);
  }

  /** Lets others work on it. */
  async close(): Promise<void> {
    await rm(join(this.path, LOCK), { force: true });
  }
}

/** What a search that was killed before it had a record leaves behind. */
function isBeginning(name: string): boolean {
  return ['trials', 'job.yaml', LOCK].includes(name) || name.endsWith(TEMPORARY_SUFFIX);
}

async function defaultPath(name: string, resume: boolean): Promise<string> {
  const next = await defaultRunPath('searches', name);
  if (!resume) return next;
  const last = Number(/-(\d+)$/.exec(next)?.[1] ?? 1) - 1;
  return last < 1 ? next : next.replace(/\d+$/, String(last));
}

async function readRecord(folder: string): Promise<SearchRecord | null> {
  const file = join(folder, RECORD);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (thrown) {
    if (systemErrorCode(thrown) === 'ENOENT') return null;
    throw fileError('read', file, thrown);
  }
  try {
    return searchRecordSchema.parse(JSON.parse(text));
  } catch (thrown) {
    throw new LockstepError('data', `${file}: not the record of a search`, {
      hint: 'The file was changed or damaged. The runs in trials/ can still be used.',
      cause: thrown,
    });
  }
}

function refuseOther(folder: string, before: SearchRecord, resume: boolean, identity: Identity): void {
  if (!resume) {
    throw new LockstepError('usage', `${folder} holds a search already`, {
      hint: 'Choose another folder with --out, or go on with it: --resume auto.',
    });
  }
  const changed = [
    ...differences(before.definition, identity.definition),
    ...differences(before.backend, identity.backend, ['--backend']),
    ...(before.dataFingerprint === identity.dataFingerprint ? [] : ['the data']),
  ];
  if (changed.length === 0) return;
  const shown = changed.slice(0, 3).join('; ') + (changed.length > 3 ? `; and ${changed.length - 3} more` : '');
  throw new LockstepError(
    'usage',
    `${folder} cannot be continued, as something that decides results has changed: ${shown}`,
    {
      hint: 'Change it back, or start a new search with another --out.',
    },
  );
}

/** One process at a time works on a search. A lock whose process is gone counts for nothing. */
async function lock(folder: string): Promise<void> {
  const path = join(folder, LOCK);
  const own = `${process.pid} ${hostname()}\n`;
  for (;;) {
    try {
      await writeFile(path, own, { flag: 'wx' });
      return;
    } catch (thrown) {
      if (systemErrorCode(thrown) !== 'EEXIST') throw fileError('write', path, thrown);
    }
    const [pid = '', host = ''] = (await readFile(path, 'utf8').catch(() => '')).trim().split(' ');
    if (host !== '' && (host !== hostname() || isRunning(Number(pid)))) {
      throw new LockstepError('unavailable', `${folder}: process ${pid} of ${host} works on this search`, {
        hint: `Wait until it has ended. If there is no such process any more, remove ${path}.`,
      });
    }
    await rm(path, { force: true });
  }
}

function isRunning(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === 'EPERM';
  }
}
