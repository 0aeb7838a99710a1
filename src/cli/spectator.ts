/** Shows a run on the terminal while it goes on, and what it came to. */
import type { PreparedJob } from '../../coordinator/prepare.js';
import type { Spectator } from '../../coordinator/recorder.js';
import type { RunOutcome, TrainingRun } from '../../coordinator/run.js';
import { systemClock } from '../common/clock.js';
import { displayMode, openDisplay, type ProgressDisplay } from '../observe/progress-display.js';
import { ProgressTracker } from '../observe/progress-tracker.js';
import { shownPath } from './options.js';

export interface Stage {
  readonly display: ProgressDisplay;
  readonly spectator: Spectator;
  /** The run begins after `resumedSteps` steps, which count as progress but not as speed. */
  begin(resumedSteps: number): void;
  finish(run: TrainingRun, outcome: RunOutcome, next: readonly string[]): void;
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
    finish(run, { scores, steps, weightsSha256, samplesPerSecond, workers }, next) {
      const splits = Object.fromEntries(Object.entries(scores).map(([split, score]) => [split, scored(score)]));
      display.finish({
        jobName: job.name,
        splits,
        epochs: Math.floor(steps / stepsPerEpoch),
        steps,
        elapsedMs: clock.monotonic() - started,
        samplesPerSecond,
        workers,
        backend: prepared.backend,
        weightsSha256,
        runDirectory: shownPath(run.directory.path),
        modelPath: shownPath(run.directory.modelPath),
        next,
      });
    },
  };
}
