/** The WASM kernels on a little memory of their own, for work before there is an arena: block by block. */
import { RESERVED_BYTES } from '../arena.js';
import type { WasmExports } from './exports.js';
import { instantiateWasm } from './module.js';

/** Room for a block. */
export const BLOCK_BYTES = 65_536;
/** Behind the block: two float64. */
const RESULT = RESERVED_BYTES + BLOCK_BYTES;

export class WasmWorkbench {
  /** BLOCK_BYTES bytes to work on. */
  readonly bytes: Uint8Array<SharedArrayBuffer>;
  readonly #floats: Float32Array;
  readonly #results: Float64Array;
  readonly #wasm: WasmExports;

  /** @throws LockstepError `internal` when dist/kernels.wasm has not been built. */
  constructor() {
    const pages = RESERVED_BYTES / 65_536 + BLOCK_BYTES / 65_536 + 1;
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    const buffer = memory.buffer;
    this.#wasm = instantiateWasm(memory);
    this.bytes = new Uint8Array(buffer, RESERVED_BYTES, BLOCK_BYTES);
    this.#floats = new Float32Array(buffer, RESERVED_BYTES, BLOCK_BYTES / 4);
    this.#results = new Float64Array(buffer, RESULT, 2);
  }

  /** Σx and Σx² over the first `count` of `bytes`, exact. */
  momentsOfBytes(count: number): { readonly sum: number; readonly squares: number } {
    this.#wasm.byteMoments(count, RESERVED_BYTES, RESULT);
    return { sum: this.#results[0] as number, squares: this.#results[1] as number };
  }

  /**
   * Fills `values` with normal numbers times `deviation`: element i is a function of (seed, purpose, tensor, i), and has the bits
   * that `normal` and `philox4x32` of src/common/random give.
   */
  drawNormal(values: Float32Array, draw: NormalDraw): void {
    const { seed, purpose, tensor, deviation } = draw;
    const block = this.#floats.length;
    for (let first = 0; first < values.length; first += block) {
      const count = Math.min(block, values.length - first);
      this.#wasm.drawNormal(Math.ceil(count / 2), first / 2, tensor, seed, purpose, deviation, RESERVED_BYTES);
      values.set(this.#floats.subarray(0, count), first);
    }
  }
}

export interface NormalDraw {
  /** The key of Philox. */
  readonly seed: number;
  readonly purpose: number;
  /** The second word of the counter; the first counts pairs of elements. */
  readonly tensor: number;
  readonly deviation: number;
}
