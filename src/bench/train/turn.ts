/** What a process that trains is asked in its turn, and what it answers. */

export interface TurnRequest {
  readonly steps: number;
}

export interface TurnAnswer {
  /** Wall time of all the steps. */
  readonly ms: number;
  /** CPU time, all threads together; null where processes take part that the one which answers cannot measure. */
  readonly cpuMs: number | null;
  /** Of the last step. */
  readonly loss: number;
  /** Where the time of a step went (ms, means); only Lockstep says. */
  readonly parts?: StepParts;
}

export interface StepParts {
  /** Forward and backward, of the slowest worker. */
  readonly computeMs: number;
  /** The longest time that a worker waited for batch norm's exchanges, or for weights that it needed. */
  readonly waitMs: number;
  /** The optimizer, as far as it did not run beside something else. */
  readonly updateMs: number;
  /** Gradients and weights on their way, as far as nothing was computed meanwhile. */
  readonly communicationMs: number;
}

const PARTS = ['computeMs', 'waitMs', 'updateMs', 'communicationMs'] as const;

export function meanParts(parts: readonly StepParts[]): StepParts {
  const mean = (name: keyof StepParts): number => parts.reduce((sum, one) => sum + one[name], 0) / parts.length;
  const [computeMs, waitMs, updateMs, communicationMs] = PARTS.map(mean) as [number, number, number, number];
  return { computeMs, waitMs, updateMs, communicationMs };
}

/** What the coordinator records of a step, in the parts that add up to its duration. */
export function partsOf(record: {
  readonly computeMs: readonly number[];
  readonly waitMs: number;
  readonly updateMs: number;
  readonly durationMs: number;
}): StepParts {
  const computeMs = Math.max(0, ...record.computeMs);
  const { waitMs, updateMs, durationMs } = record;
  return { computeMs, waitMs, updateMs, communicationMs: Math.max(0, durationMs - computeMs - waitMs - updateMs) };
}
