import { mkdir, readFile, rm, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { LockstepError } from '../common/errors.js';
import { TEMPORARY_SUFFIX, writeFileAtomic } from './atomic-write.js';
import { listCheckpoints } from './checkpoint.js';
import { fileError, systemErrorCode } from './file-errors.js';
import { makeFolder, namesIn, removeEmptyFolders } from './folders.js';
import { JsonLinesFile } from './json-lines.js';
import type { EvaluationRecord } from './evaluation-record.js';
import { runRecordSchema, type EventLine, type MetricsLine, type RunRecord } from './run-record.js';
import { writeSafetensors, type Tensor } from './safetensors.js';

const RECORD = 'run.json';
const METRICS = 'metrics.jsonl';
const EVENTS = 'events.jsonl';
const MODEL = 'model.safetensors';
const EVALUATION = 'evaluation.json';
const CHECKPOINTS = 'checkpoints';

/**
 * The folder that holds all that a run leaves behind:
 *
 *     run.json            what was run, how far it came, how it ended; always whole
 *     metrics.jsonl       one object per measurement
 *     events.jsonl        one object per event: membership, recoveries, checkpoints
 *     model.safetensors   the weights
 *     evaluation.json     what the model does on each split, in detail
 *     checkpoints/        what resuming needs
 *
 * One process at a time writes to it; others may read. Nothing is created before {@link RunDirectory.create}, so a run
 * whose job or data turn out bad leaves no trace. Other files in the folder are left alone.
 */
export class RunDirectory {
  readonly path: string;
  readonly modelPath: string;
  /** Folder for `saveCheckpoint` and `latestCheckpoint`. */
  readonly checkpointsPath: string;
  readonly metrics: JsonLinesFile<MetricsLine>;
  readonly events: JsonLinesFile<EventLine>;
  #record: RunRecord;
  #lastWrite: Promise<void> = Promise.resolve();
  /** Topmost folder made by `create`; undefined when the folder was there. */
  #firstCreated: string | undefined;

  private constructor(path: string, record: RunRecord) {
    this.path = path;
    this.modelPath = join(path, MODEL);
    this.checkpointsPath = join(path, CHECKPOINTS);
    this.metrics = new JsonLinesFile(join(path, METRICS));
    this.events = new JsonLinesFile(join(path, EVENTS));
    this.#record = record;
  }

  /**
   * Makes the folder and writes `run.json`.
   *
   * A run that is already there is continued when `resume` is set: its records stay (see {@link truncateMetricsAfter}),
   * and so does the time it started. One without any results is replaced.
   *
   * @throws LockstepError `usage` when the folder holds results and `resume` is not set, or results of another job
   */
  static async create(path: string, record: RunRecord, { resume = false } = {}): Promise<RunDirectory> {
    const existing = await readRecord(path);
    const results = await findResults(path);
    if (results !== null) refuseOtherRun(path, record, existing, results, resume);
    const continued = results !== null && existing !== null;
    const run = new RunDirectory(path, continued ? { ...record, startedAt: existing.startedAt } : record);
    run.#firstCreated = await makeFolder(path);
    if (!continued) await run.#removeFiles();
    await run.update({});
    return run;
  }

  /**
   * Makes the folder `<root>/<job name>-<n>` with the next free n; two processes that do so at once get different ones.
   */
  static async createNumbered(root: string, jobName: string, record: RunRecord): Promise<RunDirectory> {
    let firstCreated: string | undefined;
    for (;;) {
      firstCreated = (await makeFolder(root)) ?? firstCreated;
      const path = await defaultRunPath(root, jobName);
      try {
        await mkdir(path);
      } catch (thrown) {
        // Another process took the number, or gave up its run and with it the root.
        if (['EEXIST', 'ENOENT'].includes(systemErrorCode(thrown) ?? '')) continue;
        throw fileError('write', path, thrown);
      }
      const run = await RunDirectory.create(path, record);
      run.#firstCreated = firstCreated ?? path;
      return run;
    }
  }

  /**
   * An existing run, to read or to add to.
   *
   * @throws LockstepError `usage` when there is none, `data` when `run.json` is damaged
   */
  static async open(path: string): Promise<RunDirectory> {
    const record = await readRecord(path);
    if (record === null) {
      throw new LockstepError('usage', `${path} is not a run directory: it has no ${RECORD}`, {
        hint: 'Give the folder that was printed at the start of the training, such as runs/mnist-1.',
      });
    }
    return new RunDirectory(path, record);
  }

  /** What `run.json` says. */
  get record(): RunRecord {
    return this.#record;
  }

  /** Changes `run.json`, atomically; a key given as undefined is removed. Calls take effect in their order. */
  update(changes: { readonly [Key in keyof RunRecord]?: RunRecord[Key] }): Promise<void> {
    this.#record = { ...this.#record, ...changes };
    const text = `${JSON.stringify(this.#record, null, 2)}\n`;
    const write = this.#lastWrite.then(() => writeFileAtomic(join(this.path, RECORD), text));
    this.#lastWrite = write.catch(() => undefined);
    return write;
  }

  /** Adds a line to `metrics.jsonl`. */
  appendMetrics(line: MetricsLine): Promise<void> {
    return this.metrics.append(line);
  }

  /** Resolves when every line added so far is in its file. */
  async flush(): Promise<void> {
    await Promise.all([this.metrics.flush(), this.events.flush()]);
  }

  /** Adds a line to `events.jsonl`. */
  appendEvent(line: EventLine): Promise<void> {
    return this.events.append(line);
  }

  /**
   * Drops what a run that resumes after `step` steps will measure again: the metrics of later steps, evaluations at that very
   * step, and final scores. −1 drops all.
   */
  truncateMetricsAfter(step: number): Promise<void> {
    return this.metrics.filter(
      (line) => line.final !== true && (line.step < step || (line.step === step && line.evaluation !== true)),
    );
  }

  /** Writes `model.safetensors`, atomically. The tensors are copied before the first await. */
  writeModel(tensors: readonly Tensor[], metadata: Readonly<Record<string, string>> = {}): Promise<void> {
    return writeSafetensors(this.modelPath, tensors, metadata);
  }

  /** Writes `evaluation.json`, atomically. */
  writeEvaluation(record: EvaluationRecord): Promise<void> {
    return writeFileAtomic(join(this.path, EVALUATION), `${JSON.stringify(record)}\n`);
  }

  /**
   * Removes the run when it has no results (no metrics, model or checkpoint), together with the folders made for it.
   *
   * @returns whether it was removed
   */
  async discardIfEmpty(): Promise<boolean> {
    await this.#lastWrite;
    if ((await findResults(this.path)) !== null) return false;
    await this.#removeFiles();
    if (this.#firstCreated !== undefined) await removeEmptyFolders(this.path, this.#firstCreated);
    return true;
  }

  /** Removes what a run without results has written. */
  async #removeFiles(): Promise<void> {
    const names = await namesIn(this.path);
    const own = names.filter(
      (name) =>
        [RECORD, METRICS, EVENTS, EVALUATION].includes(name) ||
        (name.startsWith('.') && name.endsWith(TEMPORARY_SUFFIX)),
    );
    await Promise.all(own.map((name) => rm(join(this.path, name), { force: true })));
    await rmdir(this.checkpointsPath).catch(() => undefined);
  }
}

/** `<root>/<job name>-<n>`, where n is one more than the highest there is: `runs/mnist-1`. Creates nothing. */
export async function defaultRunPath(root: string, jobName: string): Promise<string> {
  const stem = `${jobName.replaceAll(/[^\p{L}\p{N}._-]+/gu, '-').replace(/^\.+/, '') || 'run'}-`;
  const numbers = (await namesIn(root))
    .filter((name) => name.startsWith(stem) && /^\d+$/.test(name.slice(stem.length)))
    .map((name) => Number(name.slice(stem.length)));
  return join(root, `${stem}${Math.max(0, ...numbers) + 1}`);
}

async function readRecord(path: string): Promise<RunRecord | null> {
  const file = join(path, RECORD);
  try {
    return runRecordSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (thrown) {
    const systemCode = systemErrorCode(thrown);
    if (systemCode === 'ENOENT') return null;
    if (systemCode !== undefined) throw fileError('read', file, thrown);
    throw new LockstepError('data', `${file}: not the record of a run`, {
      hint: 'The file was changed or damaged. Weights and checkpoints beside it can still be used by their own paths.',
      cause: thrown,
    });
  }
}

/** The first thing found that would be lost if the run were replaced. */
async function findResults(path: string): Promise<string | null> {
  if ((await listCheckpoints(join(path, CHECKPOINTS))).length > 0) return 'checkpoints';
  for (const name of [MODEL, METRICS]) {
    if (((await stat(join(path, name)).catch(() => null))?.size ?? 0) > 0) return name;
  }
  return null;
}

function refuseOtherRun(
  path: string,
  record: RunRecord,
  existing: RunRecord | null,
  results: string,
  resume: boolean,
): void {
  if (!resume) {
    throw new LockstepError('usage', `${path} holds the results of a run already (${results})`, {
      hint: 'Choose another folder with --out, or continue that run with --resume auto.',
    });
  }
  if (existing?.jobHash !== record.jobHash) {
    const other = existing === null ? `results without a ${RECORD}` : `a run of another job, ${existing.job.name}`;
    throw new LockstepError('usage', `${path} holds ${other} and cannot be continued with this job`, {
      hint: 'Choose another folder with --out, or run the job that the folder was made with.',
    });
  }
}
