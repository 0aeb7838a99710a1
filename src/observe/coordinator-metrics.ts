import type { MetricsOptions, Served } from './metrics.js';
import { MetricFactory, TRANSFER_DIRECTIONS, createRegistry, secondsFrom } from './metrics.js';

export const COORDINATOR_PHASES = [
  'starting',
  'waiting',
  'training',
  'evaluating',
  'recovering',
  'draining',
  'done',
  'failed',
] as const;
/** `waiting`: for workers to join; `recovering`: a step is being planned anew after a loss; `draining`: on SIGTERM. */
export type CoordinatorPhase = (typeof COORDINATOR_PHASES)[number];

export const WORKER_COUNT_STATES = ['joining', 'ready', 'lost'] as const;
export type WorkerCountState = (typeof WORKER_COUNT_STATES)[number];

export const STEP_PHASES = ['compute', 'reduce', 'update', 'broadcast', 'wait'] as const;
export type StepPhase = (typeof STEP_PHASES)[number];

/** A step that has been committed. Durations as the coordinator saw them. */
export interface CommittedStep {
  /** Steps committed since the start of training, not of this process. */
  readonly step: number;
  readonly epoch: number;
  readonly samples: number;
  readonly durationMs: number;
  /** Where the duration went; phases that are not measured are left out. */
  readonly phasesMs?: Partial<Readonly<Record<StepPhase, number>>>;
  /** Mean loss per sample of the batch. */
  readonly loss: number;
  /** Share of samples classified correctly, 0 … 1; absent for regression. */
  readonly accuracy?: number;
  /** J: mean loss plus penalties; and smoothed over the last steps. */
  readonly cost?: number;
  readonly smoothedCost?: number;
  /** The layers, in the steps in which they are looked at. */
  readonly layers?: readonly LayerFigures[];
  readonly learningRate: number;
  /** Global Euclidean norm of the gradient of the cost, before clipping. */
  readonly gradientNorm?: number;
  readonly sentBytes?: number;
  readonly receivedBytes?: number;
  /** Compute time of each worker that took part, by rank. */
  readonly workerComputeMs?: ReadonlyMap<number, number>;
}

/** What a step does to one layer; null stands for what is not known or not a finite number. */
export interface LayerFigures {
  readonly name: string;
  readonly gradientNorm: number | null;
  readonly weightNorm: number | null;
  readonly updateRatio: number | null;
  readonly deadShare?: number | undefined;
}

export interface Evaluation {
  readonly split: 'train' | 'dev' | 'test';
  readonly loss: number;
  readonly accuracy?: number;
  /** Other scores over the whole split, by name: f1, auc, r2 … */
  readonly scores?: Readonly<Record<string, number>>;
}

export interface CoordinatorMetrics {
  setPhase(phase: CoordinatorPhase): void;
  /** `lost` counts the workers given up since the start of this process; the other two are the members of now. */
  setWorkers(counts: Readonly<Record<WorkerCountState, number>>, membershipEpoch: number): void;
  stepCommitted(step: CommittedStep): void;
  evaluated(evaluation: Evaluation): void;
  /** A step was begun again from the same weights. */
  recovered(): void;
  /** A step changed nothing, because its loss or gradient was not finite. */
  stepSkipped(): void;
  checkpointWritten(checkpoint: { readonly durationMs: number; readonly sizeBytes: number }): void;
}

