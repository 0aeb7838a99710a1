/** What is compared of a tensor: all of a small one; of a large one some elements, and directions in which every element counts. */
import { Permutation } from '../common/random/permutation.js';
import { philox4x32 } from '../common/random/philox.js';
import { Purpose } from '../common/random/purpose.js';

/** Elements of a tensor that are compared one by one. */
const ELEMENTS = 8;
/** Random directions over a whole tensor that has more elements than that. */
const DIRECTIONS = 2;

export class Probes {
  readonly #seed: number;
  readonly #tensor: number;
  readonly #most: number;

  /** @param tensor - number of the tensor in its model: each has draws of its own. */
  constructor(seed: number, tensor: number, elements = ELEMENTS) {
    this.#seed = seed;
    this.#tensor = tensor;
    this.#most = elements;
  }

  /** Indices of elements of a tensor of `size`, in no order: all of them where they are few. */
  elements(size: number): readonly number[] {
    const permutation = new Permutation(size, this.#seed, Purpose.gradientCheck, this.#tensor);
    return Array.from({ length: Math.min(this.#most, size) }, (_, i) => permutation.at(i));
  }

  /** Directions of length 1, ±1/√size in every element; none where all elements are compared. */
  directions(size: number): readonly Float64Array[] {
    if (size <= this.#most) return [];
    return Array.from({ length: DIRECTIONS }, (_, direction) => this.#signs(size, direction));
  }

  #signs(size: number, direction: number): Float64Array {
    const values = new Float64Array(size);
    const words = new Uint32Array(4);
    const length = 1 / Math.sqrt(size);
    for (let i = 0; i < size; i += 1) {
      const bit = i % 128;
      // The third word keeps clear of the counters of permutations, where it is 0.
      if (bit === 0) philox4x32(i / 128, this.#tensor, 1, direction, this.#seed, Purpose.gradientCheck, words);
      values[i] = (((words[bit >>> 5] as number) >>> (bit & 31)) & 1) === 1 ? length : -length;
    }
    return values;
  }
}
