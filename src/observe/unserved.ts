/**
 * The metrics of a process that serves none: whoever reports them need not know. Kept apart from the real ones, whose library
 * takes a while to load.
 */
import type { CoordinatorMetrics } from './coordinator-metrics.js';
import type { WorkerMetrics } from './worker-metrics.js';

const ignore = (): void => undefined;

export const unservedCoordinatorMetrics: CoordinatorMetrics = {
  setPhase: ignore,
  setWorkers: ignore,
  stepCommitted: ignore,
  evaluated: ignore,
  recovered: ignore,
  stepSkipped: ignore,
  checkpointWritten: ignore,
};

export const unservedWorkerMetrics: WorkerMetrics = { setState: ignore, stepCommitted: ignore };
