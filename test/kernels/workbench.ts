import { expect } from 'vitest';
import { philox4x32 } from '../../src/common/random/philox.js';
import type { Offset } from '../../src/kernels/arena.js';
import { Arena } from '../../src/kernels/arena.js';
import type { KernelFactory, Kernels } from '../../src/kernels/kernels.js';
import { KERNEL_SCRATCH_ELEMENTS } from '../../src/kernels/kernels.js';
import { createReferenceKernels } from '../../src/kernels/reference/reference-kernels.js';

/** Sizes below, at, above and between the widths of vector registers and of micro-kernels. */
export const SIZES = [1, 3, 4, 5, 7, 16, 33, 257] as const;

/** Unit in the last place of float32 numbers in [1, 2). */
export const FLOAT32_ULP = 2 ** -23;

const BLOCK_ELEMENTS = 1 << 20;
const CANARY = -123456.75;
const CANARIES = 16;

export type Blocks = readonly ArrayLike<number>[];
export type Offsets<T extends Blocks> = { [K in keyof T]: Offset };
export type Call<T extends Blocks> = (kernels: Kernels, at: Offsets<T>) => void;

/**
 * Runs a kernel on blocks of numbers: once on the implementation under test, with a look at everything a kernel must not
 * do, and once on the float64 reference.
 */
export class Workbench {
  readonly kernels: Kernels;
  readonly #oracle: Kernels;
  readonly #start: Offset;
  readonly #oracleStart: Offset;

  constructor(factory: KernelFactory) {
    const arena = Arena.create(KERNEL_SCRATCH_ELEMENTS + BLOCK_ELEMENTS);
    this.kernels = factory(arena, arena.allocate(KERNEL_SCRATCH_ELEMENTS));
    this.#start = arena.allocate(BLOCK_ELEMENTS);
    const oracleArena = Arena.create(BLOCK_ELEMENTS, 'float64');
    this.#oracleStart = oracleArena.allocate(BLOCK_ELEMENTS);
    this.#oracle = createReferenceKernels(oracleArena, 0);
  }

  /**
   * Every block as it is after the call. The call is made three times, the last time with blocks that start anywhere but
   * on a cache line; all must give the same bits and write nothing outside the blocks.
   */
  run<const T extends Blocks>(blocks: T, call: Call<T>): Float32Array[] {
    const attempt = (shift: number): Float32Array[] =>
      place(this.kernels, this.#start, blocks, call, shift).map((block) => Float32Array.from(block));
    const once = attempt(0);
    expectSameBits(attempt(0), once, 'called twice');
    expectSameBits(attempt(1), once, 'called at other addresses');
    return once;
  }

  /** The same in float64 by the reference. */
  exact<const T extends Blocks>(blocks: T, call: Call<T>): Float64Array[] {
    return place(this.#oracle, this.#oracleStart, blocks, call, 0).map((block) => Float64Array.from(block));
  }

  /** Runs both and compares every block. See {@link expectClose}. */
  check<const T extends Blocks>(blocks: T, call: Call<T>, ulps: number, magnitude = 0): Float32Array[] {
    const actual = this.run(blocks, call);
    const exact = this.exact(blocks, call);
    exact.forEach((block, i) => expectClose(actual[i] ?? [], block, ulps, magnitude));
    return actual;
  }
}

/** Lays the blocks out, `shift` ≠ 0: off every alignment, calls, and returns views of the blocks. */
function place<const T extends Blocks>(
  kernels: Kernels,
  start: Offset,
  blocks: T,
  call: Call<T>,
  shift: number,
): (Float32Array | Float64Array)[] {
  const { floats } = kernels.arena;
  const starts: Offset[] = [];
  let next = start;
  blocks.forEach((block, i) => {
    const at = next + shift * (1 + 2 * (i % 5));
    starts.push(at);
    floats.set(block, at);
    floats.fill(CANARY, next, at);
    next = Math.ceil((at + block.length + CANARIES) / 16) * 16;
    floats.fill(CANARY, at + block.length, next);
  });
  floats.fill(CANARY, next, next + CANARIES);
  call(kernels, starts as Offsets<T>);

  let expected = start;
  for (const [i, block] of blocks.entries()) {
    const at = starts[i] ?? 0;
    expectCanaries(floats, expected, at);
    expected = at + block.length;
  }
  expectCanaries(floats, expected, next + CANARIES);
  return blocks.map((block, i) => kernels.arena.view(starts[i] ?? 0, block.length));
}

function expectCanaries(floats: Float32Array | Float64Array, from: number, to: number): void {
  for (let i = from; i < to; i++) {
    if (floats[i] !== CANARY)
      expect.fail(`wrote ${floats[i] ?? NaN} outside its operands, ${i - from} past the end of one`);
  }
}

export function bitsOf(values: ArrayLike<number>): Uint32Array {
  return new Uint32Array(Float32Array.from(values).buffer);
}

export function expectSameBits(
  actual: readonly ArrayLike<number>[],
  expected: readonly ArrayLike<number>[],
  when: string,
): void {
  expected.forEach((block, b) => {
    const left = bitsOf(actual[b] ?? []);
    const right = bitsOf(block);
    const i = right.findIndex((word, at) => word !== left[at]);
    if (i >= 0) expect.fail(`${when}: element ${i} of block ${b} is ${actual[b]?.[i] ?? NaN}, not ${block[i] ?? NaN}`);
  });
}

/** |actual − exact| ≤ ulps · 2⁻²³ · max(|exact|, magnitude), plus what float32 rounds to zero. */
export function expectClose(
  actual: ArrayLike<number>,
  exact: ArrayLike<number>,
  ulps: number,
  magnitude: number | ArrayLike<number> = 0,
): void {
  expect(actual.length).toBe(exact.length);
  for (let i = 0; i < exact.length; i++) {
    const is = actual[i] ?? NaN;
    const should = exact[i] ?? NaN;
    const size = Math.max(Math.abs(should), typeof magnitude === 'number' ? magnitude : (magnitude[i] ?? 0));
    const allowed = ulps * FLOAT32_ULP * size + 2 ** -149;
    if (Object.is(is, should) || Math.abs(is - should) <= allowed) continue;
    expect.fail(`element ${i} is ${is}, should be ${should} within ${allowed.toExponential(2)}`);
  }
}

/** `length` float32 numbers, uniform in [low, high), a function of the seed. */
export function uniform(length: number, seed: number, low = -1, high = 1): Float32Array {
  const words = new Uint32Array(4);
  return Float32Array.from({ length }, (_, i) => {
    if (i % 4 === 0) philox4x32(i / 4, seed, 0, 0, 7, 0, words);
    return low + (high - low) * ((words[i % 4] ?? 0) / 2 ** 32);
  });
}

/** A block to be written: numbers that no kernel computes. */
export function blank(length: number): Float32Array {
  return new Float32Array(length).fill(99999.5);
}
