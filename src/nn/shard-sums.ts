/** Sums over the shards of a tree node, in the order of the canonical reduction tree, one rectangle at a time. */
import type { Offset } from '../kernels/arena.js';
import type { Kernels } from '../kernels/kernels.js';
import type { TreeNode } from '../reduce/tree.js';
import type { GradientOperation, Pass, TreeScratch } from './layer.js';

/** What one shard adds to a rectangle. */
export interface Contribution {
  readonly rows: number;
  readonly columns: number;
  /** Writes the contribution of shard `index` (of the pass) at `to`, or adds it when `accumulate`. */
  write(index: number, accumulate: boolean, to: Offset, leadingDimension: number): void;
  /** Whether adding inside `write` has the same bits as writing elsewhere and adding. */
  accumulationIsExact(index: number): boolean;
}

/**
 * Writes the sum of a node's contributions at `to`. Nodes of shards without rows count as absent. Where the backend allows
 * it, the right one of two sibling shards is added by the product itself.
 *
 * @returns false when no shard below the node has rows; `to` is then left alone.
 */
export function sumShards(
  kernels: Kernels,
  pass: Pass,
  node: TreeNode,
  contribution: Contribution,
  to: Offset,
  leadingDimension: number,
  scratch: TreeScratch,
): boolean {
  if (node.level === 0) {
    const index = node.index - pass.firstShard;
    if (!hasRows(pass, index)) return false;
    contribution.write(index, false, to, leadingDimension);
    return true;
  }
  const left = { level: node.level - 1, index: node.index * 2 };
  const right = { level: node.level - 1, index: node.index * 2 + 1 };
  if (!sumShards(kernels, pass, left, contribution, to, leadingDimension, scratch)) {
    return sumShards(kernels, pass, right, contribution, to, leadingDimension, scratch);
  }
  const sibling = right.index - pass.firstShard;
  if (right.level === 0 && hasRows(pass, sibling) && contribution.accumulationIsExact(sibling)) {
    contribution.write(sibling, true, to, leadingDimension);
    return true;
  }
  const { rows, columns } = contribution;
  const other = scratch.at(node.level);
  if (sumShards(kernels, pass, right, contribution, other, columns, scratch)) {
    kernels.addRect(rows, columns, other, columns, to, leadingDimension);
  }
  return true;
}

/** The rows of the shards below a node, which follow one another, and how many shards hold them; null where there are none. */
export function shardsOf(
  pass: Pass,
  node: TreeNode,
): { readonly start: number; readonly rows: number; readonly shards: number } | null {
  const first = node.index * 2 ** node.level - pass.firstShard;
  let [rows, shards] = [0, 0];
  // Shards without rows come last.
  while (shards < 2 ** node.level && hasRows(pass, first + shards)) {
    rows += pass.shards[first + shards]?.rows ?? 0;
    shards += 1;
  }
  return rows === 0 ? null : { start: pass.shards[first]?.start ?? 0, rows, shards };
}

function hasRows(pass: Pass, index: number): boolean {
  return (pass.shards[index]?.rows ?? 0) > 0;
}

/** A task that sums per-shard vectors (`slots + shard · stride`) into the gradient of a parameter. */
export function sumVectors(
  kernels: Kernels,
  slots: Offset,
  stride: number,
  length: number,
  tensor: number,
  scratch: TreeScratch,
): GradientOperation {
  const contribution: Contribution = {
    rows: 1,
    columns: length,
    write(index, accumulate, to) {
      if (accumulate) kernels.add(length, slots + index * stride, to);
      else kernels.copy(length, slots + index * stride, to);
    },
    accumulationIsExact: () => true,
  };
  return {
    kind: 'tasks',
    count: 1,
    writes: { start: tensor, end: tensor + length },
    run(pass) {
      pass.nodes.forEach((node, i) => {
        sumShards(
          kernels,
          pass,
          node,
          contribution,
          pass.gradients + i * pass.gradientStride + tensor,
          length,
          scratch,
        );
      });
    },
  };
}
