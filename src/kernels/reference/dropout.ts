import { philox4x32 } from '../../common/random/philox.js';
import type { Arena } from '../arena.js';
import type { Dropout } from '../contract/dropout.js';

export function referenceDropout(arena: Arena): Dropout {
  const data = arena.floats;
  return {
    dropoutMask(rows, cols, keepProb, keyLow, keyHigh, firstRow, counter2, counter3, mask) {
      const words = new Uint32Array(4);
      for (let r = 0; r < rows; r++) {
        for (let c = 0; c < cols; c++) {
          philox4x32(c >>> 2, firstRow + r, counter2, counter3, keyLow, keyHigh, words);
          const uniform = (words[c % 4] as number) * 2 ** -32;
          data[mask + r * cols + c] = uniform < keepProb ? 1 / keepProb : 0;
        }
      }
    },
  };
}
