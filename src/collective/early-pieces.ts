/** Pieces of an attempt that has not begun here yet, while others are at it already. */
import { compareFences, type Fence } from '../protocol/messages.js';
import type { Piece } from '../protocol/piece.js';

export class EarlyPieces {
  readonly #staysPut: (piece: Piece) => boolean;
  #pieces: Piece[] = [];

  /** @param staysPut Whether the bytes of a piece stay where they are until the attempt after its own; those of others are copied. */
  constructor(staysPut: (piece: Piece) => boolean) {
    this.#staysPut = staysPut;
  }

  keep(piece: Piece): void {
    // (`slice` of a Node buffer, which gRPC hands over and uses again, would be no copy.)
    this.#pieces.push(this.#staysPut(piece) ? piece : { ...piece, bytes: Uint8Array.from(piece.bytes) });
  }

  /** Takes out those of an attempt that begins; those from before it are forgotten. */
  take(fence: Fence): readonly Piece[] {
    const order = (piece: Piece): number => compareFences(piece.fence, fence);
    const due = this.#pieces.filter((piece) => order(piece) === 0);
    this.#pieces = this.#pieces.filter((piece) => order(piece) > 0);
    return due;
  }
}
