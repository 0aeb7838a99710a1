/**
 * The words that a worker's event-loop thread and its compute threads share: what to run, what the pass is, who is done.
 * Threads sleep on `sequence`; the event loop waits asynchronously on `events`.
 */
import type { Pass } from '../src/nn/layer.js';
import { passShards } from '../src/nn/pass-shards.js';
import type { SplitName } from '../src/job/job.js';
import type { Offset } from '../src/kernels/arena.js';
import type { SlotNumber } from './staging.js';

const SPLITS: readonly SplitName[] = ['train', 'dev', 'test'];

/** Indices of the control words. */
const Word = {
  sequence: 0,
  completed: 1,
  segment: 2,
  running: 3,
  failed: 4,
  arrived: 5,
  generation: 6,
  training: 7,
  step: 8,
  weights: 9,
  firstShard: 10,
  endShard: 11,
  totalShards: 12,
  batchCount: 13,
  split: 14,
  rows: 15,
  /** Counts passes, so that each side knows when to look at the words above again. */
  pass: 16,
  /** Counts whatever the event loop should wake up for. */
  events: 17,
  /** Binary logarithm of the loss scale. */
  lossScale: 18,
  /** Where the segments of a call end, and up to where all threads have come. */
  endSegment: 19,
  reached: 20,
  slot: 21,
  /** Workers that share a board, 0 where there is none, and the attempt by which their posts are told. */
  boardWorkers: 22,
  attempt: 23,
  /** The event loop wants the pass to end early; and the threads have agreed to. */
  calledOff: 24,
  cutShort: 25,
  /** Time that a thread has waited at the board in this pass (µs). */
  boardWait: 26,
  claims: 27,
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

/** How a pass uses the board: how many workers share it, and by which attempt their posts are told. */
export interface BoardPass {
  readonly workers: number;
  readonly attempt: number;
}

/** What to compute: rows of a split, cut into shards. */
export interface PassRequest {
  readonly mode: Pass['mode'];
  readonly split: SplitName;
  readonly step: number;
  /** A power of two. */
  readonly lossScale: number;
  /** Which of the two model vectors. */
  readonly weights: 0 | 1;
  readonly firstShard: number;
  readonly endShard: number;
  readonly totalShards: number;
  readonly batchCount: number;
  /** Where its samples are staged. */
  readonly slot: SlotNumber;
  /** Where the exchanges of several workers are answered; null where it is not by their threads. */
  readonly board: BoardPass | null;
}

/** Segments [first, end) of a program, by number. */
export interface SegmentRange {
  readonly first: number;
  readonly end: number;
}

export class Control {
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array;
  #known: { readonly number: number; readonly pass: Pass } | null = null;

  constructor(buffer = new SharedArrayBuffer(WORDS * 4)) {
    this.buffer = buffer;
    this.#words = new Int32Array(buffer, 0, WORDS);
  }

  // ── the event loop's side ──────────────────────────────────────────────────────────────────────────────────────────

  /** Describes the pass that the next segments belong to. No segment may be running. */
  setPass(request: PassRequest): void {
    const words = this.#words;
    words[Word.training] = request.mode === 'training' ? 1 : 0;
    words[Word.split] = SPLITS.indexOf(request.split);
    words[Word.step] = request.step;
    words[Word.lossScale] = Math.log2(request.lossScale);
    words[Word.weights] = request.weights;
    words[Word.firstShard] = request.firstShard;
    words[Word.endShard] = request.endShard;
    words[Word.totalShards] = request.totalShards;
    words[Word.batchCount] = request.batchCount;
    words[Word.slot] = request.slot;
    words[Word.boardWorkers] = request.board?.workers ?? 0;
    words[Word.attempt] = request.board?.attempt ?? 0;
    words[Word.boardWait] = 0;
    Atomics.store(words, Word.calledOff, 0);
    Atomics.store(words, Word.cutShort, 0);
    words.fill(0, ENDED, WAKES);
    Atomics.add(words, Word.pass, 1);
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

  get isCalledOff(): boolean {
    return Atomics.load(this.#words, Word.calledOff) !== 0;
  }

  /** Ends the pass early for all threads: for one of them, at a barrier. */
  cutShort(): void {
    Atomics.store(this.#words, Word.cutShort, 1);
  }

  waitedAtBoard(ms: number): void {
    Atomics.add(this.#words, Word.boardWait, Math.round(ms * 1e3));
  }

  /** The board of the current pass; null where there is none. */
  get board(): BoardPass | null {
    const workers = this.#words[Word.boardWorkers] ?? 0;
    return workers === 0 ? null : { workers, attempt: this.#words[Word.attempt] ?? 0 };
  }

  get slot(): SlotNumber {
    return this.#words[Word.slot] === 1 ? 1 : 0;
  }

  get split(): SplitName {
    return SPLITS[this.#words[Word.split] ?? 0] ?? 'train';
  }

  /** The current pass as the operations see it; the arguments are the same at every call. */
  pass(vectors: readonly [Offset, Offset], gradients: Offset, gradientStride: number): Pass {
    const number = Atomics.load(this.#words, Word.pass);
    if (this.#known?.number !== number) this.#known = { number, pass: this.#read(vectors, gradients, gradientStride) };
    return this.#known.pass;
  }

  #read(vectors: readonly [Offset, Offset], gradients: Offset, gradientStride: number): Pass {
    const word = (index: number): number => this.#words[index] ?? 0;
    const range = { first: word(Word.firstShard), end: word(Word.endShard) };
    return {
      mode: word(Word.training) === 1 ? 'training' : 'inference',
      step: word(Word.step),
      lossScale: 2 ** word(Word.lossScale),
      weights: vectors[word(Word.weights) === 1 ? 1 : 0],
      ...passShards(word(Word.batchCount), word(Word.totalShards), range),
      gradients,
      gradientStride,
    };
  }
}
