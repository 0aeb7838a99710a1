import type { ShardRange } from '../reduce/shards.js';
import { cutShards } from '../reduce/shards.js';
import { completeSubtrees, coveredShards } from '../reduce/tree.js';
import type { Pass } from './layer.js';

/** The part of a pass that follows from the size of the batch and the shards of it that are held here. */
export type PassShards = Pick<Pass, 'shards' | 'firstShard' | 'totalShards' | 'firstPosition' | 'batchCount' | 'nodes'>;

/** A batch of `batchCount` samples cut into `totalShards` logical shards, of which `range` is held here. */
export function passShards(batchCount: number, totalShards: number, range: ShardRange): PassShards {
  const all = cutShards(batchCount, totalShards);
  const firstPosition = all[range.first]?.start ?? 0;
  const holdsSamples = (shard: number): boolean => (all[shard]?.rows ?? 0) > 0;
  return {
    shards: all.slice(range.first, range.end).map(({ start, rows }) => ({ start: start - firstPosition, rows })),
    firstShard: range.first,
    totalShards,
    firstPosition,
    batchCount,
    // Larger shards come first, so a node holds samples when its first shard does.
    nodes: completeSubtrees(range.first, range.end, totalShards).filter((node) =>
      holdsSamples(coveredShards(node, totalShards).first),
    ),
  };
}
