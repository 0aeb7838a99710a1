/**
 * A ring of records in memory that two processes share: one writes, one reads, neither ever waits inside.
 *
 * The first page holds a nonce and four words, each on a cache line of its own. HEAD (how far the writer has come) and TAIL (the
 * reader) count units of 64 bytes modulo 2³². A record is a unit that says what it is, and its bytes, which begin as many bytes later
 * as `misalignment` says; of a piece in memory that both sides share, the unit alone says where it lies. A record never runs over the
 * end of the ring: a skip record fills what is left there.
 *
 * Who finds nothing to do sets its flag, looks once more, and sleeps; who makes progress takes down the other's flag and rings.
 * Atomics are sequentially consistent between processes too, so that no wake-up is lost: either the one who falls asleep sees the
 * progress, or the other sees the flag.
 */
import { PIECE_KINDS, WIRE_FORMATS } from './chunk-codec.js';
import { bytesAt, placeIn, type MemoryPart } from '../protocol/memory-part.js';
import type { Outbox } from './outbox.js';
import { ROOT, elementBytes, misalignment, type Piece } from '../protocol/piece.js';

export const NONCE_BYTES = 16;
/** Where records begin. */
export const RING_START = 4096;

/** Indices of 32-bit words in the first page. */
const HEAD = 16;
const TAIL = 32;
const READER_SLEEPS = 48;
const WRITER_SLEEPS = 64;

/** Bytes of a unit, and of the head of a record. */
const UNIT = 64;
/** In place of the length of a record: nothing more before the ring's end. */
const SKIP = 0xffff_ffff;
/** In place of the kind of a piece: a note. */
const NOTE = 0xffff;
/** Added to the kind of a piece: no bytes follow, as both sides share the memory that they lie in; the record says where. */
const IN_PLACE = 0x100;

/** Bytes of a record: small enough that the reader starts while the writer goes on. */
const RECORD_BYTES = 2 ** 17;
/** A rest of the ring smaller than this is skipped where a piece would have to be cut for it. */
const SLIVER_BYTES = 2 ** 14;
/** Of the longest note. */
export const NOTE_BYTES = SLIVER_BYTES;
/** What a reader handles in one turn of the event loop. */
const TURN_BYTES = 2 ** 23;

/** The other side writes what no writer of this ring writes. */
export class RingError extends Error {
  override readonly name = 'RingError';
}

/** Ends of a ring are made for one another: both see the same buffer, of RING_START and a multiple of 64 bytes. */
class RingEnd {
  protected readonly flags: Int32Array;
  protected readonly words: Uint32Array;
  protected readonly bytes: Uint8Array;
  protected readonly capacity: number;
  /** Wakes the other side. */
  protected readonly ring: () => void;

  constructor(buffer: ArrayBufferLike, ring: () => void) {
    this.flags = new Int32Array(buffer, 0, RING_START / 4);
    this.words = new Uint32Array(buffer, RING_START);
    this.bytes = new Uint8Array(buffer, RING_START);
    this.capacity = this.bytes.byteLength;
    this.ring = ring;
    if (this.capacity % UNIT !== 0 || this.capacity < 16 * UNIT)
      throw new RangeError(`a ring of ${this.capacity} bytes`);
  }

  /** Takes down the flag of the other side and wakes it, if it sleeps. */
  protected wake(flag: number): void {
    if (Atomics.load(this.flags, flag) === 1 && Atomics.exchange(this.flags, flag, 0) === 1) this.ring();
  }
}

export class RingWriter extends RingEnd {
  /** Bytes written since the beginning, from where the page says that it is. */
  #head = (Atomics.load(this.flags, HEAD) >>> 0) * UNIT;
  readonly #shared: () => MemoryPart | null;
  #unannounced = false;

  /** @param shared memory of the writer that the reader has mapped; pieces that lie in it are not copied. Default: there is none. */
  constructor(buffer: ArrayBufferLike, ring: () => void, shared: () => MemoryPart | null = () => null) {
    super(buffer, ring);
    this.#shared = shared;
  }

