/**
 * The canonical reduction tree: the one order in which the contributions of V logical shards are added, whoever computes
 * them and in whatever order they arrive.
 *
 * Node (level, index) covers the shards [index·2^level, (index+1)·2^level). Shards at or beyond V do not exist; a node
 * with a single existing child has that child's value. The value of an inner node is left + right, rounded once.
 */

export interface TreeNode {
  readonly level: number;
  readonly index: number;
}

/** The level of the root of a tree over `shards` shards. */
export function rootLevel(shards: number): number {
  let level = 0;
  while (2 ** level < shards) level += 1;
  return level;
}

/** The shards that a node covers, [first, end), cut off at `shards`. */
export function coveredShards(node: TreeNode, shards: number): { readonly first: number; readonly end: number } {
  const width = 2 ** node.level;
  return { first: Math.min(node.index * width, shards), end: Math.min((node.index + 1) * width, shards) };
}

/**
 * The fewest tree nodes that together cover exactly the shards [first, end), left to right: what the owner of this range
 * can sum alone. At most 2·log₂ V nodes; a single one, the root, for the whole range.
 */
export function completeSubtrees(first: number, end: number, shards: number): TreeNode[] {
  const nodes: TreeNode[] = [];
  const root = rootLevel(shards);
  // The shards missing on the right of an incomplete tree count as covered.
  const limit = end === shards ? 2 ** root : end;
  let next = first;
  while (next < end) {
    let level = 0;
    while (level < root && next % 2 ** (level + 1) === 0 && next + 2 ** (level + 1) <= limit) level += 1;
    nodes.push({ level, index: next / 2 ** level });
    next += 2 ** level;
  }
  return nodes;
}

/** The most nodes that any range of shards needs: how many partial sums a worker must have room for. */
export function maxSubtrees(shards: number): number {
  let most = 1;
  for (let first = 0; first < shards; first += 1) {
    for (let end = first + 1; end <= shards; end += 1) {
      most = Math.max(most, completeSubtrees(first, end, shards).length);
    }
  }
  return most;
}

/**
 * Folds the subtree below `node`. `known` returns the value of a node where it is at hand (a leaf, or a partial sum that
 * arrived complete), null where the node holds no samples, and undefined where it must be formed from its children.
 * `combine` receives left and right in tree order.
 */
export function foldTree<Value>(
  node: TreeNode,
  shards: number,
  known: (node: TreeNode) => Value | null | undefined,
  combine: (left: Value, right: Value, node: TreeNode) => Value,
): Value | null {
  const { first, end } = coveredShards(node, shards);
  if (first >= end) return null;
  const value = known(node);
  if (value !== undefined) return value;
  if (node.level === 0) throw new RangeError(`no value for shard ${node.index}`);
  const left = foldTree({ level: node.level - 1, index: node.index * 2 }, shards, known, combine);
  const right = foldTree({ level: node.level - 1, index: node.index * 2 + 1 }, shards, known, combine);
  if (left === null) return right;
  if (right === null) return left;
  return combine(left, right, node);
}

/** A key for maps. */
export function nodeKey(node: TreeNode): string {
  return `${node.level}:${node.index}`;
}
