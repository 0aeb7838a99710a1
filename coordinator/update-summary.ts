/** What the attempts of an update, one for each of its batches, come to together. Pure. */
import type { Exchange } from '../src/nn/layer.js';
import type { ExchangeOutcome, StepAttempt } from './step-attempt.js';
import { workerTimes } from './worker-times.js';

export interface UpdateSummary {
  /** Sum over the samples, float64. */
  readonly loss: number;
  /** Samples predicted right; 0 where the loss does not classify. */
  readonly correct: number;
  readonly samples: number;
  /** What batch norms have seen, batch by batch. */
  readonly moments: readonly (readonly [Exchange, ExchangeOutcome])[];
  /** Compute time of each worker that took part, by rank. */
  readonly computeMs: readonly number[];
  /** The longest time that a worker waited. */
  readonly waitMs: number;
}

/** @param attempts Complete, in the order of their batches. */
export function summarizeUpdate(attempts: readonly StepAttempt[], exchanges: readonly Exchange[]): UpdateSummary {
  const totals = attempts.map((attempt) => attempt.totals());
  const times = workerTimes(attempts);
  return {
    loss: totals.reduce((sum, total) => sum + total.loss, 0),
    correct: totals.reduce((sum, total) => sum + total.correct, 0),
    samples: attempts.reduce((sum, { work }) => sum + work.batchCount, 0),
    moments: attempts.flatMap((attempt) =>
      exchanges.flatMap((exchange) => {
        const outcome = attempt.outcome(exchange.index);
        return outcome === undefined ? [] : [[exchange, outcome] as const];
      }),
    ),
    computeMs: times.map(({ computeMs }) => computeMs),
    waitMs: Math.max(0, ...times.map(({ waitMs }) => waitMs)),
  };
}
