/**
 * The memory in which the workers of a membership epoch answer each other's exchanges (src/collective/exchange-board.ts). Every epoch
 * gets a new one: whoever was given up may still write to the old one, which nobody reads any more.
 */
import { BoardLayout } from '../src/collective/exchange-board.js';
import { LockstepError } from '../src/common/errors.js';
import type { Job } from '../src/job/job.js';
import type { Exchange } from '../src/nn/layer.js';
import type { MemoryOffer, RosterMember } from '../src/protocol/messages.js';

/** Memory of zeros that others may map until it is sealed. */
export interface OfferedBoard {
  readonly offer: MemoryOffer;
  readonly seal: () => void;
}

/** @throws LockstepError `unavailable` where processes cannot share memory. */
export type BoardMaker = (bytes: number) => OfferedBoard;

export class Boards {
  readonly #bytes: number;
  readonly #make: BoardMaker | null;
  #current: (OfferedBoard & { readonly epoch: number }) | null = null;
  #closed = false;

  /** @param make null: there are no boards. */
  constructor(
    { training, cluster }: Pick<Job, 'training' | 'cluster'>,
    exchanges: readonly Exchange[],
    make: BoardMaker | null,
  ) {
    const isAwaited = exchanges.some(({ result }) => result !== null);
    this.#make = isAwaited && training.shards > 1 && cluster.transport !== 'grpc' ? make : null;
    this.#bytes = new BoardLayout(
      training.shards,
      exchanges.map(({ width }) => width),
    ).bytes;
  }

  /** A worker cannot use a board; true when it was the current one. From then on there are none. */
  refuse(epoch: number): boolean {
    if (this.#current?.epoch !== epoch) return false;
    this.close();
    return true;
  }

  /** Whether the members of the current epoch have a board. */
  get isShared(): boolean {
    return this.#current !== null;
  }

  /** The board of an epoch with these members; undefined where the coordinator is to answer exchanges. */
  of(epoch: number, members: readonly Pick<RosterMember, 'gradients'>[]): MemoryOffer | undefined {
    if (this.#current?.epoch === epoch) return this.#current.offer;
    this.#release();
    if (this.#make === null || this.#closed || members.length < 2) return undefined;
    // Whoever shares its gradients with this process can share a board with the others.
    if (members.some(({ gradients }) => gradients === undefined)) return undefined;
    try {
      this.#current = { epoch, ...this.#make(this.#bytes) };
    } catch (thrown) {
      // They share memory, and this process has none left to give.
      if (LockstepError.from(thrown).code !== 'unavailable') throw thrown;
      return undefined;
    }
    return this.#current.offer;
  }

  /** There are no boards from now on. */
  close(): void {
    this.#closed = true;
    this.#release();
  }

  #release(): void {
    this.#current?.seal();
    this.#current = null;
  }
}
