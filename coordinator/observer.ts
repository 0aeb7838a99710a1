/** What a trainer tells those who record and display a run. It awaits them where a step must not overtake its record. */
import type { SplitName } from '../src/job/job.js';
import type { Fence } from '../src/protocol/messages.js';
import type { LayerHealth } from '../src/state/run-record.js';
import type { BestEvaluation } from './early-stopping.js';
import type { HealthWarning } from './layer-health.js';
import type { Membership, MembershipChange } from './membership.js';
import type { SplitScore } from './split-evaluation.js';

export type TrainerPhase = 'waiting' | 'training' | 'evaluating' | 'recovering';

export interface StepRecord {
  /** Steps committed, this one included. */
  readonly step: number;
  /** Epoch over the data that the step belongs to, from 0. */
  readonly dataEpoch: number;
  readonly samples: number;
  /** Mean over the batch. */
  readonly loss: number;
  /** Mean loss plus penalties: what is minimised. */
  readonly cost: number;
  /** Share of the batch predicted right; null where the loss does not classify. */
  readonly accuracy: number | null;
  readonly learningRate: number;
  readonly gradientNorm: number;
  /** Nothing has changed: something was not finite. */
  readonly skipped: boolean;
  /** Where the layers were looked at in this step, else null. */
  readonly layers: readonly LayerHealth[] | null;
  readonly workers: number;
  /** Compute time of each worker that took part, by rank. */
  readonly computeMs: readonly number[];
  /** The longest time that a worker waited for exchanges, or for weights after it had begun. */
  readonly waitMs: number;
  readonly updateMs: number;
  readonly broadcastMs: number;
  /** From the record of the step before to the commit, failed attempts included. */
  readonly durationMs: number;
}

export interface TrainerObserver {
  phase(phase: TrainerPhase): void;
  /** Workers joined, became ready or went. */
  membersCounted(membership: Membership): void;
  membershipChanged(change: MembershipChange): void;
  /** A step begins again because a worker was lost. */
  recovering(fence: Fence): void;
  /** It was found how the workers work together best, and why. */
  cooperation(reason: string): void;
  /** Two workers that are both there cannot reach each other; the star takes over. */
  apart(worker: string, peer: string, reason: string): void;
  /** So many workers answer each other's exchanges in memory that they share. */
  sharesBoard(workers: number): void;
  /** A worker cannot use the memory that is shared for exchanges; they go by the coordinator from now on. */
  withoutBoard(worker: string, reason: string): void;
  stepCommitted(record: StepRecord): Promise<void>;
  /** The step, counted from 1, is about to be committed without changing anything. */
  stepSkipped(step: number, reason: string): void;
  unhealthy(step: number, warning: HealthWarning): void;
  /** The dev split has not got better for long enough. */
  stoppedEarly(best: BestEvaluation): void;
  /** All steps are done; what follows are evaluations. */
  trained(): Promise<void>;
  /** @param step Steps after which the weights were those that are scored. @param isFinal They are those that the run ends with. */
  evaluated(split: SplitName, score: SplitScore, step: number, isFinal: boolean): Promise<void>;
}