  /** Moves what fits from the outbox into the ring. False: it is full, and the reader will ring. @param sent told of bytes that were copied. */
  pump(outbox: Outbox, sent: (bytes: number) => void): boolean {
    while (!outbox.empty) {
      if (!this.#record(outbox, sent)) {
        Atomics.store(this.flags, WRITER_SLEEPS, 1);
        if (!this.#record(outbox, sent)) return false;
        Atomics.store(this.flags, WRITER_SLEEPS, 0);
      }
    }
    return true;
  }

  /**
   * Whether the reader may not know of the last records. It can do nothing with them yet, and a reader that is woken for each of them
   * takes a processor away from those who compute.
   */
  get unannounced(): boolean {
    return this.#unannounced;
  }

  /** Wakes the reader for what is {@link unannounced}. */
  announce(): void {
    this.#unannounced = false;
    this.wake(READER_SLEEPS);
  }

  /**
   * Writes a few bytes that are no piece, ahead of all pieces that are still to be written. False: there is no room for them now, or
   * there never is.
   *
   * @param isAwaited false: the reader can do nothing with them before it gets something else.
   */
  note(bytes: Uint8Array, isAwaited: boolean): boolean {
    if (bytes.byteLength > NOTE_BYTES || this.#room(2 * UNIT + bytes.byteLength) === 0) return false;
    const place = this.#head % this.capacity;
    this.words[place / 4] = bytes.byteLength;
    this.words[place / 4 + 1] = NOTE;
    this.bytes.set(bytes, place + UNIT);
    this.#publish(recordBytes(bytes.byteLength), isAwaited);
    return true;
  }

  /** Writes one record; false when there is no room. */
  #record(outbox: Outbox, sent: (bytes: number) => void): boolean {
    const shared = this.#shared();
    const place = shared === null || outbox.next === null ? null : placeIn(shared, outbox.next.bytes);
    return place === null ? this.#copy(outbox, sent) : this.#refer(outbox, place);
  }

  /** Writes where the first piece lies. */
  #refer(outbox: Outbox, place: number): boolean {
    if (this.#room(recordBytes(0)) === 0) return false;
    const piece = outbox.take(Infinity);
    if (piece === null) return true;
    const at = (this.#head % this.capacity) / 4;
    this.#describe(at, piece);
    this.words[at] = 0;
    this.words[at + 1] = (this.words[at + 1] as number) + IN_PLACE;
    this.words[at + 10] = place;
    this.#publish(recordBytes(0), piece.isAwaited !== false);
    return true;
  }

  #copy(outbox: Outbox, sent: (bytes: number) => void): boolean {
    const wanted = Math.min(outbox.nextBytes, RECORD_BYTES, this.capacity / 4);
    const room = this.#room(2 * UNIT + Math.min(wanted, SLIVER_BYTES));
    if (room === 0) return false;
    const place = this.#head % this.capacity;
    const part = outbox.take(Math.min(wanted, room - 2 * UNIT));
    if (part === null) return true;
    this.#describe(place / 4, part);
    this.bytes.set(part.bytes, place + UNIT + misalignment(part));
    sent(part.bytes.byteLength);
    this.#publish(recordBytes(part.bytes.byteLength));
    return true;
  }

  /** Bytes that can be written in one piece from the head on, which is moved past the end of the ring for it; 0 when fewer than `least`. */
  #room(least: number): number {
    const place = this.#head % this.capacity;
    const rest = this.capacity - place;
    // Counted in what is free before the skip: a skip into no room would only burn the rest.
    if (this.#free() < (rest < least ? rest + least : least)) return 0;
    if (rest >= least) return Math.min(this.#free(), rest);
    this.#skip(place);
    return Math.min(this.#free(), this.capacity);
  }

  #free(): number {
    // The difference of counters modulo 2³², as the reader can only be behind.
    const used = (((this.#head / UNIT) | 0) - Atomics.load(this.flags, TAIL)) >>> 0;
    return this.capacity - used * UNIT;
  }

  #skip(place: number): void {
    this.words[place / 4] = SKIP;
    this.#publish(this.capacity - place);
  }

  #describe(at: number, { kind, fence, node, start, count, format, bytes }: Piece): void {
    const { words } = this;
    words[at] = bytes.byteLength;
    words[at + 1] = PIECE_KINDS.indexOf(kind);
    words[at + 2] = WIRE_FORMATS.indexOf(format);
    words[at + 3] = fence.epoch;
    words[at + 4] = fence.step;
    words[at + 5] = fence.attempt;
    words[at + 6] = node.level;
    words[at + 7] = node.index;
    words[at + 8] = start;
    words[at + 9] = count;
  }

  #publish(bytes: number, announced = true): void {
    this.#head += bytes;
    Atomics.store(this.flags, HEAD, (this.#head / UNIT) | 0);
    this.#unannounced = !announced;
    if (announced) this.wake(READER_SLEEPS);
  }
}

export class RingReader extends RingEnd {
  /** Bytes read since the beginning, from where the page says that it is. */
  #tail = (Atomics.load(this.flags, TAIL) >>> 0) * UNIT;
  readonly #shared: MemoryPart | null;
  #closed = false;

  /** @param shared memory of the writer that is mapped here; default: there is none. */
  constructor(buffer: ArrayBufferLike, ring: () => void, shared: MemoryPart | null = null) {
    super(buffer, ring);
    this.#shared = shared;
  }

  /**
   * Hands over what has arrived, pieces and notes; their bytes are views that end with the call. True: there is more, which another turn
   * of the event loop should go on with. False: there is nothing now, and the writer will ring.
   *
   * @throws RingError for a record that cannot be.
   */
  drain(take: (piece: Piece) => void, note: (bytes: Uint8Array) => void): boolean {
    let left = TURN_BYTES;
    Atomics.store(this.flags, READER_SLEEPS, 0);
    while (!this.#closed) {
      const ready = this.#ready();
      if (ready === 0) {
        Atomics.store(this.flags, READER_SLEEPS, 1);
        if (this.#ready() === 0) return false;
        Atomics.store(this.flags, READER_SLEEPS, 0);
      } else if (left <= 0) {
        return true;
      } else {
        left -= this.#record(ready, take, note);
      }
    }
    return false;
  }

  /** Nothing is handed over from now on, not even in a `drain` under way. */
  close(): void {
    this.#closed = true;
  }

  #ready(): number {
    return ((Atomics.load(this.flags, HEAD) - ((this.#tail / UNIT) | 0)) >>> 0) * UNIT;
  }

  #record(ready: number, take: (piece: Piece) => void, note: (bytes: Uint8Array) => void): number {
    const place = this.#tail % this.capacity;
    const rest = this.capacity - place;
    const length = this.words[place / 4] as number;
    const whole = length === SKIP ? rest : recordBytes(length);
    if (whole > ready || whole > rest)
      throw new RingError(`shared memory is damaged: a record of ${length} bytes where ${ready} are written`);
    if (length !== SKIP && this.words[place / 4 + 1] === NOTE) {
      note(this.bytes.subarray(place + UNIT, place + UNIT + length));
    } else if (length !== SKIP) {
      const piece = this.#piece(place, length);
      if (piece !== null) take(piece);
    }
    this.#tail += whole;
    Atomics.store(this.flags, TAIL, (this.#tail / UNIT) | 0);
    // A writer is woken when it can write much, not for every record that makes room for another.
    if (this.#ready() <= this.capacity / 2) this.wake(WRITER_SLEEPS);
    return whole;
  }

  #piece(place: number, length: number): Piece | null {
    const { words } = this;
    const at = place / 4;
    const word = (index: number): number => words[at + index] as number;
    const kind = PIECE_KINDS[word(1) % IN_PLACE];
    const format = WIRE_FORMATS[word(2)];
    if (kind === null || kind === undefined || format === null || format === undefined) return null;
    const fence = { epoch: word(3), step: word(4), attempt: word(5) };
    const node = word(6) === 0 && word(7) === 0 ? ROOT : { level: word(6), index: word(7) };
    const [start, count] = [word(8), word(9)];
    const from = place + UNIT + misalignment({ start, format });
    const bytes =
      word(1) < IN_PLACE
        ? this.bytes.subarray(from, from + length)
        : this.#inPlace(word(10), count * elementBytes(format));
    return { kind, fence, node, start, count, format, bytes };
  }

  #inPlace(place: number, length: number): Uint8Array {
    const bytes = this.#shared === null ? null : bytesAt(this.#shared, place, length);
    if (bytes === null) throw new RingError(`shared memory is damaged: ${length} bytes at ${place} are not shared`);
    return bytes;
  }
}

/** A record with `length` bytes, in whole units, with room for the misalignment. */
function recordBytes(length: number): number {
  return UNIT * (1 + Math.ceil((length + 7) / UNIT));
}
