import type { Arena } from '../arena.js';
import type { Elementwise } from '../contract/elementwise.js';

export function referenceElementwise(arena: Arena): Elementwise {
  const data = arena.floats;
  return {
    copy(n, x, y) {
      for (let i = 0; i < n; i++) data[y + i] = data[x + i] as number;
    },

    fill(n, value, y) {
      for (let i = 0; i < n; i++) data[y + i] = value;
    },

    scale(n, factor, y) {
      for (let i = 0; i < n; i++) data[y + i] = factor * (data[y + i] as number);
    },

    add(n, x, y) {
      for (let i = 0; i < n; i++) data[y + i] = (data[y + i] as number) + (data[x + i] as number);
    },

    addRect(rows, cols, x, ldx, y, ldy) {
      for (let r = 0; r < rows; r++) {
        for (let c = 0; c < cols; c++) {
          const at = y + r * ldy + c;
          data[at] = (data[at] as number) + (data[x + r * ldx + c] as number);
        }
      }
    },

    multiply(n, x, y, z) {
      for (let i = 0; i < n; i++) data[z + i] = (data[x + i] as number) * (data[y + i] as number);
    },

    addBias(rows, cols, bias, y) {
      for (let r = 0; r < rows; r++) {
        for (let c = 0; c < cols; c++) {
          const at = y + r * cols + c;
          data[at] = (data[at] as number) + (data[bias + c] as number);
        }
      }
    },

    addBiasRelu(rows, cols, bias, y) {
      for (let r = 0; r < rows; r++) {
        for (let c = 0; c < cols; c++) {
          const at = y + r * cols + c;
          const sum = (data[at] as number) + (data[bias + c] as number);
          data[at] = Math.max(sum, 0);
        }
      }
    },
  };
}
