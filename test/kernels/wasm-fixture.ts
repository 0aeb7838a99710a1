import type { Offset } from '../../src/kernels/arena.js';
import { Arena } from '../../src/kernels/arena.js';
import { KERNEL_SCRATCH_ELEMENTS } from '../../src/kernels/kernels.js';
import type { Kernels } from '../../src/kernels/kernels.js';
import { createWasmKernels } from '../../src/kernels/wasm/wasm-kernels.js';

/** WASM kernels on an arena with room for `elements` elements besides their scratch block. */
export function makeKernels(elements: number): Kernels {
  const arena = Arena.create(KERNEL_SCRATCH_ELEMENTS + elements + 1024);
  return createWasmKernels(arena, arena.allocate(KERNEL_SCRATCH_ELEMENTS));
}

/** Puts values into a new block. */
export function put(kernels: Kernels, values: ArrayLike<number>): Offset {
  const offset = kernels.arena.allocate(values.length);
  kernels.arena.floats.set(values, offset);
  return offset;
}

/** A copy of a block. */
export function take(kernels: Kernels, offset: Offset, length: number): Float32Array {
  return Float32Array.from(kernels.arena.view(offset, length));
}

/** The same numbers for the same seed, in [−1, 1), float32: an additive sequence with a twist (mulberry32). */
export function randomNumbers(length: number, seed: number): Float32Array {
  let state = seed;
  return Float32Array.from({ length }, () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 31 - 1;
  });
}

/** Bit patterns, for comparisons that tell −0 from 0 and one NaN from another. */
export function bits(values: Float32Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length);
}

/** |actual − exact| in units of the float32 spacing at `exact`; 0 when both are the same infinity or both NaN. */
export function ulpError(actual: number, exact: number): number {
  const nearest = Math.fround(exact);
  if (Number.isNaN(exact) || !Number.isFinite(nearest)) return Object.is(actual, nearest) ? 0 : Infinity;
  const exponent = Math.max(Math.floor(Math.log2(Math.abs(exact) || Number.MIN_VALUE)), -126);
  return Math.abs(actual - exact) / 2 ** (exponent - 23);
}
