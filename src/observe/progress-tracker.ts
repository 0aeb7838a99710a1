import type { Clock } from '../common/clock.js';
import { SmoothedMean } from '../common/smoothed-mean.js';
import type { ProgressState } from './progress.js';

export interface ProgressTrackerOptions {
  readonly jobName: string;
  readonly classification: boolean;
  readonly epochs: number;
  readonly totalSteps: number;
  /** Steps that a checkpoint brought along; they count as progress, not as speed. */
  readonly startStep: number;
  readonly startEpoch: number;
  readonly workersExpected: number;
  readonly clock: Clock;
}

/** Weight of the past in the smoothed loss and accuracy: about the last twenty steps. */
const SMOOTHING = 0.95;
/** The speed shown is that of the last so many milliseconds. */
const SPEED_WINDOW_MS = 10_000;
/** Progress points within the window lie at least this far apart. */
const SPEED_POINT_EVERY_MS = 250;
const LONGEST_HISTORY = 256;

/** Turns events of a run into what its display shows. Knows nothing of terminals, and no other time than its clock's. */
export class ProgressTracker {
  readonly #options: ProgressTrackerOptions;
  readonly #startedAtMs: number;
  readonly #loss = new SmoothedMean(SMOOTHING);
  readonly #accuracy = new SmoothedMean(SMOOTHING);
  readonly #history = new ThinnedHistory();
  readonly #points: { readonly atMs: number; readonly samples: number }[] = [];
  #trainingSinceMs: number | null = null;
  #samples = 0;
  #phase = 'starting';
  #step: number;
  #epoch: number;
  #workers: { ready: number; expected: number };
  #cost: ProgressState['cost'] = null;
  #dev: { loss: number; accuracy: number | null } | null = null;

  constructor(options: ProgressTrackerOptions) {
    this.#options = options;
    this.#startedAtMs = options.clock.monotonic();
    this.#step = options.startStep;
    this.#epoch = options.startEpoch;
    this.#workers = { ready: 0, expected: options.workersExpected };
  }

  /** `training` for the first time starts the clock of speed and remaining time. */
  setPhase(phase: string): void {
    this.#phase = phase;
    if (phase === 'training' && this.#trainingSinceMs === null) {
      this.#trainingSinceMs = this.#options.clock.monotonic();
      this.#points.push({ atMs: this.#trainingSinceMs, samples: 0 });
    }
  }

  setWorkers(ready: number, expected = this.#workers.expected): void {
    this.#workers = { ready, expected };
  }

  /** `step` and `epoch` as committed, counted from 1; `loss` is the mean per sample of the batch. */
  stepCommitted(step: {
    readonly step: number;
    readonly epoch: number;
    readonly samples: number;
    readonly loss: number;
    readonly accuracy?: number;
    readonly cost: number;
    readonly smoothedCost: number;
  }): void {
    this.#step = step.step;
    this.#epoch = step.epoch;
    this.#samples += step.samples;
    this.#loss.add(step.loss);
    if (step.accuracy !== undefined) this.#accuracy.add(step.accuracy);
    this.#history.add(step.cost);
    this.#cost = { now: step.cost, smoothed: step.smoothedCost };
    this.#markSpeed();
  }

  /** An evaluation on the dev split. */
  evaluated(evaluation: { readonly loss: number; readonly accuracy?: number }): void {
    this.#dev = { loss: evaluation.loss, accuracy: evaluation.accuracy ?? null };
  }

  state(): ProgressState {
    const { jobName, classification, epochs, totalSteps, clock } = this.#options;
    return {
      jobName,
      classification,
      phase: this.#phase,
      epoch: this.#epoch,
      epochs,
      step: this.#step,
      totalSteps,
      loss: this.#loss.value,
      accuracy: this.#accuracy.value,
      devLoss: this.#dev?.loss ?? null,
      devAccuracy: this.#dev?.accuracy ?? null,
      samplesPerSecond: this.#samplesPerSecond(),
      workers: this.#workers,
      elapsedMs: clock.monotonic() - this.#startedAtMs,
      etaMs: this.#remainingMs(),
      cost: this.#cost,
      costHistory: this.#history.values,
    };
  }

  #markSpeed(): void {
    const atMs = this.#options.clock.monotonic();
    const last = this.#points.at(-1);
    if (last !== undefined && atMs - last.atMs < SPEED_POINT_EVERY_MS) return;
    this.#points.push({ atMs, samples: this.#samples });
    while (this.#points.length > 2 && atMs - (this.#points[1]?.atMs ?? atMs) >= SPEED_WINDOW_MS) this.#points.shift();
  }

  #samplesPerSecond(): number {
    const [oldest] = this.#points;
    if (oldest === undefined) return 0;
    const durationMs = this.#options.clock.monotonic() - oldest.atMs;
    return durationMs > 0 ? ((this.#samples - oldest.samples) / durationMs) * 1000 : 0;
  }

  /** At the mean pace so far, with evaluations and recoveries in it, since those lie ahead as well. */
  #remainingMs(): number | null {
    const done = this.#step - this.#options.startStep;
    if (this.#trainingSinceMs === null || done < 1) return null;
    const perStepMs = (this.#options.clock.monotonic() - this.#trainingSinceMs) / done;
    return perStepMs * Math.max(0, this.#options.totalSteps - this.#step);
  }
}

/** A series of any length in bounded memory: when it is full, neighbours are averaged and the stride doubles. */
class ThinnedHistory {
  #values: number[] = [];
  #stride = 1;
  #pendingSum = 0;
  #pendingCount = 0;

  add(value: number): void {
    this.#pendingSum += value;
    this.#pendingCount += 1;
    if (this.#pendingCount < this.#stride) return;
    this.#values.push(this.#pendingSum / this.#pendingCount);
    this.#pendingSum = 0;
    this.#pendingCount = 0;
    if (this.#values.length < LONGEST_HISTORY) return;
    this.#values = Array.from({ length: LONGEST_HISTORY / 2 }, (_, i) => {
      return ((this.#values[2 * i] ?? 0) + (this.#values[2 * i + 1] ?? 0)) / 2;
    });
    this.#stride *= 2;
  }

  get values(): readonly number[] {
    return this.#values;
  }
}
