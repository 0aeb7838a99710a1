/**
 * A random permutation as a function: element i of the shuffled order without shuffling anything, so that a worker
 * finds the samples of its own shards alone, and position p of epoch e is known without the positions before it.
 *
 * A Feistel network over the smallest power of two ≥ size, and cycle-walking back into the range (J. Black, P. Rogaway:
 * Ciphers with arbitrary finite domains. CT-RSA 2002): an image outside is mapped again until it falls inside, after at
 * most two passes on average. The halves differ by one bit where the number of bits is odd.
 */
import { philox4x32 } from './philox.js';

const ROUNDS = 10;
/** Networks with halves under three bits do not reach all orders equally often; tiny sizes walk through 6 bits too. */
const MIN_BITS = 6;
const MAX_SIZE = 2 ** 32;

/** The finaliser of MurmurHash3: every input bit changes every output bit with probability close to ½. */
function mix(x: number): number {
  let h = x;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

export class Permutation {
  readonly size: number;
  readonly #rightBits: number;
  readonly #leftMask: number;
  readonly #rightMask: number;
  /** One per round, drawn from Philox. */
  readonly #roundKeys: Int32Array;

  /**
   * @param size - number of elements, 1 to 2³².
   * @param k0 - k0, k1: the key of Philox; by convention the job's seed and a `Purpose`.
   * @param index - which of the permutations of this key: the epoch, the class … Unsigned 32-bit.
   * @throws RangeError when the size is out of range.
   */
  constructor(size: number, k0: number, k1: number, index = 0) {
    if (!Number.isInteger(size) || size < 1 || size > MAX_SIZE) {
      throw new RangeError(`a permutation of ${size} elements is not possible: 1 to 2^32 are`);
    }
    this.size = size;
    const bits = Math.max(MIN_BITS, 32 - Math.clz32(size - 1));
    const leftBits = bits >>> 1;
    this.#rightBits = bits - leftBits;
    this.#leftMask = 2 ** leftBits - 1;
    this.#rightMask = 2 ** this.#rightBits - 1;

    this.#roundKeys = new Int32Array(ROUNDS);
    const words = new Uint32Array(4);
    for (let round = 0; round < ROUNDS; round++) {
      if (round % 4 === 0) philox4x32(round / 4, index, 0, 0, k0, k1, words);
      this.#roundKeys[round] = words[round % 4] as number;
    }
  }

  /** The element at a position of the permuted order: each of 0 … size − 1 exactly once for `index` in 0 … size − 1. */
  at(index: number): number {
    if (!(index >= 0 && index < this.size)) throw new RangeError(`position ${index} is not below ${this.size}`);
    let image = index;
    do image = this.#encrypt(image);
    while (image >= this.size);
    return image;
  }

  #encrypt(value: number): number {
    const keys = this.#roundKeys;
    let left = (value >>> this.#rightBits) & this.#leftMask;
    let right = value & this.#rightMask;
    for (let round = 0; round < ROUNDS; round += 2) {
      left ^= mix(right ^ (keys[round] as number)) & this.#leftMask;
      right ^= mix(left ^ (keys[round + 1] as number)) & this.#rightMask;
    }
    return ((left << this.#rightBits) | right) >>> 0;
  }
}
