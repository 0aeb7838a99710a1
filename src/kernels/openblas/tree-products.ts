/**
 * The products of logical shards, summed in tree order, by a BLAS library: `Kernels.gemmTree`.
 *
 * A shard's product has a short inner dimension. Libraries with kernels for small products compute it half as fast again where it is
 * cut into blocks that are small enough for those, since nothing is packed. C is therefore cut into panels; each panel runs through
 * all shards, pairs of siblings meeting in the product, before four nodes at a time are added on their way to C: a panel's nodes
 * fit a second-level cache of 1 MiB.
 *
 * How a shard's product is cut depends on m, n and the shard's rows alone, since libraries round differently for different sizes.
 */
import type { Offset } from '../arena.js';
import { NODE_GAP } from '../contract/products.js';
import { KERNEL_SCRATCH_ELEMENTS, type Kernels } from '../kernels.js';
import { shardAt, shardsWithRows } from '../shard-products.js';
import type { WasmExports } from '../wasm/exports.js';

/** Wide rather than high, since long rows of C are written faster; 96 × 256 × 40 is just below OpenBLAS's limit for small products. */
const PANEL_ROWS = 96;
const PANEL_COLUMNS = 256;
/** Columns that the library's small kernels like best. */
const COLUMN_UNIT = 64;
/** A panel is halved to make a product small, but not below so many rows, where small kernels are no faster than large ones. */
const MIN_PIECE_ROWS = 24;
/** Rows so many elements apart, or a multiple, compete for the same lines of a cache; they are copied next to each other first. */
const CONFLICTING_STRIDE = 1024;

interface Operand {
  readonly start: Offset;
  readonly ld: number;
}

/** One call of gemmTree. */
interface Call {
  readonly m: number;
  readonly n: number;
  readonly rows: number;
  readonly shards: number;
  readonly a: Operand;
  readonly b: Operand;
}

/** A part of C. */
interface Part {
  readonly row: number;
  readonly column: number;
  readonly rows: number;
  readonly columns: number;
}

/** The rows of one shard. */
interface Rows {
  readonly start: number;
  readonly rows: number;
}

export interface TreeProductsOptions {
  readonly gemm: Kernels['gemm'];
  readonly accumulationIsExact: Kernels['accumulationIsExact'];
  readonly wasm: Pick<WasmExports, 'sumNodes' | 'packRows'>;
  /** m·n·k up to which the library multiplies without packing; 0: never. */
  readonly smallProduct: number;
  /** KERNEL_SCRATCH_ELEMENTS for operands that are moved. */
  readonly buffer: Offset;
}

export class TreeProducts {
  readonly #options: TreeProductsOptions;
  /** What `accumulationIsExact` said: by k, then by rows and columns in one number. */
  readonly #exact = new Map<number, Map<number, boolean>>();
  /** The panels of every C so far, by its rows and columns in one number: a step cuts the same ones as the step before. */
  readonly #panels = new Map<number, readonly Part[]>();

  constructor(options: TreeProductsOptions) {
    this.#options = options;
  }

  /** See {@link Kernels.gemmTree}. */
  readonly gemmTree: Kernels['gemmTree'] = (m, n, rows, shards, a, lda, b, ldb, c, ldc, scratch) => {
    const call: Call = {
      m,
      n,
      rows,
      shards: shardsWithRows(rows, shards),
      a: { start: a, ld: lda },
      b: { start: b, ld: ldb },
    };
    const longest = shardAt(rows, call.shards, 0).rows;
    if (this.#pieceRows(m, n, longest) === 0) {
      this.#sum(call, { row: 0, column: 0, rows: m, columns: n }, c, ldc, scratch);
      return;
    }
    const near = this.#withoutConflicts(call);
    for (const panel of this.#panelsOf(m, n)) this.#sum(near, panel, c + panel.row * ldc + panel.column, ldc, scratch);
  };

  /** The operands, copied where the distance of their rows is a bad one and they fit the buffer. */
  #withoutConflicts(call: Call): Call {
    const { wasm, buffer } = this.#options;
    const { m, n, rows, a, b } = call;
    if (rows * (m + n) > KERNEL_SCRATCH_ELEMENTS) return call;
    const moved = (operand: Operand, cols: number, to: Offset): Operand => {
      if (operand.ld % CONFLICTING_STRIDE !== 0 || operand.ld === cols) return operand;
      wasm.packRows(rows, cols, operand.start * 4, operand.ld, to * 4);
      return { start: to, ld: cols };
    };
    return { ...call, a: moved(a, m, buffer), b: moved(b, n, buffer + rows * m) };
  }

