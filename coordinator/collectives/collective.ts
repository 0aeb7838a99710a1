/**
 * The contract of a collective: how the workers' gradient sums become one sum, and how a new model reaches them. The step
 * machine sees nothing of what happens in between.
 */
import type { Offset } from '../../src/kernels/arena.js';
import type { GradientPart, ModelSnapshot, WorkerLink } from '../../src/protocol/link.js';
import type { StepAttempt } from '../step-attempt.js';

export interface Collective {
  readonly name: string;
  /** Starts to collect the gradients of an attempt, dropping what is left of an earlier one. */
  begin(attempt: StepAttempt): void;
  /** Takes a part as it arrives; parts of other attempts are dropped. */
  receive(part: GradientPart): void;
  /** The sum over the batch in tree order, laid out like the parameters; null until everything has arrived. */
  readonly sum: Offset | null;
  /** Hands a committed model to the workers. */
  broadcast(snapshot: ModelSnapshot, workers: readonly WorkerLink[]): void;
}
