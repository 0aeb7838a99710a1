/** Shows a run on the terminal while it goes on, and what it came to. */
import type { PreparedJob } from '../../coordinator/prepare.js';
import type { Spectator } from '../../coordinator/recorder.js';
import { splitMetrics } from '../../coordinator/scores.js';
import type { RunOutcome, TrainingRun } from '../../coordinator/run.js';
import { systemClock } from '../common/clock.js';
import { displayMode, openDisplay, type ProgressDisplay } from '../observe/progress-display.js';
import { ProgressTracker } from '../observe/progress-tracker.js';
import type { SummaryDiagnosis } from '../observe/summary.js';
import { commandName, shownPath } from './options.js';

export interface Stage {
  readonly display: ProgressDisplay;
  readonly spectator: Spectator;
  /** The run begins after `resumedSteps` steps, which count as progress but not as speed. */
  begin(resumedSteps: number): void;
  finish(run: TrainingRun, outcome: RunOutcome, next: readonly string[]): Promise<void>;
}

export async function openStage(
  prepared: PreparedJob,
  flags: { readonly json?: boolean; readonly quiet?: boolean },
  maxSteps: number | null,
): Promise<Stage> {
  const { job, stepsPerEpoch } = prepared;
  const clock = systemClock;
  const display = await openDisplay({ mode: displayMode(flags), clock });
  const started = clock.monotonic();
  const totalSteps = Math.min(job.training.epochs * stepsPerEpoch, maxSteps ?? Infinity);
  const classification = prepared.data.classes !== null;
  const track = (startStep: number): ProgressTracker =>
    new ProgressTracker({
      jobName: job.name,
      classification,
      epochs: job.training.epochs,
      totalSteps,
      startStep,
      startEpoch: Math.floor(startStep / stepsPerEpoch),
      workersExpected: job.cluster.workers,
      clock,
    });
  let tracker = track(0);
  const show = (): void => display.update(tracker.state());
  display.keepTicking(() => tracker.state());
  const scored = ({ loss, accuracy }: { loss: number; accuracy: number }) =>
    classification ? { loss, accuracy } : { loss };
  return {
    display,
    begin(resumedSteps) {
      tracker = track(resumedSteps);
    },
    spectator: {
      phase(phase) {
        tracker.setPhase(phase);
        show();
      },
      workers(ready) {
        tracker.setWorkers(ready);
        show();
      },
      step({ step, dataEpoch, samples, loss, cost, accuracy }, smoothedCost) {
        tracker.stepCommitted({
          step,
          epoch: dataEpoch + 1,
          samples,
          loss,
          cost,
          smoothedCost,
          ...(accuracy === null ? {} : { accuracy }),
        });
        show();
      },
      evaluated(split, score) {
        if (split === 'dev') tracker.evaluated(scored(score));
      },
      epochCompleted() {
        display.epochCompleted(tracker.state());
      },
    },
    async finish(run, { scores, steps, weightsSha256, samplesPerSecond, workers }, next) {
      // Before the run is read once more: that is no part of it.
      const elapsedMs = clock.monotonic() - started;
      const splits = Object.fromEntries(Object.entries(scores).map(([split, score]) => [split, splitMetrics(score)]));
      display.finish({
        jobName: job.name,
        splits,
        best: run.best ?? null,
        epochs: Math.floor(steps / stepsPerEpoch),
        steps,
        elapsedMs,
        samplesPerSecond,
        workers,
        backend: prepared.backend,
        weightsSha256,
        runDirectory: shownPath(run.directory.path),
        modelPath: shownPath(run.directory.modelPath),
        // The run is done and safe: what cannot be read back only leaves its diagnosis out.
        diagnosis: display.mode === 'quiet' ? null : await diagnosed(run, prepared).catch(() => null),
        next: [
          `${commandName()} report ${shownPath(run.directory.path)}    what to try next, and everything on a page`,
          ...next,
        ],
      });
    },
  };
}

/** Pieces of advice in a summary; the report has them all. */
const MOST_ADVICE = 2;

/** From what the run has written, by the same way as `lockstep report`. */
async function diagnosed(run: TrainingRun, { sizes }: PreparedJob): Promise<SummaryDiagnosis> {
  const [{ figures, headline }, { diagnosisRecord, readRun, reportOf }] = await Promise.all([
    import('../report/diagnosis.js'),
    import('../report/run-report.js'),
  ]);
  const report = reportOf(await readRun(run.directory.path), { sizes });
  const { diagnosis, recipe } = report;
  const shown = figures(diagnosis);
  return {
    line: `${headline(diagnosis)}${shown === '' ? '' : `: ${shown}`}`,
    advice: recipe.slice(0, MOST_ADVICE).map(({ text }) => text),
    record: diagnosisRecord(report),
  };
}