/** The metrics of a coordinator, in a registry of their own. Names and meanings: docs/observability.md. */
export function createCoordinatorMetrics(options: MetricsOptions): Served<CoordinatorMetrics> {
  const registry = createRegistry('coordinator', options);
  const make = new MetricFactory(registry);

  const setPhase = make.stateSet('phase', 'Phase of the run; 1 for the current one.', 'phase', COORDINATOR_PHASES);
  const workers = make.labelledGauge('workers', 'Workers by state; lost ones since the process started.', 'state');
  const membershipEpoch = make.gauge('membership_epoch', 'Number of the current set of workers.');
  const recoveries = make.counter('recoveries_total', 'Steps begun again from the same weights after a loss.');

  const currentStep = make.gauge('step', 'Last committed step, counted from the start of training.');
  const currentEpoch = make.gauge('epoch', 'Epoch of the last committed step, counted from 1.');
  const steps = make.counter('steps_total', 'Steps committed by this process.');
  const samples = make.counter('samples_total', 'Samples in the steps committed by this process.');
  const stepDuration = make.durations(
    'step_duration_seconds',
    'Duration of a committed step, from the record of the one before to its commit.',
  );
  const phaseDuration = make.labelledDurations(
    'step_phase_duration_seconds',
    'Time that a committed step spent in each of its phases.',
    'phase',
    STEP_PHASES,
  );
  const stepTimeRatio = make.labelledGauge(
    'worker_step_time_ratio',
    'Compute time of a worker in the last step over the median of all workers.',
    'rank',
  );
  const transfer = make.labelledCounter(
    'transfer_bytes_total',
    'Tensor bytes that have travelled to and from workers.',
    'direction',
    TRANSFER_DIRECTIONS,
  );

  const loss = make.labelledGauge(
    'loss',
    'Mean loss per sample: of the last step, or of the last evaluation.',
    'split',
  );
  const accuracy = make.labelledGauge('accuracy', 'Share of samples classified correctly, 0 to 1.', 'split');
  const learningRate = make.gauge('learning_rate', 'Learning rate of the last committed step.');
  const gradientNorm = make.gauge('gradient_norm', 'Euclidean norm of the last gradient, before clipping.');

  const cost = make.gauge('cost', 'J of the last step: mean loss plus penalties.');
  const smoothedCost = make.gauge('smoothed_cost', 'Exponentially weighted average of the cost.');
  const skippedSteps = make.counter('skipped_steps_total', 'Steps left out because loss or gradient was not finite.');
  const score = make.labelledGauge('score', 'Score over a whole split, by its last evaluation.', 'split', 'score');
  const layers = {
    gradientNorm: make.labelledGauge(
      'layer_gradient_norm',
      'Norm of the gradient of a layer, before clipping.',
      'layer',
    ),
    weightNorm: make.labelledGauge('layer_weight_norm', 'Norm of the weights of a layer.', 'layer'),
    updateRatio: make.labelledGauge(
      'layer_update_ratio',
      'Length of the last update of a layer over that of its weights.',
      'layer',
    ),
    deadShare: make.labelledGauge(
      'layer_dead_ratio',
      'Share of the ReLU units behind a layer that are 0 for every sample of the batch.',
      'layer',
    ),
  } as const;

  const checkpoints = make.counter('checkpoints_total', 'Checkpoints written.');
  const checkpointDuration = make.durations('checkpoint_duration_seconds', 'Time taken to write a checkpoint.');
  const checkpointSize = make.gauge('checkpoint_size_bytes', 'Size of the last checkpoint.');

  function setStepTimeRatios(computeMs: ReadonlyMap<number, number>): void {
    const middle = median([...computeMs.values()]);
    // Ranks that took no part are shown no longer.
    stepTimeRatio.reset();
    for (const [rank, ms] of computeMs) stepTimeRatio.labels(String(rank)).set(middle > 0 ? ms / middle : 1);
  }

  setPhase('starting');
  for (const state of WORKER_COUNT_STATES) workers.labels(state).set(0);

  return {
    registry,
    setPhase,
    setWorkers(counts, epoch) {
      for (const state of WORKER_COUNT_STATES) workers.labels(state).set(counts[state]);
      membershipEpoch.set(epoch);
    },
    stepCommitted(step) {
      currentStep.set(step.step);
      currentEpoch.set(step.epoch);
      steps.inc();
      samples.inc(step.samples);
      stepDuration.observe(secondsFrom(step.durationMs));
      for (const phase of STEP_PHASES) {
        const durationMs = step.phasesMs?.[phase];
        if (durationMs !== undefined) phaseDuration.labels(phase).observe(secondsFrom(durationMs));
      }
      loss.labels('train').set(step.loss);
      if (step.accuracy !== undefined) accuracy.labels('train').set(step.accuracy);
      learningRate.set(step.learningRate);
      if (step.gradientNorm !== undefined) gradientNorm.set(step.gradientNorm);
      if (step.cost !== undefined) cost.set(step.cost);
      if (step.smoothedCost !== undefined) smoothedCost.set(step.smoothedCost);
      for (const layer of step.layers ?? []) {
        for (const key of ['gradientNorm', 'weightNorm', 'updateRatio', 'deadShare'] as const) {
          const value = layer[key];
          if (value !== undefined) layers[key].labels(layer.name).set(value ?? NaN);
        }
      }
      transfer.labels('sent').inc(step.sentBytes ?? 0);
      transfer.labels('received').inc(step.receivedBytes ?? 0);
      if (step.workerComputeMs !== undefined) setStepTimeRatios(step.workerComputeMs);
    },
    evaluated(evaluation) {
      loss.labels(evaluation.split).set(evaluation.loss);
      if (evaluation.accuracy !== undefined) accuracy.labels(evaluation.split).set(evaluation.accuracy);
      for (const [name, value] of Object.entries(evaluation.scores ?? {}))
        score.labels(evaluation.split, name).set(value);
    },
    stepSkipped() {
      skippedSteps.inc();
    },
    recovered() {
      recoveries.inc();
    },
    checkpointWritten(checkpoint) {
      checkpoints.inc();
      checkpointDuration.observe(secondsFrom(checkpoint.durationMs));
      checkpointSize.set(checkpoint.sizeBytes);
    },
  };
}

/** Middle value; the mean of the two middle ones for an even count; 0 for none. */
function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = Math.floor(sorted.length / 2);
  const upper = sorted[half] ?? 0;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[half - 1] ?? 0)) / 2;
}
