/** How products of logical shards meet in the canonical tree, on top of single products. See `Kernels.gemmTree`. */
import type { Offset } from './arena.js';

/** Rows of shard `index` when `rows` rows are cut into `shards` shards, the larger ones first, and the row it starts at. */
export function shardAt(
  rows: number,
  shards: number,
  index: number,
): { readonly start: number; readonly rows: number } {
  const base = Math.floor(rows / shards);
  const larger = rows % shards;
  return { start: index * base + Math.min(index, larger), rows: base + (index < larger ? 1 : 0) };
}

/** Shards that hold rows: all, or the first `rows` of them. */
export function shardsWithRows(rows: number, shards: number): number {
  return Math.min(rows, shards);
}

export interface ShardProducts {
  /** C[m,n] = the product of one shard, or C plus it. */
  write(index: number, accumulate: boolean, c: Offset, ldc: number): void;
  /** Whether adding inside `write` has the same bits as writing elsewhere and adding. */
  accumulationIsExact(index: number): boolean;
  /** C[m,n] = C + X, which is dense. */
  add(x: Offset, c: Offset, ldc: number): void;
}

/**
 * C = the sum of the products of `count` shards in tree order, two at a time.
 *
 * @param elements m·n
 * @param scratch  ⌈log₂ count⌉·elements
 */
export function sumProducts(
  products: ShardProducts,
  count: number,
  elements: number,
  cols: number,
  c: Offset,
  ldc: number,
  scratch: Offset,
): void {
  const node = (level: number, first: number, to: Offset, ld: number, free: Offset): void => {
    if (level === 0) {
      products.write(first, false, to, ld);
      return;
    }
    node(level - 1, first, to, ld, free);
    const right = first + 2 ** (level - 1);
    if (right >= count) return;
    if (level === 1 && products.accumulationIsExact(right)) {
      products.write(right, true, to, ld);
    } else {
      node(level - 1, right, free, cols, free + elements);
      products.add(free, to, ld);
    }
  };
  node(Math.ceil(Math.log2(count)), 0, c, ldc, scratch);
}
