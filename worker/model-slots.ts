/**
 * The two model vectors of a worker: the one in use, and the one that the next version arrives in. Versions may arrive in any
 * number of parts, more than once, and from anyone; all copies of a version are the same.
 */
import type { Piece } from '../src/protocol/piece.js';
import { Coverage } from '../src/reduce/coverage.js';

const NONE = -1;

interface Slot {
  readonly vector: Float32Array;
  version: number;
  readonly coverage: Coverage;
}

interface Waiter {
  readonly isMet: () => boolean;
  resolve(): void;
  reject(reason: Error): void;
}

export class ModelSlots {
  readonly #slots: readonly [Slot, Slot];
  #active: 0 | 1 = 0;
  #waiters: Waiter[] = [];

  constructor(vectors: readonly [Float32Array, Float32Array]) {
    const slot = (vector: Float32Array): Slot => ({ vector, version: NONE, coverage: new Coverage() });
    this.#slots = [slot(vectors[0]), slot(vectors[1])];
  }

  /** Which of the two is in use. */
  get active(): 0 | 1 {
    return this.#active;
  }

  /** The vector of a version, or null when neither holds it. */
  vectorOf(version: number): Float32Array | null {
    return this.#slots.find((slot) => slot.version === version)?.vector ?? null;
  }

  /** Takes in part of a version; parts of versions older than the one in use are dropped. Returns whether it was taken. */
  receive({ fence: { step: version }, start, count, bytes }: Piece): boolean {
    const slot = this.#placeOf(version, start, bytes);
    if (slot === null) return false;
    if (slot.version !== version) {
      slot.version = version;
      slot.coverage.clear();
    }
    const to = slot.vector.byteOffset + start * 4;
    if (bytes.buffer !== slot.vector.buffer || bytes.byteOffset !== to)
      new Uint8Array(slot.vector.buffer, to, count * 4).set(bytes);
    slot.coverage.add(start, start + count);
    this.#look();
    return true;
  }

  /** Puts a version into use as soon as some of it has arrived: that tells where it lies. Rejects when {@link cancel} comes first. */
  async use(version: number): Promise<void> {
    const find = (): number => this.#slots.findIndex((slot) => slot.version === version);
    if (find() < 0) await this.#until(() => find() >= 0);
    this.#active = find() === 0 ? 0 : 1;
  }

  /** Whether elements [start, end) of the version in use are there. */
  has(start: number, end: number): boolean {
    return this.#slots[this.#active].coverage.has(start, end);
  }

  /** Resolves when elements [start, end) of the version in use are there; rejects when {@link cancel} comes first. */
  arrived(start: number, end: number): Promise<void> {
    return this.has(start, end) ? Promise.resolve() : this.#until(() => this.has(start, end));
  }

  /** Lets whoever waits go on with an error. */
  cancel(reason: Error): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter.reject(reason);
  }

  #until(isMet: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiters.push({ isMet, resolve, reject });
    });
  }

  #look(): void {
    const met = this.#waiters.filter((waiter) => waiter.isMet());
    this.#waiters = this.#waiters.filter((waiter) => !met.includes(waiter));
    for (const waiter of met) waiter.resolve();
  }

  #placeOf(version: number, start: number, bytes: Uint8Array): Slot | null {
    const active = this.#slots[this.#active];
    const spare = this.#slots[this.#active === 0 ? 1 : 0];
    // In memory that is shared with the coordinator the bytes lie where they belong.
    const inPlace = this.#slots.find(
      ({ vector }) => vector.buffer === bytes.buffer && vector.byteOffset + start * 4 === bytes.byteOffset,
    );
    if (inPlace !== undefined) return inPlace;
    if (active.version === version) return active;
    if (spare.version === version || version > active.version) return spare;
    return null;
  }
}