  /** The sum over all shards of one part of C, at `c`. */
  #sum(call: Call, part: Part, c: Offset, ldc: number, scratch: Offset): void {
    const { shards } = call;
    const { rows, columns } = part;
    const gap = rows * columns + NODE_GAP;
    const { wasm } = this.#options;
    // The first shard is never added to another, so a single larger one needs no answer.
    const [base, larger] = [Math.floor(call.rows / shards), call.rows % shards];
    const largerPairs = larger > 1 && this.#addsExactly(call, part, base + 1);
    const smallerPairs = shards > 1 && this.#addsExactly(call, part, base);
    const pairs = (index: number): boolean => (index < larger ? largerPairs : smallerPairs);
    const node = (height: number, start: number, to: Offset, ld: number, scratchLeft: Offset): void => {
      let level = height;
      while (level > 0 && start + 2 ** (level - 1) >= shards) level -= 1;
      const paired = level === 1 && pairs(start + 1);
      if (level === 0 || paired) {
        this.#write(call, part, start, false, to, ld);
        if (paired) this.#write(call, part, start + 1, true, to, ld);
        return;
      }
      let [first, free, before] = [start, scratchLeft, 0];
      // Four nodes are added at a time. Where the levels above the pairs don't come out even, the left half goes first.
      const levels = level - (pairs(start + 1) ? 1 : 0);
      if (levels % 2 === 1 && levels > 1) {
        level -= 1;
        node(level, first, free, columns, free + gap);
        before = free;
        free += gap;
        first += 2 ** level;
      }
      const child = Math.max(level - 2, levels === 1 ? level - 1 : 0);
      const end = Math.min(first + 2 ** level, shards);
      let count = 0;
      for (let next = first; next < end; next += 2 ** child) {
        const at = free + count * gap;
        node(child, next, at, columns, at + gap);
        count += 1;
      }
      wasm.sumNodes(rows, columns, count, free * 4, gap, before * 4, to * 4, ld);
    };
    node(Math.ceil(Math.log2(shards)), 0, c, ldc, scratch);
  }

  /** Writes or adds the product of one shard, in the pieces that its own rows call for. `part` is a panel or all of C. */
  #write(call: Call, part: Part, index: number, accumulate: boolean, to: Offset, ld: number): void {
    const shard = shardAt(call.rows, call.shards, index);
    const most = this.#pieceRows(call.m, call.n, shard.rows);
    if (most === 0) {
      this.#multiply(call, shard, part.row, part.rows, part.column, part.columns, accumulate, to, ld);
    } else if (part.rows === call.m && part.columns === call.n) {
      for (const panel of this.#panelsOf(call.m, call.n)) {
        const corner = to + (panel.row - part.row) * ld + (panel.column - part.column);
        this.#writePanel(call, shard, panel, most, accumulate, corner, ld);
      }
    } else {
      this.#writePanel(call, shard, part, most, accumulate, to, ld);
    }
  }

  /** The same for one panel, at most `most` rows at a time. */
  #writePanel(call: Call, shard: Rows, panel: Part, most: number, accumulate: boolean, to: Offset, ld: number): void {
    for (let row = 0; row < panel.rows; row += most) {
      const rows = Math.min(most, panel.rows - row);
      this.#multiply(call, shard, panel.row + row, rows, panel.column, panel.columns, accumulate, to + row * ld, ld);
    }
  }

  #multiply(
    { a, b }: Call,
    shard: Rows,
    row: number,
    rows: number,
    column: number,
    columns: number,
    accumulate: boolean,
    c: Offset,
    ld: number,
  ): void {
    const from = a.start + shard.start * a.ld + row;
    const times = b.start + shard.start * b.ld + column;
    this.#options.gemm(true, false, rows, columns, shard.rows, from, a.ld, times, b.ld, accumulate, c, ld);
  }

  #panelsOf(m: number, n: number): readonly Part[] {
    const key = m * 2 ** 26 + n;
    let panels = this.#panels.get(key);
    if (panels === undefined) this.#panels.set(key, (panels = cutPanels(m, n)));
    return panels;
  }

  /** Rows of a panel that make a small product over `k` rows; 0 where one gemm of m·n is better. */
  #pieceRows(m: number, n: number, k: number): number {
    const rows = panelRows(m);
    const columns = panelColumns(n);
    let most = rows;
    while (most * columns * k > this.#options.smallProduct) {
      most = Math.ceil(most / 2);
      if (most < MIN_PIECE_ROWS) return 0;
    }
    return most;
  }

  /** Whether products over `k` rows may be added inside the library, in whichever piece of `part`. */
  #addsExactly({ m, n }: Call, part: Part, k: number): boolean {
    const most = this.#pieceRows(m, n, k);
    let answers = this.#exact.get(k);
    if (answers === undefined) this.#exact.set(k, (answers = new Map<number, boolean>()));
    const known = answers;
    const exact = (rows: number, columns: number): boolean => {
      const key = rows * 2 ** 26 + columns;
      let answer = known.get(key);
      if (answer === undefined) {
        answer = this.#options.accumulationIsExact({ transA: true, transB: false, m: rows, n: columns, k });
        known.set(key, answer);
      }
      return answer;
    };
    if (most === 0) return exact(part.rows, part.columns);
    const isWhole = part.rows === m && part.columns === n;
    return (isWhole ? this.#panelsOf(m, n) : [part]).every((panel) => {
      const rest = panel.rows % most;
      return exact(Math.min(most, panel.rows), panel.columns) && (rest === 0 || exact(rest, panel.columns));
    });
  }
}

/** Rows of all panels but the last ones. */
function panelRows(m: number): number {
  return Math.ceil(m / Math.ceil(m / PANEL_ROWS));
}

/** Columns of all panels but the last ones. */
function panelColumns(n: number): number {
  return Math.min(n, PANEL_COLUMNS, Math.ceil(n / Math.ceil(n / PANEL_COLUMNS) / COLUMN_UNIT) * COLUMN_UNIT);
}

function cutPanels(m: number, n: number): Part[] {
  const [rows, columns] = [panelRows(m), panelColumns(n)];
  const panels: Part[] = [];
  for (let row = 0; row < m; row += rows) {
    for (let column = 0; column < n; column += columns) {
      panels.push({ row, column, rows: Math.min(rows, m - row), columns: Math.min(columns, n - column) });
    }
  }
  return panels;
}
