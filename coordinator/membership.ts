/**
 * Who takes part. A worker joins, becomes ready, and is lost or leaves; each change of the set of ready workers begins a new
 * membership epoch, and so does each change of how they work together. Pure: decisions come back with their reason.
 */

export type MemberState = 'joining' | 'ready';

export interface Member {
  readonly id: string;
  readonly state: MemberState;
  /** Where it runs, for people. */
  readonly host: string;
}

export interface MembershipChange {
  readonly epoch: number;
  readonly reason: string;
}

export class Membership {
  readonly #members = new Map<string, Member>();
  #epoch = 0;
  #lost = 0;

  /** Grows with every change. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Workers lost so far. */
  get lostCount(): number {
    return this.#lost;
  }

  /** Ready workers by the order in which they joined: their place is their rank. */
  get ready(): readonly Member[] {
    return [...this.#members.values()].filter((member) => member.state === 'ready');
  }

  get joining(): readonly Member[] {
    return [...this.#members.values()].filter((member) => member.state === 'joining');
  }

  join(id: string, host: string): void {
    this.#members.set(id, { id, host, state: 'joining' });
  }

  /** null when the worker is unknown or was ready before: nothing changes. */
  markReady(id: string): MembershipChange | null {
    const member = this.#members.get(id);
    if (member === undefined || member.state === 'ready') return null;
    this.#members.set(id, { ...member, state: 'ready' });
    return this.#change(`${id} on ${member.host} is ready`);
  }

  /** null when the worker had not been ready: no plan counted on it. */
  remove(id: string, reason: string): MembershipChange | null {
    const member = this.#members.get(id);
    if (member === undefined) return null;
    this.#members.delete(id);
    this.#lost += 1;
    return member.state === 'ready' ? this.#change(`${id} on ${member.host} was lost: ${reason}`) : null;
  }

  /** Begins another epoch with the same workers. */
  renew(): void {
    this.#epoch += 1;
  }

  #change(reason: string): MembershipChange {
    this.#epoch += 1;
    return { epoch: this.#epoch, reason };
  }
}
