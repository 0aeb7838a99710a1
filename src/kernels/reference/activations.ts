import type { Arena } from '../arena.js';
import type { Activations } from '../contract/activations.js';

/** 1 / (1 + e^−x). The exponent is never positive, so nothing overflows. */
export function logistic(x: number): number {
  const e = Math.exp(-Math.abs(x));
  return x >= 0 ? 1 / (1 + e) : e / (1 + e);
}

export function referenceActivations(arena: Arena): Activations {
  const data = arena.floats;
  return {
    relu(n, x, y) {
      for (let i = 0; i < n; i++) data[y + i] = Math.max(data[x + i] as number, 0);
    },

    reluBackward(n, y, dy, dx) {
      for (let i = 0; i < n; i++) data[dx + i] = (data[y + i] as number) > 0 ? (data[dy + i] as number) : 0;
    },

    leakyRelu(n, slope, x, y) {
      for (let i = 0; i < n; i++) {
        const value = data[x + i] as number;
        data[y + i] = value > 0 ? value : slope * value;
      }
    },

    leakyReluBackward(n, slope, y, dy, dx) {
      for (let i = 0; i < n; i++) {
        const gradient = data[dy + i] as number;
        data[dx + i] = (data[y + i] as number) > 0 ? gradient : slope * gradient;
      }
    },

    sigmoid(n, x, y) {
      for (let i = 0; i < n; i++) data[y + i] = logistic(data[x + i] as number);
    },

    sigmoidBackward(n, y, dy, dx) {
      for (let i = 0; i < n; i++) {
        const output = data[y + i] as number;
        data[dx + i] = (data[dy + i] as number) * output * (1 - output);
      }
    },

    tanh(n, x, y) {
      for (let i = 0; i < n; i++) data[y + i] = Math.tanh(data[x + i] as number);
    },

    tanhBackward(n, y, dy, dx) {
      for (let i = 0; i < n; i++) {
        const output = data[y + i] as number;
        data[dx + i] = (data[dy + i] as number) * (1 - output * output);
      }
    },

    softmax(rows, cols, x, y) {
      for (let r = 0; r < rows; r++) {
        const row = Array.from({ length: cols }, (_, c) => data[x + r * cols + c] as number);
        const largest = Math.max(...row);
        const powers = row.map((value) => Math.exp(value - largest));
        const total = powers.reduce((sum, power) => sum + power, 0);
        powers.forEach((power, c) => (data[y + r * cols + c] = power / total));
      }
    },

    softmaxBackward(rows, cols, y, dy, dx) {
      for (let r = 0; r < rows; r++) {
        const start = r * cols;
        let dot = 0;
        for (let c = 0; c < cols; c++) dot += (data[dy + start + c] as number) * (data[y + start + c] as number);
        for (let c = 0; c < cols; c++) {
          const at = start + c;
          data[dx + at] = (data[y + at] as number) * ((data[dy + at] as number) - dot);
        }
      }
    },
  };
}
