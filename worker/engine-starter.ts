/** Starts a worker's engine: data, model, compute threads. What was expected before the welcome is ready when it comes. */
import { hostname } from 'node:os';
import { LockstepError } from '../src/common/errors.js';
import type { Tracer } from '../src/common/trace.js';
import { loadData, type LoadedData } from '../src/data/load.js';
import { sizeJob } from '../src/job/batch-size.js';
import type { JobDraft } from '../src/job/job.js';
import type { BackendName } from '../src/kernels/kernels.js';
import { buildModel } from '../src/nn/model.js';
import type { Welcome } from '../src/protocol/messages.js';
import { Engine } from './engine.js';

export interface EngineStarterOptions {
  readonly backend: BackendName;
  /** Compute threads; null: as the job says. */
  readonly threads: number | null;
  /** Folder that relative data paths start from on this host; null: the same path as on the coordinator's host. */
  readonly dataDir: string | null;
}

/** What decides how an engine is laid out, and over which data. */
type Assignment = Pick<Welcome, 'baseDir'> & { readonly job: JobDraft };

/** An engine that still needs to be told how the input is normalised. */
interface Prepared {
  readonly engine: Engine;
  readonly data: LoadedData;
  /** Identifies the assignment, with a batch size. */
  readonly key: string;
}

export class EngineStarter {
  readonly #options: EngineStarterOptions;
  #expected: Promise<Prepared> | null = null;
  /** The data of the last welcome: a restarted coordinator runs the same job as a rule. */
  #loaded: { readonly key: string; readonly data: LoadedData } | null = null;

  constructor(options: EngineStarterOptions) {
    this.#options = options;
  }

  /** Begins what a welcome to this job will ask for. What goes wrong is left to the welcome, where somebody can be told. */
  expect(assignment: Assignment): void {
    const prepared = this.#prepare(assignment, null, undefined);
    prepared.catch(() => undefined);
    this.#expected = prepared;
  }

  /** @throws LockstepError `data` when the data here cannot be read or is not the coordinator's. */
  async start(welcome: Welcome, tracer?: Tracer): Promise<Engine> {
    const { dataFingerprint } = welcome;
    const expected = await this.#takeExpected(welcome, tracer);
    if (expected !== null && expected.data.fingerprint !== dataFingerprint) {
      await expected.engine.close();
      throw otherData(expected.data.fingerprint, dataFingerprint);
    }
    const { engine } = expected ?? (await this.#prepare(welcome, dataFingerprint, tracer));
    engine.normalizeBy(welcome.mean, welcome.inverseDeviation);
    return engine;
  }

  /** Ends what was begun for a welcome that did not come. */
  async close(): Promise<void> {
    const expected = await this.#expected?.catch(() => null);
    this.#expected = null;
    await expected?.engine.close();
  }

  /** The engine that was begun for this welcome; null when there is none. */
  async #takeExpected(welcome: Welcome, tracer: Tracer | undefined): Promise<Prepared | null> {
    const expected = await this.#expected?.catch(() => null);
    if (expected === null || expected === undefined) return null;
    // An engine is traced from its first layout on, or not at all.
    if (expected.key !== keyOf(welcome) || tracer !== undefined) {
      await this.close();
      return null;
    }
    this.#expected = null;
    return expected;
  }

  /** @param fingerprint of the coordinator's data, where it is known. */
  async #prepare(assignment: Assignment, fingerprint: string | null, tracer: Tracer | undefined): Promise<Prepared> {
    const data = await this.#load(assignment, fingerprint);
    const job = sizeJob(assignment.job, data.splits.train.size);
    if (fingerprint !== null && data.fingerprint !== fingerprint) throw otherData(data.fingerprint, fingerprint);
    const model = buildModel(job.model, data.featureShape);
    const { backend } = this.#options;
    const threads = this.#options.threads ?? job.cluster.threads;
    const engine = await Engine.start({ job, model, data, backend, threads, tracer });
    return { engine, data, key: keyOf({ ...assignment, job }) };
  }

  async #load({ job, baseDir }: Assignment, fingerprint: string | null): Promise<LoadedData> {
    const key = JSON.stringify([job.data, job.seed, baseDir]);
    const loaded = this.#loaded;
    // Files may have been exchanged since.
    const isCurrent = loaded?.key === key && (fingerprint === null || loaded.data.fingerprint === fingerprint);
    if (isCurrent) return loaded.data;
    const data = await loadData(job.data, { baseDir: this.#options.dataDir ?? baseDir, seed: job.seed });
    this.#loaded = { key, data };
    return data;
  }
}

function keyOf({ job, baseDir }: Assignment): string {
  const parts: readonly [JobDraft, string] = [job, baseDir];
  return JSON.stringify(parts);
}

function otherData(found: string, expected: string): LockstepError {
  const shown = (fingerprint: string): string => `${fingerprint.slice(0, 12)}…`;
  return new LockstepError(
    'data',
    `the data on ${hostname()} is not the coordinator's (${shown(found)}, expected ${shown(expected)})`,
    { hint: 'Copy the same files to every host, or point workers at them with --data DIR.' },
  );
}
