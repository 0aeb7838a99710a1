/**
 * The words that a worker's event-loop thread and its compute threads share: what to run, for which pass, and who is done.
 * Threads sleep on `sequence`; the event loop waits asynchronously on `events`.
 */
import { PASS_WORDS, PassWords, type PassRequest } from './pass-words.js';

/** Indices of the control words. */
const Word = {
  sequence: 0,
  completed: 1,
  segment: 2,
  running: 3,
  failed: 4,
  arrived: 5,
  generation: 6,
  /** Counts whatever the event loop should wake up for. */
  events: 7,
  /** Where the segments of a call end, and up to where all threads have come. */
  endSegment: 8,
  reached: 9,
  /** The event loop wants the pass to end early; and the threads have agreed to. */
  calledOff: 10,
  cutShort: 11,
  /** Time that a thread has waited at the board in this pass (µs). */
  boardWait: 12,
  /** What the pass is. */
  pass: 13,
  claims: 13 + PASS_WORDS,
} as const;

/** Most groups of operations in one segment: each has a counter of its claimed tasks. */
export const MAX_GROUPS = 1024;
/** Most operations of a program that form a gradient: each has a counter of its finished tasks. */
export const MAX_GRADIENT_OPERATIONS = 4096;
const ENDED = Word.claims + MAX_GROUPS;
/** For each operation that forms a gradient, 1 where its end wakes the event loop. */
const WAKES = ENDED + MAX_GRADIENT_OPERATIONS;
const WORDS = WAKES + MAX_GRADIENT_OPERATIONS;
const STOP = -1;

/** Segments [first, end) of a program, by number. */
export interface SegmentRange {
  readonly first: number;
  readonly end: number;
}

export class Control {
  readonly buffer: SharedArrayBuffer;
  /** The pass that the segments belong to. */
  readonly pass: PassWords;
  readonly #words: Int32Array;

