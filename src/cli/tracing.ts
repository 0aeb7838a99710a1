/** `--trace`: opens the file before anything is trained, and says at the end where it is and how to look at it. */
import { ClusterTrace, DEFAULT_TRACE_STEPS, type TraceSummary } from '../../coordinator/trace/cluster-trace.js';
import { TraceFile } from '../../coordinator/trace/trace-file.js';
import { LockstepError } from '../common/errors.js';
import type { TraceRange } from '../common/trace.js';
import type { Logger } from '../observe/logger.js';
import { shownPath } from './options.js';

export interface TraceFlags {
  readonly trace?: string;
  readonly traceSteps?: TraceRange;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

export class RequestedTrace {
  readonly #flags: TraceFlags;
  readonly #file: TraceFile;
  #trace: ClusterTrace | null = null;

  /** @throws LockstepError `usage` when the file cannot be written. */
  constructor(flags: TraceFlags) {
    if (flags.trace === undefined) {
      throw new LockstepError('usage', '--trace-steps says which steps to record, but not where', {
        hint: 'Add --trace FILE.',
      });
    }
    this.#flags = flags;
    this.#file = new TraceFile(flags.trace);
  }

  /** The trace of a run that begins with this step, from 0. */
  readonly start = (firstStep: number): ClusterTrace => {
    const steps = this.#flags.traceSteps ?? { firstStep, endStep: firstStep + DEFAULT_TRACE_STEPS };
    this.#trace = new ClusterTrace(this.#file, steps);
    return this.#trace;
  };

  /** Completes the file and tells the user. The run has its result by now, whatever becomes of its trace. */
  close(logger: Logger): void {
    const summary = this.#trace?.finish();
    if (summary === undefined) {
      this.#file.discard();
      return;
    }
    if (summary.failure !== null) logger.error(`no trace: ${summary.failure.message}`);
    else if (this.#flags.json === true) process.stdout.write(`${JSON.stringify(eventOf(summary))}\n`);
    else if (this.#flags.quiet !== true) process.stdout.write(describe(summary, this.#flags));
  }
}

function eventOf({ path, steps, events, cut, dropped }: TraceSummary): object {
  if (steps === null) return { event: 'trace', path: null };
  return { event: 'trace', path, firstStep: steps.firstStep + 1, lastStep: steps.endStep, events, cut, dropped };
}

function describe({ path, steps, cut, dropped }: TraceSummary, { traceSteps }: TraceFlags): string {
  if (steps === null) return 'No trace: the run did not come to the steps that were asked for.\n';
  const { firstStep, endStep } = steps;
  const shown = endStep - firstStep === 1 ? `step ${endStep}` : `steps ${firstStep + 1}–${endStep}`;
  const lines = [`Trace of ${shown}: ${shownPath(path)}. Open it at https://ui.perfetto.dev or in chrome://tracing.`];
  if (cut && traceSteps === undefined)
    lines.push(`  It ends before the run does; for other steps: --trace-steps ${endStep + 1}-${endStep + 200}`);
  if (dropped > 0) lines.push(`  ${dropped} spans are missing: there was no room to keep them.`);
  return `${lines.join('\n')}\n`;
}
