import type { Arena } from '../arena.js';
import type { Losses } from '../contract/losses.js';
import { logistic } from './activations.js';

export function referenceLosses(arena: Arena): Losses {
  const data = arena.floats;
  return {
    softmaxCrossEntropy(rows, classes, logits, labels, loss, gradient) {
      for (let r = 0; r < rows; r++) {
        const row = Array.from({ length: classes }, (_, c) => data[logits + r * classes + c] as number);
        const label = data[labels + r] as number;
        const largest = Math.max(...row);
        // log Σ e^x = max + log Σ e^(x − max): the largest power is 1, so the sum neither overflows nor vanishes.
        const total = row.reduce((sum, x) => sum + Math.exp(x - largest), 0);
        data[loss + r] = Math.log(total) + (largest - (row[label] ?? NaN));
        if (gradient < 0) continue;
        row.forEach((x, c) => {
          data[gradient + r * classes + c] = Math.exp(x - largest) / total - (c === label ? 1 : 0);
        });
      }
    },

    sigmoidCrossEntropy(rows, cols, logits, targets, loss, gradient) {
      for (let r = 0; r < rows; r++) {
        let sum = 0;
        for (let c = 0; c < cols; c++) {
          const at = r * cols + c;
          const x = data[logits + at] as number;
          const target = data[targets + at] as number;
          sum += Math.max(x, 0) - x * target + Math.log1p(Math.exp(-Math.abs(x)));
          if (gradient >= 0) data[gradient + at] = logistic(x) - target;
        }
        data[loss + r] = sum;
      }
    },

    squaredError(rows, cols, x, targets, loss, gradient) {
      for (let r = 0; r < rows; r++) {
        let sum = 0;
        for (let c = 0; c < cols; c++) {
          const at = r * cols + c;
          const difference = (data[x + at] as number) - (data[targets + at] as number);
          sum += difference * difference;
          if (gradient >= 0) data[gradient + at] = (2 * difference) / cols;
        }
        data[loss + r] = sum / cols;
      }
    },

    argmax(rows, cols, x, out) {
      for (let r = 0; r < rows; r++) {
        let best = 0;
        for (let c = 1; c < cols; c++) {
          if ((data[x + r * cols + c] as number) > (data[x + r * cols + best] as number)) best = c;
        }
        data[out + r] = best;
      }
    },
  };
}
