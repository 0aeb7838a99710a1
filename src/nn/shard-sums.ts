/** Sums over the shards of a tree node, in the order of the canonical reduction tree, one rectangle at a time. */
import type { WireFormat } from '../common/wire-format.js';
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
 * @param format What the gradients travel in: each node is rounded to it, so that it does not matter which nodes travel.
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
  format: WireFormat,
): boolean {
  const { rows, columns } = contribution;
  if (node.level === 0) {
    const index = node.index - pass.firstShard;
    if (!hasRows(pass, index)) return false;
    contribution.write(index, false, to, leadingDimension);
    roundRect(kernels, format, rows, columns, to, leadingDimension);
    return true;
  }
  const left = { level: node.level - 1, index: node.index * 2 };
  const right = { level: node.level - 1, index: node.index * 2 + 1 };
  if (!sumShards(kernels, pass, left, contribution, to, leadingDimension, scratch, format)) {
    return sumShards(kernels, pass, right, contribution, to, leadingDimension, scratch, format);
  }
  const sibling = right.index - pass.firstShard;
  const exact = format === 'float32' && contribution.accumulationIsExact(sibling);
  if (right.level === 0 && hasRows(pass, sibling) && exact) {
    contribution.write(sibling, true, to, leadingDimension);
    return true;
  }
  const other = scratch.at(node.level);
  if (sumShards(kernels, pass, right, contribution, other, columns, scratch, format)) {
    kernels.addRect(rows, columns, other, columns, to, leadingDimension);
    roundRect(kernels, format, rows, columns, to, leadingDimension);
  }
  return true;
}

function roundRect(
  kernels: Kernels,
  format: WireFormat,
  rows: number,
  columns: number,
  to: Offset,
  leadingDimension: number,
): void {
  if (format === 'float32') return;
  for (let row = 0; row < rows; row += 1) kernels.roundTo(format, columns, to + row * leadingDimension);
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
  format: WireFormat,
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
          format,
        );
      });
    },
  };
}
