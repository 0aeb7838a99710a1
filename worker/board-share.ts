/** A worker's share in the board of a membership epoch: maps the memory that the coordinator offers, and says which attempts use it. */
import type { Arena } from '../src/kernels/arena.js';
import type { Exchange, Pass } from '../src/nn/layer.js';
import type { Fence, NodeValues, Roster } from '../src/protocol/messages.js';
import { mapPart } from '../src/transport/shared-part.js';
import { boardLayout, openBoardOf, type BoardPlace, type ExchangeBoard } from './exchange-board.js';
import type { BoardPass } from './pass-words.js';

interface Share {
  readonly epoch: number;
  readonly workers: number;
  readonly board: ExchangeBoard;
  readonly unmap: () => void;
}

/** One for the life of an engine; at most one board is mapped at a time. */
export class BoardShare {
  readonly #layout: BoardPlace;
  readonly #arena: Arena;
  readonly #shards: number;
  #share: Share | null = null;

  constructor(layout: BoardPlace, arena: Arena, shards: number) {
    this.#layout = layout;
    this.#arena = arena;
    this.#shards = shards;
  }

  /** Takes the board of a roster in the place of the one before. @throws LockstepError `unavailable` when it cannot be used here. */
  adopt({ epoch, members, board: offer }: Pick<Roster, 'epoch' | 'members' | 'board'>): void {
    this.close();
    if (offer === undefined) return;
    const { board: at, program } = this.#layout;
    const part = {
      buffer: this.#arena.memory.buffer,
      byteOffset: at * this.#arena.elementBytes,
      bytes: boardLayout(this.#shards, program.exchanges).bytes,
    };
    const board = openBoardOf(this.#layout, this.#arena, this.#shards);
    const unmap = mapPart(offer, part, 'write');
    this.#share = { epoch, workers: members.length, board, unmap };
  }

  /** How a plan uses the board; null where it does not. */
  of({ epoch, attempt }: Fence): BoardPass | null {
    return this.#share?.epoch === epoch ? { workers: this.#share.workers, attempt } : null;
  }

  /** What all workers together have posted; see {@link ExchangeBoard.root}. */
  root({ index }: Exchange, pass: Pass, board: BoardPass): NodeValues {
    if (this.#share === null) throw new RangeError('there is no board');
    return this.#share.board.root(index, pass, board);
  }

  /** Gives the board up. No thread may be at it. */
  close(): void {
    this.#share?.unmap();
    this.#share = null;
  }

  /** Has threads that sleep on the board look again. */
  rouse(): void {
    this.#share?.board.rouse();
  }
}
