/** The offset is `offsetMs` before `atMs`, and moves towards the next knot's from there on. */
interface Knot {
  readonly atMs: number;
  readonly fromMs: number;
  readonly toMs: number;
  /** The new offset is reached so much later. */
  readonly slewMs: number;
}

/** Least time in which a better offset is taken on. */
const SLEW_MS = 50;
/** A correction takes at least so many times itself: the mapped clock never runs backwards, nor at more than 1.05 of its speed. */
const SLEW_PER_CORRECTION = 20;
/** Older corrections are forgotten: nothing that is still to be mapped is as old as that. */
const MAX_KNOTS = 64;

/**
 * Maps times of a remote clock to this one, with an offset that is corrected on the way. One function of the remote time, strictly
 * increasing: whatever came first, or lay within something else, still does after the mapping; a correction changes nothing
 * that was mapped before it.
 */
export class ClockMap {
  #knots: Knot[] = [];
  #offsetMs: number;
  /** The latest remote time that was mapped. */
  #latestMs = -Infinity;

  /** @param offsetMs The remote clock minus this one. */
  constructor(offsetMs: number) {
    this.#offsetMs = offsetMs;
  }

  /** Takes on a better offset, gradually, for remote times that are later than all mapped so far. */
  correct(offsetMs: number): void {
    if (this.#latestMs === -Infinity) {
      this.#offsetMs = offsetMs;
      return;
    }
    const last = this.#knots.at(-1);
    const atMs = last === undefined ? this.#latestMs : Math.max(this.#latestMs, last.atMs + last.slewMs);
    const fromMs = last?.toMs ?? this.#offsetMs;
    if (fromMs === offsetMs) return;
    const slewMs = Math.max(SLEW_MS, SLEW_PER_CORRECTION * Math.abs(offsetMs - fromMs));
    this.#knots = [...this.#knots, { atMs, fromMs, toMs: offsetMs, slewMs }].slice(-MAX_KNOTS);
  }

  /** A time of the remote clock in this one's terms. */
  toLocal(remoteMs: number): number {
    this.#latestMs = Math.max(this.#latestMs, remoteMs);
    return remoteMs - this.#offsetAt(remoteMs);
  }

  #offsetAt(remoteMs: number): number {
    for (let i = this.#knots.length - 1; i >= 0; i -= 1) {
      const { atMs, fromMs, toMs, slewMs } = this.#knots[i] as Knot;
      if (remoteMs >= atMs) return fromMs + (toMs - fromMs) * Math.min(1, (remoteMs - atMs) / slewMs);
    }
    return this.#knots[0]?.fromMs ?? this.#offsetMs;
  }
}
