/** How a batch is cut into logical shards, and how the shards are dealt to workers. Pure, and the same everywhere. */

/** The samples of one shard: rows [start, start + rows) of the batch. */
export interface Shard {
  readonly start: number;
  readonly rows: number;
}

/** Cuts `count` samples into `shards` shards of nearly equal size, the larger ones first; shards may be empty. */
export function cutShards(count: number, shards: number): Shard[] {
  const base = Math.floor(count / shards);
  const larger = count % shards;
  return Array.from({ length: shards }, (_, index) => ({
    start: index * base + Math.min(index, larger),
    rows: base + (index < larger ? 1 : 0),
  }));
}

/** A contiguous range of shards, [first, end). */
export interface ShardRange {
  readonly first: number;
  readonly end: number;
}

/** Deals `shards` shards to `workers` workers in contiguous ranges, as evenly as can be; some are empty when workers outnumber shards. */
export function dealShards(shards: number, workers: number): ShardRange[] {
  return Array.from({ length: workers }, (_, rank) => ({
    first: Math.floor((rank * shards) / workers),
    end: Math.floor(((rank + 1) * shards) / workers),
  }));
}
