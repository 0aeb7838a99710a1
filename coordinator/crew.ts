/**
 * The workers of a run and the waiting for them: who is there, how to reach them, and whether the run should go on at all.
 */
import { Condition } from '../src/common/condition.js';
import { LockstepError } from '../src/common/errors.js';
import type { WorkerLink } from '../src/protocol/link.js';
import type { CoordinatorMessage, Shutdown } from '../src/protocol/messages.js';
import type { Piece } from '../src/protocol/piece.js';
import { Membership } from './membership.js';
import type { TrainerObserver } from './observer.js';

export class Crew {
  readonly membership = new Membership();
  readonly #links = new Map<string, WorkerLink>();
  readonly #changed = new Condition();
  readonly #observer: TrainerObserver;
  readonly #joinTimeoutMs: number;
  #failure: LockstepError | null = null;
  #stopping = false;

  constructor(observer: TrainerObserver, joinTimeoutMs: number) {
    this.#observer = observer;
    this.#joinTimeoutMs = joinTimeoutMs;
  }

  // ── who is there ───────────────────────────────────────────────────────────────────────────────────────────────────

  join(link: WorkerLink, host: string): void {
    this.#links.set(link.id, link);
    this.membership.join(link.id, host);
    this.#counted();
  }

  /** The link of a worker that has become ready; null when it was before, or is not known. */
  markReady(id: string): WorkerLink | null {
    const change = this.membership.markReady(id);
    const link = this.#links.get(id);
    if (change === null || link === undefined) return null;
    this.#observer.membershipChanged(change);
    this.#counted();
    return link;
  }

  remove(id: string, reason: string): void {
    if (!this.#links.delete(id)) return;
    const change = this.membership.remove(id, reason);
    if (change !== null && !this.#stopping) this.#observer.membershipChanged(change);
    this.#counted();
  }

  /** Ready workers in the order of their rank. */
  get ready(): readonly string[] {
    return this.membership.ready.map((member) => member.id);
  }

  get readyLinks(): readonly WorkerLink[] {
    return this.membership.ready.flatMap((member) => this.#links.get(member.id) ?? []);
  }

  lostAny(workers: readonly string[]): boolean {
    return workers.some((worker) => !this.#links.has(worker));
  }

  send(worker: string, message: CoordinatorMessage): void {
    this.#links.get(worker)?.send(message);
  }

  sendPiece(worker: string, piece: Piece): void {
    this.#links.get(worker)?.sendPiece(piece);
  }

  // ── whether to go on ───────────────────────────────────────────────────────────────────────────────────────────────

  get stopping(): boolean {
    return this.#stopping;
  }

  /** Ends the run after the last committed step. */
  stop(): void {
    this.#stopping = true;
    this.notify();
  }

  /** Ends the run with an error. */
  fail(error: LockstepError): void {
    this.#failure ??= error;
    this.notify();
  }

  /** Tells every worker that it may leave, and why. */
  shutdown(reason: Shutdown['reason'], message: string): void {
    this.#stopping = true;
    for (const link of this.#links.values()) link.send({ type: 'shutdown', reason, message });
  }

  // ── waiting ────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Has whoever waits look again. */
  notify(): void {
    this.#changed.notify();
  }

  /** Waits until `predicate` holds or the run is to end; false when it is to stop. @throws the error that ended the run. */
  async until(predicate: () => boolean): Promise<boolean> {
    await this.#changed.until(() => predicate() || this.#over);
    this.#throwIfFailed();
    return !this.#stopping;
  }

  /** Waits for the first workers. @throws LockstepError `unavailable` when too few of them come in time. */
  async gather(wanted: number): Promise<void> {
    this.#observer.phase('waiting');
    const inTime = await this.#come(wanted);
    const found = this.membership.ready.length;
    if (inTime || found >= wanted) return;
    const seconds = this.#joinTimeoutMs / 1000;
    throw new LockstepError('unavailable', `${found} of ${wanted} workers joined within ${seconds} s`, {
      hint: 'Start more workers, lower cluster.workers, or raise cluster.joinTimeoutMs.',
    });
  }

  /** Waits until there is anyone to work; false when the run is to stop. @throws LockstepError `unavailable` when nobody comes. */
  async haveWorkers(): Promise<boolean> {
    if (this.membership.ready.length === 0 && !this.#over) this.#observer.phase('recovering');
    if (await this.#come(1)) return !this.#stopping;
    const seconds = this.#joinTimeoutMs / 1000;
    throw new LockstepError('unavailable', `no worker is left, and none came back within ${seconds} s`, {
      hint: 'The committed steps are kept: start workers and run the coordinator again with --resume auto.',
    });
  }

  /** Whether so many workers became ready, or the run is to stop, within the time that the job grants. */
  async #come(wanted: number): Promise<boolean> {
    const enough = (): boolean => this.membership.ready.length >= wanted || this.#over;
    const inTime = await this.#changed.until(enough, this.#joinTimeoutMs);
    this.#throwIfFailed();
    return inTime;
  }

  get #over(): boolean {
    return this.#stopping || this.#failure !== null;
  }

  #throwIfFailed(): void {
    if (this.#failure !== null) throw this.#failure;
  }

  #counted(): void {
    this.#observer.membersCounted(this.membership);
    this.notify();
  }
}
