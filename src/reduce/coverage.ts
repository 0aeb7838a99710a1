import type { Range } from './buckets.js';

/** Which elements of a vector have arrived, in whatever order and however often. */
export class Coverage {
  /** Disjoint, ascending, with gaps between them. */
  #ranges: Range[] = [];

  add(start: number, end: number): void {
    let from = start;
    let to = end;
    const apart = this.#ranges.filter((range) => {
      if (range.end < start || range.start > end) return true;
      from = Math.min(from, range.start);
      to = Math.max(to, range.end);
      return false;
    });
    this.#ranges = [...apart, { start: from, end: to }].sort((a, b) => a.start - b.start);
  }

  clear(): void {
    this.#ranges = [];
  }

  /** Whether all of [start, end) is there. */
  has(start: number, end: number): boolean {
    return start >= end || this.#ranges.some((range) => range.start <= start && range.end >= end);
  }
}
