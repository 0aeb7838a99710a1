/** Runs the trials of a search, as many at once as there are workers for, until all are done or it is told to stop. */
import { EXIT_CODES, LockstepError } from '../../common/errors.js';
import type { Clock } from '../../common/clock.js';
import type { BackendName } from '../../kernels/kernels.js';
import type { Address } from '../../rpc/address.js';
import { decide, type SearchPlan, type Task } from '../../search/plan.js';
import type { TrialLine } from '../../search/records.js';
import { objectiveOf, type Search } from '../../search/search.js';
import { RunDirectory } from '../../state/run-directory.js';
import type { RunRecord } from '../../state/run-record.js';
import type { SearchDirectory } from './directory.js';
import type { TrialJob, TrialJobs } from './trial-jobs.js';
import { startTrial, type TrialEnd, type TrialProcess, type TrialProgress } from './trial-process.js';

export interface RunningTrial {
  readonly task: Task;
  readonly startedMs: number;
  /** Steps of the whole run at the end of the task; null until known. */
  readonly steps: number | null;
  readonly progress: TrialProgress | null;
}

/** Whoever shows the search while it goes on. */
export interface SearchObserver {
  /** Something has changed among the running trials. */
  moved(): void;
  ended(line: TrialLine): void | Promise<void>;
}

export interface SearchRunOptions {
  readonly search: Search;
  readonly directory: SearchDirectory;
  readonly jobs: TrialJobs;
  readonly backend: BackendName;
  readonly trialsAtOnce: number;
  /** Where the first place takes workers from elsewhere, each other place one port further on; null: every trial has its own. */
  readonly listen: Address | null;
  readonly lines: readonly TrialLine[];
  readonly observer: SearchObserver;
  readonly clock: Clock;
}

/** What has become of a trial: a record where it came to the end of its task. */
interface Outcome {
  readonly record: RunRecord | null;
  /** Null where no process was needed. */
  readonly end: TrialEnd | null;
}

export class SearchRun {
  readonly #options: SearchRunOptions;
  readonly #lines: TrialLine[];
  readonly #running = new Map<number, RunningTrial>();
  readonly #processes = new Set<TrialProcess>();
  #stopping = false;

  constructor(options: SearchRunOptions) {
    this.#options = options;
    this.#lines = [...options.lines];
  }

  get lines(): readonly TrialLine[] {
    return this.#lines;
  }

  /** By number of the trial. */
  get running(): ReadonlyMap<number, RunningTrial> {
    return this.#running;
  }

  get stopping(): boolean {
    return this.#stopping;
  }