  constructor(buffer = new SharedArrayBuffer(WORDS * 4)) {
    this.buffer = buffer;
    this.#words = new Int32Array(buffer, 0, WORDS);
    this.pass = new PassWords(this.#words.subarray(Word.pass, Word.claims));
  }

  // ── the event loop's side ──────────────────────────────────────────────────────────────────────────────────────────

  /** Describes the pass that the next segments belong to. No segment may be running. */
  setPass(request: PassRequest): void {
    const words = this.#words;
    words[Word.boardWait] = 0;
    Atomics.store(words, Word.calledOff, 0);
    Atomics.store(words, Word.cutShort, 0);
    words.fill(0, ENDED, WAKES);
    this.pass.write(request);
  }

  /**
   * Lets `threads` threads run the segments [first, end); resolves when the last of them is done.
   *
   * @param progress Called whenever a segment or one of the operations of {@link wakeAfter} may have ended, and once at the end.
   */
  async run({ first, end }: SegmentRange, threads: number, progress?: () => void): Promise<void> {
    const words = this.#words;
    this.#freeClaims();
    Atomics.store(words, Word.segment, first);
    Atomics.store(words, Word.endSegment, end);
    Atomics.store(words, Word.reached, first);
    Atomics.store(words, Word.running, threads);
    const before = Atomics.load(words, Word.completed);
    Atomics.add(words, Word.sequence, 1);
    Atomics.notify(words, Word.sequence);
    for (;;) {
      const seen = Atomics.load(words, Word.events);
      // Looked at before anything is taken in, so that what ended before `completed` is not missed.
      const over = Atomics.load(words, Word.completed) !== before;
      progress?.();
      if (over) return;
      // A notification may come late, from a thread that was put aside before its notify: the words decide.
      const wait = Atomics.waitAsync(words, Word.events, seen);
      if (wait.async) await wait.value;
    }
  }

  /** Says which operations that form a gradient wake the event loop when they end. No segment may be running. */
  wakeAfter(operations: Iterable<number>): void {
    this.#words.fill(0, WAKES);
    for (const operation of operations) this.#words[WAKES + operation] = 1;
  }

  /** Whether all `count` tasks of an operation that forms a gradient have ended in this pass. */
  hasEnded(operation: number, count: number): boolean {
    return Atomics.load(this.#words, ENDED + operation) === count;
  }

  /** Whether all threads have run a segment of the call under way, and others of it are to come. */
  hasPassed(segment: number): boolean {
    return Atomics.load(this.#words, Word.reached) > segment;
  }

  /** Has the pass under way end at the next exchange that its threads wait for at the board. */
  callOff(): void {
    Atomics.store(this.#words, Word.calledOff, 1);
  }

  /** Whether the pass has ended early. */
  get wasCutShort(): boolean {
    return Atomics.load(this.#words, Word.cutShort) !== 0;
  }

  /** How long threads have waited at the board in this pass. */
  get boardWaitMs(): number {
    return Atomics.load(this.#words, Word.boardWait) / 1e3;
  }

  /** Has all threads end. */
  stop(): void {
    Atomics.store(this.#words, Word.segment, STOP);
    Atomics.add(this.#words, Word.sequence, 1);
    Atomics.notify(this.#words, Word.sequence);
  }

  /** Wakes the event loop although a thread will never be done: it died. */
  abandon(): void {
    Atomics.store(this.#words, Word.failed, 1);
    Atomics.add(this.#words, Word.completed, 1);
    this.#wakeEventLoop();
  }

  /** Whether a thread died. */
  get failed(): boolean {
    return Atomics.load(this.#words, Word.failed) !== 0;
  }

  // ── a compute thread's side ────────────────────────────────────────────────────────────────────────────────────────

  /** Sleeps until there are segments to run; null when the thread should end. `seen` is the sequence it ran last. */
  next(seen: number): (SegmentRange & { readonly sequence: number }) | null {
    // As in `run`, a late notification of the last call must not pass for the next one.
    while (Atomics.load(this.#words, Word.sequence) === seen) Atomics.wait(this.#words, Word.sequence, seen);
    const sequence = Atomics.load(this.#words, Word.sequence);
    const first = Atomics.load(this.#words, Word.segment);
    return first === STOP ? null : { sequence, first, end: Atomics.load(this.#words, Word.endSegment) };
  }

  /** Reports this thread's part of the segments done. */
  done(): void {
    if (Atomics.sub(this.#words, Word.running, 1) > 1) return;
    Atomics.add(this.#words, Word.completed, 1);
    this.#wakeEventLoop();
  }

  /** Reports one of the `count` tasks of an operation that forms a gradient done. */
  taskEnded(operation: number, count: number): void {
    const isLast = Atomics.add(this.#words, ENDED + operation, 1) === count - 1;
    if (isLast && this.#words[WAKES + operation] === 1) this.#wakeEventLoop();
  }

  #freeClaims(): void {
    this.#words.fill(0, Word.claims, ENDED);
  }

  #wakeEventLoop(): void {
    Atomics.add(this.#words, Word.events, 1);
    Atomics.notify(this.#words, Word.events);
  }

  /** Takes the next task of a group, 0 … MAX_GROUPS − 1; tasks at or beyond the group's size mean that none is left. */
  claim(group: number): number {
    return Atomics.add(this.#words, Word.claims + group, 1);
  }

  /**
   * Says that all threads have run a segment, and that the next one of the call may begin: for one of them, at a barrier.
   *
   * @param wake whether the event loop is to look at once.
   */
  passSegment(segment: number, wake: boolean): void {
    this.#freeClaims();
    Atomics.store(this.#words, Word.reached, segment + 1);
    if (wake) this.#wakeEventLoop();
  }

  /** Waits until all `threads` threads have come here; the last one does something `before` the others go on. */
  barrier(threads: number, before?: () => void): void {
    if (threads === 1) {
      before?.();
      return;
    }
    const words = this.#words;
    const generation = Atomics.load(words, Word.generation);
    if (Atomics.add(words, Word.arrived, 1) === threads - 1) {
      before?.();
      Atomics.store(words, Word.arrived, 0);
      Atomics.add(words, Word.generation, 1);
      Atomics.notify(words, Word.generation);
      return;
    }
    // The others are microseconds behind as a rule: look a few times before going to sleep.
    for (let spin = 0; spin < 2_000; spin += 1) if (Atomics.load(words, Word.generation) !== generation) return;
    while (Atomics.load(words, Word.generation) === generation) Atomics.wait(words, Word.generation, generation);
  }

  /** Whether the event loop wants the pass to end early. */
  get isCalledOff(): boolean {
    return Atomics.load(this.#words, Word.calledOff) !== 0;
  }

  /** Ends the pass early for all threads: for one of them, at a barrier. */
  cutShort(): void {
    Atomics.store(this.#words, Word.cutShort, 1);
  }

  /** Counts time that the threads have waited at the board: for one of them. */
  waitedAtBoard(ms: number): void {
    Atomics.add(this.#words, Word.boardWait, Math.round(ms * 1e3));
  }
}
