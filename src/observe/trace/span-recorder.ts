import type { StepTracer, TraceArgs, TraceRange, TraceRecord } from '../../common/trace.js';

/** Arguments kept of one span. */
const MAX_ARGS = 6;
/** Names that are told apart; what comes beyond them is called {@link OTHER}. */
const MAX_NAMES = 4_096;
const OTHER = '…';

/** A few steps of a process with much to tell: whoever records drains after each. */
const CAPACITY = 16_384;

/** Gives every name a number, and back. */
class Names {
  readonly #numbers = new Map<string, number>([[OTHER, 0]]);
  readonly #names = [OTHER];

  numberOf(name: string): number {
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    if (this.#names.length === MAX_NAMES) return 0;
    const number = this.#names.length;
    this.#numbers.set(name, number);
    this.#names.push(name);
    return number;
  }

  nameOf(number: number): string {
    return this.#names[number] ?? OTHER;
  }
}

/**
 * Keeps the spans of one process until they are drained, in memory whose size never changes: when nobody drains, the oldest
 * are overwritten. Records only while a step of its range is under way.
 */
export class SpanRecorder implements StepTracer {
  readonly #range: TraceRange;
  readonly #capacity: number;
  readonly #names = new Names();
  readonly #starts: Float64Array;
  /** NaN for an instant. */
  readonly #ends: Float64Array;
  /** Track, name, number of arguments, then their names. */
  readonly #words: Uint16Array;
  readonly #values: Float64Array;
  #enabled = false;
  /** Records since the beginning, and how many of them have left. */
  #written = 0;
  #drained = 0;
  #dropped = 0;

  constructor(range: TraceRange, capacity = CAPACITY) {
    this.#range = range;
    this.#capacity = capacity;
    this.#starts = new Float64Array(capacity);
    this.#ends = new Float64Array(capacity);
    this.#words = new Uint16Array(capacity * (3 + MAX_ARGS));
    this.#values = new Float64Array(capacity * MAX_ARGS);
  }

  get enabled(): boolean {
    return this.#enabled;
  }

  begin(step: number): void {
    this.#enabled = step >= this.#range.firstStep && step < this.#range.endStep;
  }

  span(track: string, name: string, startMs: number, endMs: number, args?: TraceArgs): void {
    if (this.#enabled) this.#write(track, name, startMs, endMs, args);
  }

  instant(track: string, name: string, atMs: number, args?: TraceArgs): void {
    if (this.#enabled) this.#write(track, name, atMs, NaN, args);
  }

  /** Takes out what was recorded, in the order of recording. */
  drain(): TraceRecord[] {
    const records: TraceRecord[] = [];
    for (; this.#drained < this.#written; this.#drained += 1) records.push(this.#read(this.#drained % this.#capacity));
    return records;
  }

  /** Records overwritten since the last call. */
  takeDropped(): number {
    const dropped = this.#dropped;
    this.#dropped = 0;
    return dropped;
  }

  #write(track: string, name: string, startMs: number, endMs: number, args: TraceArgs | undefined): void {
    if (this.#written - this.#drained === this.#capacity) {
      this.#drained += 1;
      this.#dropped += 1;
    }
    const at = this.#written % this.#capacity;
    this.#written += 1;
    this.#starts[at] = startMs;
    this.#ends[at] = endMs;
    const word = at * (3 + MAX_ARGS);
    this.#words[word] = this.#names.numberOf(track);
    this.#words[word + 1] = this.#names.numberOf(name);
    let count = 0;
    for (const key in args) {
      if (count === MAX_ARGS) break;
      this.#words[word + 3 + count] = this.#names.numberOf(key);
      this.#values[at * MAX_ARGS + count] = args[key] as number;
      count += 1;
    }
    this.#words[word + 2] = count;
  }

  #read(at: number): TraceRecord {
    const word = at * (3 + MAX_ARGS);
    const args: Record<string, number> = {};
    for (let i = 0; i < (this.#words[word + 2] as number); i += 1) {
      args[this.#names.nameOf(this.#words[word + 3 + i] as number)] = this.#values[at * MAX_ARGS + i] as number;
    }
    const end = this.#ends[at] as number;
    return {
      track: this.#names.nameOf(this.#words[word] as number),
      name: this.#names.nameOf(this.#words[word + 1] as number),
      startMs: this.#starts[at] as number,
      endMs: Number.isNaN(end) ? null : end,
      args,
    };
  }
}
