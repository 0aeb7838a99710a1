/**
 * What the compute threads did when, in memory that they share with the event loop: each thread writes a ring of its own, and
 * the event loop empties them between passes. A thread whose run is not traced looks at one word per segment.
 */

/** Spans of one pass that are kept, the last ones: far more than there are groups in a pass. */
const CAPACITY = 4_096;
/** Words of a thread before its ring: spans written since the beginning. */
const HEADER_WORDS = 2;
/** Start, end, and one number that packs segment and group. */
const FIELDS = 3;
/** Groups of a segment that are told apart. */
const GROUPS = 65_536;
/** Stands for a group: the wait for an exchange, after a segment. */
export const WAITING = GROUPS - 1;

export interface ThreadSpan {
  readonly thread: number;
  readonly segment: number;
  /** Place of the group of operations within the segment. */
  readonly group: number;
  /** `performance.now()` of the process's main thread (ms). */
  readonly startMs: number;
  readonly endMs: number;
}

/** Readings of two clocks of which the tightest counts: a thread may be put aside between the two. */
const READINGS = 16;

/**
 * Where `performance.now()` of this thread counts from. Whether threads share that moment depends on the version of Node; the
 * system's monotonic clock is the same for all.
 */
function threadOriginMs(): number {
  let [origin, tightest] = [0, Infinity];
  for (let i = 0; i < READINGS; i += 1) {
    const before = performance.now();
    const [seconds, nanoseconds] = process.hrtime();
    const after = performance.now();
    if (after - before >= tightest) continue;
    tightest = after - before;
    origin = seconds * 1e3 + nanoseconds / 1e6 - (before + after) / 2;
  }
  return origin;
}

const bytesOf = (threads: number): number => 16 + threads * (HEADER_WORDS * 4 + CAPACITY * FIELDS * 8);

export class ThreadTrace {
  readonly buffer: SharedArrayBuffer;
  readonly #threads: number;
  /** Whether to record, and padding. */
  readonly #flags: Int32Array;
  readonly #written: readonly Int32Array[];
  readonly #rings: readonly Float64Array[];
  readonly #drained: number[];
  readonly #originMs: number;

  /** On the main thread without a buffer; then on each compute thread with the buffer of that one. */
  constructor(threads: number, buffer?: SharedArrayBuffer) {
    this.buffer = buffer ?? new SharedArrayBuffer(bytesOf(threads));
    this.#threads = threads;
    this.#flags = new Int32Array(this.buffer, 0, 2);
    const origin = new Float64Array(this.buffer, 8, 1);
    if (buffer === undefined) origin[0] = threadOriginMs();
    // Added to a time of this thread, it gives that of the main thread.
    this.#originMs = threadOriginMs() - (origin[0] as number);
    const stride = HEADER_WORDS * 4 + CAPACITY * FIELDS * 8;
    const starts = Array.from({ length: threads }, (_, thread) => 16 + thread * stride);
    this.#written = starts.map((start) => new Int32Array(this.buffer, start, 1));
    this.#rings = starts.map((start) => new Float64Array(this.buffer, start + HEADER_WORDS * 4, CAPACITY * FIELDS));
    this.#drained = starts.map(() => 0);
  }

  // ── a compute thread's side ────────────────────────────────────────────────────────────────────────────────────────

  get enabled(): boolean {
    return Atomics.load(this.#flags, 0) !== 0;
  }

  /** Times are `performance.now()` of the calling thread. */
  record(thread: number, segment: number, group: number, startMs: number, endMs: number): void {
    const [written, ring] = [this.#written[thread] as Int32Array, this.#rings[thread] as Float64Array];
    const count = Atomics.load(written, 0);
    const at = (count % CAPACITY) * FIELDS;
    ring[at] = startMs + this.#originMs;
    ring[at + 1] = endMs + this.#originMs;
    ring[at + 2] = segment * GROUPS + group;
    Atomics.store(written, 0, (count + 1) | 0);
  }

  // ── the event loop's side ──────────────────────────────────────────────────────────────────────────────────────────

  /** Has the threads record from the next segment on, or not. */
  enable(enabled: boolean): void {
    Atomics.store(this.#flags, 0, enabled ? 1 : 0);
  }

  /** Takes out what was recorded, thread by thread. No segment may be running. */
  drain(visit: (span: ThreadSpan) => void): void {
    for (let thread = 0; thread < this.#threads; thread += 1) {
      const ring = this.#rings[thread] as Float64Array;
      const written = Atomics.load(this.#written[thread] as Int32Array, 0);
      const first = Math.max(this.#drained[thread] as number, written - CAPACITY);
      for (let i = first; i < written; i += 1) {
        const at = (i % CAPACITY) * FIELDS;
        const place = ring[at + 2] as number;
        visit({
          thread,
          segment: Math.floor(place / GROUPS),
          group: place % GROUPS,
          startMs: ring[at] as number,
          endMs: ring[at + 1] as number,
        });
      }
      this.#drained[thread] = written;
    }
  }
}
