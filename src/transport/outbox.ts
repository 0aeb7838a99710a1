/** The queue of one reader: pieces in the order they were handed over, handed out in parts of any size. */
import { elementBytes, type Piece } from '../protocol/piece.js';

export class Outbox {
  readonly #pieces: Piece[] = [];
  readonly #emptied: () => void;
  /** Elements of the first piece that are handed out already. */
  #taken = 0;
  /** Parts whose bytes somebody is reading. */
  #lent = 0;

  /** @param emptied called when the outbox gets {@link idle}; bytes that were taken are still to be read then. */
  constructor(emptied: () => void = () => undefined) {
    this.#emptied = emptied;
  }

  get empty(): boolean {
    return this.#pieces.length === 0;
  }

  /** Whether it is empty and nothing is lent. */
  get idle(): boolean {
    return this.empty && this.#lent === 0;
  }

  push(piece: Piece): void {
    if (piece.bytes.byteLength !== piece.count * elementBytes(piece.format)) {
      throw new RangeError(`a piece of ${piece.count} ${piece.format} elements with ${piece.bytes.byteLength} bytes`);
    }
    this.#pieces.push(piece);
  }

  clear(): void {
    this.#pieces.length = 0;
    this.#taken = 0;
  }

  /** The first piece, of which nothing has been handed out; null when there is none, or some has. */
  get next(): Piece | null {
    return this.#taken === 0 ? (this.#pieces[0] ?? null) : null;
  }

  /** Bytes that are left of the first piece; 0 for a piece without elements, and where there is none. */
  get nextBytes(): number {
    const piece = this.#pieces[0];
    return piece === undefined ? 0 : (piece.count - this.#taken) * elementBytes(piece.format);
  }

  /** The next part of the first piece, at most `maxBytes` and at least an element; its bytes are a view. Null when empty. */
  take(maxBytes: number): Piece | null {
    const piece = this.#pieces[0];
    if (piece === undefined) return null;
    const size = elementBytes(piece.format);
    const left = piece.count - this.#taken;
    const count = Math.min(left, Math.max(1, Math.floor(maxBytes / size)));
    const { kind, fence, node, format, bytes, isAwaited = true } = piece;
    const start = piece.start + this.#taken;
    const part = bytes.subarray(this.#taken * size, (this.#taken + count) * size);
    this.#taken += count;
    if (count === left) {
      this.#pieces.shift();
      this.#taken = 0;
      if (this.idle) this.#emptied();
    }
    return { kind, fence, node, start, count, format, bytes: part, isAwaited };
  }

  /** As {@link take}, but the outbox is not {@link idle} before the part is given back. */
  lend(maxBytes: number): Piece | null {
    this.#lent += 1;
    const part = this.take(maxBytes);
    if (part === null) this.#lent -= 1;
    return part;
  }

  giveBack(): void {
    this.#lent -= 1;
    if (this.idle) this.#emptied();
  }
}
