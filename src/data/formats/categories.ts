const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

/** The number that a cell spells in decimal notation, or NaN. Unlike `Number`: no hexadecimal, blank or Infinity. */
export function parseNumber(text: string): number {
  return NUMBER.test(text) ? Number(text) : NaN;
}

/**
 * The distinct values of a column, in an order that does not depend on the order of the rows: by number where all of
 * them are numbers (`1` and `1.0` are then the same), else by code unit.
 */
export class Categories {
  /** By index. */
  readonly names: readonly string[];
  readonly #numeric: boolean;
  readonly #indices: ReadonlyMap<string | number, number>;

  constructor(values: Iterable<string>) {
    const distinct = [...new Set(values)].sort();
    this.#numeric = distinct.every((value) => !Number.isNaN(parseNumber(value)));
    if (this.#numeric) distinct.sort((a, b) => Number(a) - Number(b));
    const names: string[] = [];
    const indices = new Map<string | number, number>();
    for (const value of distinct) {
      const key = this.#key(value);
      if (indices.has(key)) continue;
      indices.set(key, names.length);
      names.push(value);
    }
    this.names = names;
    this.#indices = indices;
  }

  /** The index of a value, or −1 when it is none of the categories. */
  indexOf(value: string): number {
    return this.#indices.get(this.#key(value)) ?? -1;
  }

  #key(value: string): string | number {
    // −0 and 0 are one key of a Map, and NaN, which no category has, is not found.
    return this.#numeric ? parseNumber(value) : value;
  }
}
