import type { MetricsOptions, Served } from './metrics.js';
import { MetricFactory, TRANSFER_DIRECTIONS, createRegistry, secondsFrom } from './metrics.js';

export const WORKER_STATES = ['connecting', 'joining', 'ready', 'stopped'] as const;
export type WorkerState = (typeof WORKER_STATES)[number];

/** A step whose commit the worker has applied. */
export interface WorkerStep {
  /** Samples of the shards that this worker computed. */
  readonly samples: number;
  /** Forward and backward of its shards, from the first to the last kernel. */
  readonly computeMs: number;
  /** Time in which it had nothing to compute because a message of another process was missing. */
  readonly exchangeWaitMs: number;
  /** Time in which it had nothing to compute because its samples were not in place. */
  readonly dataWaitMs: number;
  /** Tensor bytes that have travelled; those in memory that both sides share have not. */
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

export interface WorkerMetrics {
  setState(state: WorkerState): void;
  stepCommitted(step: WorkerStep): void;
}

/**
 * The metrics of a worker, in a registry of their own. All but `lockstep_build_info` begin with `lockstep_worker_`, so that
 * a sum over a cluster does not count a step once for the coordinator and again for each worker.
 */
export function createWorkerMetrics(options: MetricsOptions): Served<WorkerMetrics> {
  const registry = createRegistry('worker', options);
  const make = new MetricFactory(registry);

  const setState = make.stateSet('worker_state', 'State of the worker; 1 for the current one.', 'state', WORKER_STATES);
  const steps = make.counter('worker_steps_total', 'Committed steps that this worker took part in.');
  const samples = make.counter('worker_samples_total', 'Samples that this worker computed in committed steps.');
  const compute = make.durations('worker_compute_duration_seconds', 'Forward and backward of its shards in a step.');
  const exchangeWait = make.durations(
    'worker_exchange_wait_duration_seconds',
    'Time in a step in which the worker had nothing to compute and waited for a message.',
  );
  const dataWait = make.durations(
    'worker_data_wait_duration_seconds',
    'Time in a step in which the worker had nothing to compute because its samples were not in place.',
  );
  const transfer = make.labelledCounter(
    'worker_transfer_bytes_total',
    'Tensor bytes that have travelled to and from the coordinator and other workers.',
    'direction',
    TRANSFER_DIRECTIONS,
  );

  setState('connecting');
  return {
    registry,
    setState,
    stepCommitted(step) {
      steps.inc();
      samples.inc(step.samples);
      compute.observe(secondsFrom(step.computeMs));
      exchangeWait.observe(secondsFrom(step.exchangeWaitMs));
      dataWait.observe(secondsFrom(step.dataWaitMs));
      transfer.labels('sent').inc(step.sentBytes);
      transfer.labels('received').inc(step.receivedBytes);
    },
  };
}
