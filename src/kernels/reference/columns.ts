import type { Arena } from '../arena.js';
import type { Columns } from '../contract/columns.js';

/** Whatever works on a column of a matrix: sums over the batch, and standardising by what is known of it. */
export function referenceColumns(arena: Arena): Columns {
  const data = arena.floats;

  /** Σ over the rows of one column of `term(position in the matrix)`. */
  const overRows = (rows: number, cols: number, column: number, term: (at: number) => number): number => {
    let sum = 0;
    for (let r = 0; r < rows; r++) sum += term(r * cols + column);
    return sum;
  };

  return {
    columnSums(rows, cols, x, out) {
      for (let c = 0; c < cols; c++) data[out + c] = overRows(rows, cols, c, (at) => data[x + at] as number);
    },

    columnMoments(rows, cols, x, mean, m2) {
      for (let c = 0; c < cols; c++) {
        const average = overRows(rows, cols, c, (at) => data[x + at] as number) / rows;
        data[mean + c] = average;
        data[m2 + c] = overRows(rows, cols, c, (at) => ((data[x + at] as number) - average) ** 2);
      }
    },

    columnDots(rows, cols, x, y, sumX, sumXY) {
      for (let c = 0; c < cols; c++) {
        data[sumX + c] = overRows(rows, cols, c, (at) => data[x + at] as number);
        data[sumXY + c] = overRows(rows, cols, c, (at) => (data[x + at] as number) * (data[y + at] as number));
      }
    },

    standardizeBytes(rows, cols, bytes, mean, inverseDeviation, y) {
      for (let r = 0; r < rows; r++) {
        for (let c = 0; c < cols; c++) {
          const at = r * cols + c;
          const byte = arena.bytes[bytes + at] as number;
          data[y + at] = (byte - (data[mean + c] as number)) * (data[inverseDeviation + c] as number);
        }
      }
    },

    standardize(rows, cols, x, mean, inverseDeviation, y) {
      for (let r = 0; r < rows; r++) {
        for (let c = 0; c < cols; c++) {
          const at = r * cols + c;
          data[y + at] =
            ((data[x + at] as number) - (data[mean + c] as number)) * (data[inverseDeviation + c] as number);
        }
      }
    },
  };
}
