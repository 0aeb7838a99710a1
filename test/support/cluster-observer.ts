import type { BestEvaluation } from '../../coordinator/early-stopping.js';
import type { HealthWarning } from '../../coordinator/layer-health.js';
import type { Membership, MembershipChange } from '../../coordinator/membership.js';
import type { StepRecord, TrainerObserver, TrainerPhase } from '../../coordinator/observer.js';
import type { SplitScore } from '../../coordinator/split-evaluation.js';
import type { SplitName } from '../../src/job/job.js';
import type { Fence } from '../../src/protocol/messages.js';

/** Keeps everything that a trainer tells. */
export class RecordingObserver implements TrainerObserver {
  readonly phases: TrainerPhase[] = [];
  readonly changes: MembershipChange[] = [];
  readonly recoveries: Fence[] = [];
  readonly apartness: string[] = [];
  /** Members of each epoch with a board. */
  readonly boards: number[] = [];
  readonly refusals: string[] = [];
  readonly choices: string[] = [];
  readonly steps: StepRecord[] = [];
  readonly evaluations: { readonly split: SplitName; readonly score: SplitScore; readonly step: number }[] = [];
  readonly skipped: { readonly step: number; readonly reason: string }[] = [];
  readonly warnings: { readonly step: number; readonly warning: HealthWarning }[] = [];
  early: BestEvaluation | null = null;
  /** How often the end of training was saved. */
  saved = 0;
  ready = 0;

  phase(phase: TrainerPhase): void {
    if (this.phases.at(-1) !== phase) this.phases.push(phase);
  }

  membersCounted(membership: Membership): void {
    this.ready = membership.ready.length;
  }

  membershipChanged(change: MembershipChange): void {
    this.changes.push(change);
  }

  recovering(fence: Fence): void {
    this.recoveries.push(fence);
  }

  cooperation(reason: string): void {
    this.choices.push(reason);
  }

  apart(worker: string, peer: string, reason: string): void {
    this.apartness.push(`${worker} and ${peer}: ${reason}`);
  }

  sharesBoard(workers: number): void {
    this.boards.push(workers);
  }

  withoutBoard(worker: string, reason: string): void {
    this.refusals.push(`${worker}: ${reason}`);
  }

  stepCommitted(record: StepRecord): Promise<void> {
    this.steps.push(record);
    return Promise.resolve();
  }

  stepSkipped(step: number, reason: string): void {
    this.skipped.push({ step, reason });
  }

  unhealthy(step: number, warning: HealthWarning): void {
    this.warnings.push({ step, warning });
  }

  stoppedEarly(best: BestEvaluation): void {
    this.early = best;
  }

  trained(): Promise<void> {
    this.saved += 1;
    return Promise.resolve();
  }

  evaluated(split: SplitName, score: SplitScore, step: number): Promise<void> {
    this.evaluations.push({ split, score, step });
    return Promise.resolve();
  }
}
