/** The roll of a membership epoch: who takes part, and how they work together. Every epoch has one, which never changes. */
import type { WorkerLink } from '../src/protocol/link.js';
import type { Roster } from '../src/protocol/messages.js';
import type { Boards } from './boards.js';
import type { CooperationChoice } from './cooperation.js';
import type { HostMemory } from './host-memory.js';

export interface RollOptions {
  readonly cooperation: CooperationChoice;
  readonly memory: HostMemory;
  readonly boards: Boards;
}

export class Roll {
  readonly #options: RollOptions;
  /** The membership epoch that the workers have been told of. */
  #epoch = -1;
  #isStale = false;
  /** Two workers were found that cannot reach each other. */
  #apart = false;

  constructor(options: RollOptions) {
    this.#options = options;
  }

  /** Whether the same workers are to work together in another way, in an epoch of its own. An attempt under way will not be finished. */
  get isStale(): boolean {
    return this.#isStale;
  }

  /** What the workers of an epoch, in the order of their rank, are to be told; null when they know. */
  call(epoch: number, links: readonly Pick<WorkerLink, 'id' | 'address'>[]): Roster | null {
    if (epoch === this.#epoch) return null;
    this.#epoch = epoch;
    this.#isStale = false;
    const { cooperation, memory, boards } = this.#options;
    const members = links.map(({ id, address }) => {
      const gradients = memory.offerOf(id);
      return { id, address, ...(gradients === undefined ? {} : { gradients }) };
    });
    const { bucketElements, collective } = cooperation.of(members.length);
    const board = boards.of(epoch, members);
    return {
      type: 'roster',
      epoch,
      collective: this.#apart ? 'star' : collective,
      bucketElements,
      members,
      ...(board === undefined ? {} : { board }),
    };
  }

  /**
   * A step took so long: the next one may be taken in another way. Returns why it was settled how the workers work together, when it has
   * been now; else null.
   */
  observe(stepMs: number): string | null {
    if (this.#apart) return null;
    const decision = this.#options.cooperation.observe(stepMs);
    if (decision === null) return null;
    this.#isStale = true;
    return decision.settled ? decision.reason : null;
  }

  /** Two workers cannot reach each other: there is no mesh from now on. False when this was known. */
  keepApart(): boolean {
    if (this.#apart) return false;
    this.#apart = true;
    this.#isStale = true;
    return true;
  }

  /** A worker cannot use the board of an epoch: nobody will from now on. False when that epoch is over. */
  withoutBoard(epoch: number): boolean {
    if (!this.#options.boards.refuse(epoch)) return false;
    this.#isStale = true;
    return true;
  }
}
