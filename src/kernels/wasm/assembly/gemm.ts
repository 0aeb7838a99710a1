/**
 * C[m,n] = op(A)·op(B) by blocks and packed panels (Goto & van de Geijn 2008, "Anatomy of high-performance matrix
 * multiplication").
 *
 * k is cut into ⌈k/DEPTH⌉ equal blocks. Within a block an element is summed in registers in ascending order of k, and
 * the blocks are added to C in order. The cut depends on k alone, so the bits of an element depend on its row of
 * op(A), its column of op(B) and k, never on m, n, its position or its neighbours.
 */
import { multiplyTile4, multiplyTile8 } from './micro-kernel';
import { packPanels4, packPanels8 } from './pack';
import { scratch } from './scratch';

/** Longest block of k: a panel of A (8 KiB) and one of B (16 KiB) stay in a first-level cache of 32 KiB. */
export const DEPTH: i32 = 512;
/** Rows of A packed at a time: 256 KiB. */
const ROWS: i32 = 128;
/** Columns of B packed at a time: 512 KiB, read from the second-level cache once for every 4 rows of C. */
const COLUMNS: i32 = 256;

/** A tile at the border of C is formed here and its valid part copied: [4,8] floats. */
const TILE_BYTES: usize = 128;
const PACKED_A_BYTES: usize = <usize>ROWS * DEPTH * 4;

/** Forms one tile at the border, `rows` × `columns` of it valid, with the same arithmetic as a whole one. */
function borderTile(
  kc: i32, a: usize, b: usize, add: bool, rows: i32, columns: i32, c: usize, rowBytes: usize, tile: usize,
): void {
  if (columns > 4) multiplyTile8(kc, a, b, false, tile, 32);
  else multiplyTile4(kc, a, b, false, tile, 32);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const at = <usize>column << 2;
      const product = load<f32>(tile + at);
      store<f32>(c + at, add ? load<f32>(c + at) + product : product);
    }
    c += rowBytes;
    tile += 32;
  }
}

/** C[mc,nc] (+)= packed A · packed B, along the rows of C, so that C is read and written in the order of memory. */
function multiplyBlock(
  mc: i32, nc: i32, kc: i32, packedA: usize, packedB: usize, add: bool, c: usize, rowBytes: usize, tile: usize,
): void {
  for (let i = 0; i < mc; i += 4) {
    const rows = min(mc - i, 4);
    const a = packedA + ((<usize>i * kc) << 2);
    for (let j = 0; j < nc; j += 8) {
      const columns = min(nc - j, 8);
      const b = packedB + ((<usize>j * kc) << 2);
      const at = c + <usize>i * rowBytes + (<usize>j << 2);
      if (rows == 4 && columns == 8) multiplyTile8(kc, a, b, add, at, rowBytes);
      else if (rows == 4 && columns == 4) multiplyTile4(kc, a, b, add, at, rowBytes);
      else borderTile(kc, a, b, add, rows, columns, at, rowBytes, tile);
    }
  }
}

/** Contract: Kernels.gemm. Addresses in bytes, leading dimensions in elements. */
export function gemm(
  transA: bool, transB: bool, m: i32, n: i32, k: i32, a: usize, lda: i32, b: usize, ldb: i32,
  accumulate: bool, c: usize, ldc: i32,
): void {
  const aRow = <usize>lda << 2;
  const bRow = <usize>ldb << 2;
  const cRow = <usize>ldc << 2;
  if (k == 0 && !accumulate) {
    for (let row = 0; row < m; row++) memory.fill(c + <usize>row * cRow, 0, <usize>n << 2);
    return;
  }
  const tile = scratch();
  const packedA = tile + TILE_BYTES;
  const packedB = packedA + PACKED_A_BYTES;
  const blocks = (k + DEPTH - 1) / DEPTH;
  for (let j = 0; j < n; j += COLUMNS) {
    const nc = min(n - j, COLUMNS);
    let p = 0;
    for (let block = 0; block < blocks; block++) {
      const kc = (k - p + (blocks - block) - 1) / (blocks - block);
      const bStart = transB ? b + <usize>j * bRow + (<usize>p << 2) : b + <usize>p * bRow + (<usize>j << 2);
      packPanels8(transB, kc, nc, bStart, bRow, packedB);
      for (let i = 0; i < m; i += ROWS) {
        const mc = min(m - i, ROWS);
        const aStart = transA ? a + <usize>p * aRow + (<usize>i << 2) : a + <usize>i * aRow + (<usize>p << 2);
        packPanels4(!transA, kc, mc, aStart, aRow, packedA);
        const cStart = c + <usize>i * cRow + (<usize>j << 2);
        multiplyBlock(mc, nc, kc, packedA, packedB, accumulate || block > 0, cStart, cRow, tile);
      }
      p += kc;
    }
  }
}
