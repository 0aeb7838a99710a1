import type { Clock } from '../../src/common/clock.js';

/** A clock that stands still until it is told to move. */
export class ManualClock implements Clock {
  #elapsedMs = 0;
  readonly #startMs: number;

  constructor(startMs = Date.UTC(2026, 0, 1)) {
    this.#startMs = startMs;
  }

  now(): number {
    return this.#startMs + this.#elapsedMs;
  }

  monotonic(): number {
    return this.#elapsedMs;
  }

  /** Lets `ms` milliseconds pass. */
  advance(ms: number): void {
    if (ms < 0) throw new RangeError(`Time does not run backwards: advance(${ms})`);
    this.#elapsedMs += ms;
  }
}