  /** Asks the trials under way to save their state and end; `execute` then resolves. */
  stop(): void {
    this.#stopping = true;
    for (const process of this.#processes) process.stop();
  }

  async execute(): Promise<'done' | 'stopped'> {
    const plan: SearchPlan = this.#options.search.plan;
    for (;;) {
      const decision = decide(plan, this.#lines);
      if (decision.type === 'done') return 'done';
      await this.#inTurn(decision.open);
      if (this.#stopping) return 'stopped';
    }
  }

  /** Starts tasks in their order as places become free. An error that is no trial's own ends all of them. */
  async #inTurn(tasks: readonly Task[]): Promise<void> {
    const waiting = [...tasks];
    const place = async (port: number): Promise<void> => {
      for (let task = waiting.shift(); task !== undefined && !this.#stopping; task = waiting.shift()) {
        try {
          await this.#run(task, port);
        } catch (thrown) {
          this.stop();
          throw thrown;
        }
      }
    };
    const places = Array.from({ length: Math.min(this.#options.trialsAtOnce, tasks.length) }, (_, port) => place(port));
    const outcomes = await Promise.allSettled(places);
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  }

  async #run(task: Task, place: number): Promise<void> {
    const { directory, clock, observer } = this.#options;
    const { number } = task.trial;
    const startedMs = clock.monotonic();
    this.#running.set(number, { task, startedMs, steps: null, progress: null });
    observer.moved();
    try {
      const outcome = await this.#outcome(task, place);
      if (outcome === null) return;
      const line = this.#lineOf(task, outcome, (clock.monotonic() - startedMs) / 1000);
      await directory.append(line);
      this.#lines.push(line);
      this.#running.delete(number);
      await observer.ended(line);
    } finally {
      this.#running.delete(number);
      observer.moved();
    }
  }

  /** Trains a trial, a second time where the first may have failed by accident. Null: the search is to stop, and the trial is not done. */
  async #outcome(task: Task, place: number): Promise<Outcome | null> {
    let job: TrialJob;
    try {
      job = await this.#options.jobs.of(task);
    } catch (thrown) {
      const { code, exitCode, message } = LockstepError.from(thrown);
      if (code !== 'job' && code !== 'data') throw thrown;
      return { record: null, end: { exitCode, signal: null, lastWords: message } };
    }
    const { number } = task.trial;
    const running = this.#running.get(number);
    if (running !== undefined) this.#running.set(number, { ...running, steps: job.steps });
    // A search that was killed may have left a trial that was done and not written down.
    let record = await this.#finished(task, job);
    let end: TrialEnd | null = null;
    for (let attempt = 0; record === null && attempt < 2 && !this.#stopping; attempt++) {
      end = await this.#train(task, job, place);
      record = await this.#finished(task, job);
      if (!isPassing(end)) break;
    }
    // Whoever waits for workers from elsewhere has no fault of the trial to record when none came.
    if (record === null && this.#options.listen !== null && end?.exitCode === EXIT_CODES.unavailable) {
      throw new LockstepError('unavailable', `trial ${number}: ${end.lastWords}`, {
        hint: 'Nothing is lost: start workers with --stay, and the search again with --resume auto.',
      });
    }
    return record === null && (this.#stopping || end === null) ? null : { record, end };
  }

  async #train(task: Task, job: TrialJob, place: number): Promise<TrialEnd> {
    const { directory, jobs, backend, observer, listen: first } = this.#options;
    const listen = first === null ? null : { ...first, port: first.port + place };
    const { number } = task.trial;
    const paths = { job: directory.jobPath, out: directory.trialPath(number) };
    const trial = startTrial(jobs.commandLine(task, job, paths, backend, listen), (progress) => {
      const running = this.#running.get(number);
      if (running !== undefined) this.#running.set(number, { ...running, progress });
      observer.moved();
    });
    this.#processes.add(trial);
    // Told to stop while it was being started.
    if (this.#stopping) trial.stop();
    try {
      return await trial.ended;
    } finally {
      this.#processes.delete(trial);
    }
  }

  /** The record of a run that has come to the end of the task; null where it has not. */
  async #finished(task: Task, { jobHash, steps }: TrialJob): Promise<RunRecord | null> {
    const path = this.#options.directory.trialPath(task.trial.number);
    const run = await RunDirectory.open(path).catch(() => null);
    if (run === null) return null;
    const { record } = run;
    const same = record.jobHash === jobHash && record.backend === this.#options.backend;
    return same && record.status === 'done' && record.steps === steps ? record : null;
  }

  #lineOf(task: Task, { record, end }: Outcome, seconds: number): TrialLine {
    const { search, jobs } = this.#options;
    const { trial, rung, epochs } = task;
    const scores = record?.final.dev;
    const found = record === null ? null : objectiveOf(search.objective.metric, record.job.data.task, scores);
    const objective = found !== null && Number.isFinite(found) ? found : null;
    const { objective: judged } = search;
    const said =
      record === null
        ? end === null || end.lastWords === ''
          ? `the trial ended ${how(end)}`
          : end.lastWords
        : `no finite ${judged.metric} was measured on the dev split`;
    return {
      trial: trial.number,
      round: trial.round,
      rung,
      status: objective === null ? 'failed' : epochs === null ? 'done' : 'rung',
      parameters: jobs.values(trial),
      objective,
      epochs: record?.epoch ?? 0,
      ...(scores === undefined ? {} : { scores }),
      seconds: Math.round(seconds * 1000) / 1000,
      weightsSha256: record?.weightsSha256 ?? null,
      ...(objective === null ? { error: { exitCode: end?.exitCode ?? null, message: said } } : {}),
    };
  }
}

/** Whether it may go better the next time: the machine was busy or full, or somebody ended the process. */
function isPassing({ exitCode, signal }: TrialEnd): boolean {
  return signal !== null || exitCode === EXIT_CODES.unavailable || exitCode === EXIT_CODES.drained;
}

function how(end: TrialEnd | null): string {
  if (end === null) return 'without a word';
  return end.signal === null ? `with exit code ${end.exitCode}` : `by ${end.signal}`;
}
