/**
 * C[m,n] = Aᵀ·B summed over logical shards in the order of the canonical reduction tree. All rows are packed once; each tile of C
 * then runs through the shards with its partial sums on a stack in the first-level cache, and is written once.
 */
import { DEPTH } from './gemm';
import { multiplyTile4, multiplyTile8 } from './micro-kernel';
import { packPanels4, packPanels8 } from './pack';
import { scratch } from './scratch';

/** Most rows of all shards together that fit the packing buffers. */
export const TREE_ROWS: i32 = 2048;
const ROWS: i32 = 128;
const COLUMNS: i32 = 256;

/** One node: [4,8] floats. */
const NODE_BYTES: usize = 128;
const NODE_ROW_BYTES: usize = 32;
/** A node for every level of a tree over TREE_ROWS shards, and one more. */
const STACK_BYTES: usize = 12 * NODE_BYTES;

/** Y[4,8] = left + right. */
@inline
function addNodes(left: usize, right: usize, y: usize, rowBytes: usize): void {
  for (let row = 0; row < 4; row++) {
    v128.store(y, f32x4.add(v128.load(left), v128.load(right)));
    v128.store(y, f32x4.add(v128.load(left, 16), v128.load(right, 16)), 16);
    left += NODE_ROW_BYTES;
    right += NODE_ROW_BYTES;
    y += rowBytes;
  }
}

/**
 * Writes a whole tile at `c`. Shards are counted in binary: a one at level l of `index` is a finished node of that level on the
 * stack, and a shard's product is added to all nodes that it completes.
 */
function sumTile(
  shards: i32, base: i32, larger: i32, a: usize, b: usize, wide: bool, stack: usize, c: usize, rowBytes: usize,
): void {
  let top = stack;
  const bStep: usize = wide ? 32 : 16;
  const last = shards - 1;
  for (let index = 0; index < shards; index++) {
    const kc = index < larger ? base + 1 : base;
    const only = last == 0;
    const right = (index & 1) != 0;
    // The right one of two siblings is added to the left one as it is stored.
    const target = only ? c : right ? top - NODE_BYTES : top;
    const targetRow = only ? rowBytes : NODE_ROW_BYTES;
    if (wide) multiplyTile8(kc, a, b, right, target, targetRow);
    else multiplyTile4(kc, a, b, right, target, targetRow);
    if (only) return;
    if (!right) top += NODE_BYTES;
    a += <usize>kc << 4;
    b += <usize>kc * bStep;
    for (let carry = index >> 1; index != last && right && (carry & 1) != 0; carry >>= 1) {
      top -= NODE_BYTES;
      addNodes(top - NODE_BYTES, top, top - NODE_BYTES, NODE_ROW_BYTES);
    }
  }
  // What is left on the stack are the children of the rightmost nodes.
  while (top > stack + 2 * NODE_BYTES) {
    top -= NODE_BYTES;
    addNodes(top - NODE_BYTES, top, top - NODE_BYTES, NODE_ROW_BYTES);
  }
  if (top == stack + 2 * NODE_BYTES) addNodes(stack, stack + NODE_BYTES, c, rowBytes);
  else {
    for (let row = 0; row < 4; row++) {
      v128.store(c, v128.load(stack));
      v128.store(c, v128.load(stack, 16), 16);
      stack += NODE_ROW_BYTES;
      c += rowBytes;
    }
  }
}

/**
 * Contract: Kernels.gemmTree, for shards that all have rows. No shard may be longer than DEPTH, nor all together than TREE_ROWS.
 * Addresses in bytes, leading dimensions in elements.
 */
export function gemmTree(
  m: i32, n: i32, rows: i32, shards: i32, a: usize, lda: i32, b: usize, ldb: i32, c: usize, ldc: i32,
): void {
  const aRow = <usize>lda << 2;
  const bRow = <usize>ldb << 2;
  const cRow = <usize>ldc << 2;
  const stack = scratch();
  const border = stack + STACK_BYTES;
  const packedA = border + NODE_BYTES;
  const packedB = packedA + <usize>ROWS * TREE_ROWS * 4;
  const base = rows / shards;
  const larger = rows % shards;
  for (let j = 0; j < n; j += COLUMNS) {
    const nc = min(n - j, COLUMNS);
    packPanels8(false, rows, nc, b + (<usize>j << 2), bRow, packedB);
    for (let i = 0; i < m; i += ROWS) {
      const mc = min(m - i, ROWS);
      packPanels4(false, rows, mc, a + (<usize>i << 2), aRow, packedA);
      for (let row = 0; row < mc; row += 4) {
        const tileRows = min(mc - row, 4);
        const panelA = packedA + ((<usize>row * rows) << 2);
        const rowStart = c + <usize>(i + row) * cRow;
        for (let column = 0; column < nc; column += 8) {
          const columns = min(nc - column, 8);
          const panelB = packedB + ((<usize>column * rows) << 2);
          let at = rowStart + (<usize>(j + column) << 2);
          if (tileRows == 4 && columns == 8) {
            sumTile(shards, base, larger, panelA, panelB, true, stack, at, cRow);
            continue;
          }
          sumTile(shards, base, larger, panelA, panelB, columns > 4, stack, border, NODE_ROW_BYTES);
          let from = border;
          for (let r = 0; r < tileRows; r++) {
            memory.copy(at, from, <usize>columns << 2);
            at += cRow;
            from += NODE_ROW_BYTES;
          }
        }
      }
    }
  }
}
