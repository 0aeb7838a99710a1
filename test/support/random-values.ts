import { normal, uniform53 } from '../../src/common/random/normal.js';
import { philox4x32 } from '../../src/common/random/philox.js';

/** A key of its own, so that test data never repeat the numbers of the code under test. */
const KEY = 0x7e57;

/** `length` normally distributed numbers of variance 1, the same for the same seed. */
export function normalValues(length: number, seed: number): Float64Array {
  const words = new Uint32Array(4);
  return Float64Array.from({ length }, (_, i) => {
    philox4x32(i, seed, 0, 0, KEY, 0, words);
    return normal(uniform53(words[0] ?? 0, words[1] ?? 0));
  });
}

/** `length` whole numbers from 0 to `end` − 1, the same for the same seed. */
export function wholeValues(length: number, end: number, seed: number): Float64Array {
  const words = new Uint32Array(4);
  return Float64Array.from({ length }, (_, i) => {
    philox4x32(i, seed, 1, 0, KEY, 0, words);
    return Math.floor(((words[0] ?? 0) / 2 ** 32) * end);
  });
}
