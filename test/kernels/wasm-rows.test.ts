import { describe, expect, it } from 'vitest';
import { instantiateWasm } from '../../src/kernels/wasm/module.js';
import { bits, makeKernels, put, randomNumbers, take } from './wasm-fixture.js';

const kernels = makeKernels(1 << 22);
const wasm = instantiateWasm(kernels.arena.memory);

/** Counter, key and words of kat_vectors in the authors' Random123. */
type Vector = [counter: [number, number, number, number], key: [number, number], words: string[]];

describe('Philox4x32-10', () => {
  it.each<Vector>([
    [
      [0, 0, 0, 0],
      [0, 0],
      ['6627e8d5', 'e169c58d', 'bc57ac4c', '9b00dbd8'],
    ],
    [
      [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      ['408f276d', '41c83b0e', 'a20bc7c6', '6d5451fd'],
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      ['d16cfe09', '94fdcceb', '5001e420', '24126ea1'],
    ],
  ])('gives the published words at counter %j', (counter, key, words) => {
    const out = kernels.arena.allocate(4);
    wasm.philoxWords(...counter, ...key, out * 4);
    const written = new Uint32Array(kernels.arena.memory.buffer, out * 4, 4);
    expect([...written].map((word) => word.toString(16).padStart(8, '0'))).toEqual(words);
  });
});

describe('dropoutMask', () => {
  const [keyLow, keyHigh, firstRow, counter2, counter3] = [0xa4093822, 0x299f31d0, 0xfffffffe, 7, 0x80000001];

  function words(row: number, block: number): number[] {
    const out = kernels.arena.allocate(4);
    wasm.philoxWords(block, (firstRow + row) >>> 0, counter2, counter3, keyLow, keyHigh, out * 4);
    return [...new Uint32Array(kernels.arena.memory.buffer, out * 4, 4)];
  }

  it.each([1, 4, 15, 16, 17, 37])('takes word c mod 4 of counter (⌊c/4⌋, row, …): %i columns', (cols) => {
    const rows = 4;
    const keepProb = 0.7;
    const mask = put(kernels, new Float32Array(rows * cols + 1).fill(9));
    kernels.dropoutMask(rows, cols, keepProb, keyLow, keyHigh, firstRow, counter2, counter3, mask);
    const expected = Array.from({ length: rows * cols }, (_, i) => {
      const column = i % cols;
      const word = words(Math.floor(i / cols), Math.floor(column / 4))[column % 4] ?? NaN;
      return word * 2 ** -32 < keepProb ? Math.fround(1 / keepProb) : 0;
    });
    expect([...take(kernels, mask, rows * cols + 1)]).toEqual([...expected, 9]);
  });

  it('compares with the probability exactly', () => {
    const [word = NaN] = words(0, 0);
    const mask = kernels.arena.allocate(1);
    const keeps = (keepProb: number): boolean => {
      kernels.dropoutMask(1, 1, keepProb, keyLow, keyHigh, firstRow, counter2, counter3, mask);
      return kernels.arena.floats[mask] !== 0;
    };
    expect(keeps(word * 2 ** -32)).toBe(false);
    expect(keeps((word + 2 ** -12) * 2 ** -32)).toBe(true);
    expect(keeps((word + 1) * 2 ** -32)).toBe(true);
    expect(keeps(1)).toBe(true);
  });
});

describe('softmax cross-entropy', () => {
  it('is stable for logits of ±1000 and fine-grained for confident predictions', () => {
    const logits = put(kernels, [1000, -1000, 0, 1000, -1000, 0, 20, 0, 0, 1, 1, 1]);
    const labels = put(kernels, [0, 1, 0, 2]);
    const loss = kernels.arena.allocate(4);
    const gradient = kernels.arena.allocate(12);
    kernels.softmaxCrossEntropy(4, 3, logits, labels, loss, gradient);
    const [certain, wrong, confident, even] = take(kernels, loss, 4);
    expect(certain).toBe(0);
    expect(wrong).toBe(2000);
    expect(Math.abs((confident ?? NaN) / Math.log1p(2 * Math.exp(-20)) - 1)).toBeLessThan(1e-6);
    expect(even).toBeCloseTo(Math.log(3), 6);
    expect([...take(kernels, gradient, 6)]).toEqual([0, 0, 0, 1, -1, 0]);
    expect([...take(kernels, gradient + 9, 3)].map((x) => x.toFixed(6))).toEqual(['0.333333', '0.333333', '-0.666667']);
  });

  it('leaves the gradient alone when asked for the loss', () => {
    const logits = put(kernels, [1, 2, 3]);
    const target = put(kernels, [0, 1, 1]);
    const label = put(kernels, [1]);
    const loss = kernels.arena.allocate(1);
    const before = take(kernels, logits, 3);
    kernels.softmaxCrossEntropy(1, 3, logits, label, loss, -1);
    expect(kernels.arena.floats[loss]).toBeCloseTo(Math.log(Math.E + Math.E ** 2 + Math.E ** 3) - 2, 5);
    kernels.squaredError(1, 3, logits, target, loss, -1);
    expect(kernels.arena.floats[loss]).toBeCloseTo((1 + 1 + 4) / 3, 6);
    kernels.sigmoidCrossEntropy(1, 3, logits, target, loss, -1);
    expect(kernels.arena.floats[loss]).toBeCloseTo(
      1 + Math.log1p(Math.exp(-1)) + Math.log1p(Math.exp(-2)) + Math.log1p(Math.exp(-3)),
      5,
    );
    expect(take(kernels, logits, 3)).toEqual(before);
  });
});

describe('columns', () => {
  it('keeps its accuracy over 60,000 rows', () => {
    const rows = 60_000;
    const cols = 21;
    const values = randomNumbers(rows * cols, 1).map((x, i) => x + 100 + (i % cols));
    const x = put(kernels, values);
    const [sums, mean, m2, sumXY] = [0, 0, 0, 0].map(() => kernels.arena.allocate(cols)) as [
      number,
      number,
      number,
      number,
    ];
    kernels.columnSums(rows, cols, x, sums);
    kernels.columnMoments(rows, cols, x, mean, m2);
    const sumsAgain = kernels.arena.allocate(cols);
    kernels.columnDots(rows, cols, x, x, sumsAgain, sumXY);
    for (let c = 0; c < cols; c++) {
      let sum = 0;
      let squares = 0;
      for (let i = c; i < values.length; i += cols) {
        sum += values[i] as number;
        squares += (values[i] as number) ** 2;
      }
      let spread = 0;
      for (let i = c; i < values.length; i += cols) spread += ((values[i] as number) - sum / rows) ** 2;
      const at = (offset: number): number => kernels.arena.floats[offset + c] ?? NaN;
      expect(Math.abs(at(sums) / sum - 1)).toBeLessThan(3e-7);
      expect(Math.abs((at(mean) * rows) / sum - 1)).toBeLessThan(3e-7);
      expect(Math.abs(at(m2) / spread - 1)).toBeLessThan(1e-5);
      expect(Math.abs(at(sumXY) / squares - 1)).toBeLessThan(1e-6);
    }
    expect(bits(take(kernels, sumsAgain, cols))).toEqual(bits(take(kernels, sums, cols)));
  });

  it('gives a column the same bits in a wide and in a narrow matrix', () => {
    const rows = 77;
    const wide = randomNumbers(rows * 35, 2);
    const narrow = Float32Array.from({ length: rows * 3 }, (_, i) => wide[Math.floor(i / 3) * 35 + (i % 3)] ?? NaN);
    const results = [wide, narrow].map((values) => {
      const cols = values.length / rows;
      const x = put(kernels, values);
      const blocks = [0, 0, 0, 0, 0].map(() => kernels.arena.allocate(cols)) as [
        number,
        number,
        number,
        number,
        number,
      ];
      kernels.columnSums(rows, cols, x, blocks[0]);
      kernels.columnMoments(rows, cols, x, blocks[1], blocks[2]);
      kernels.columnDots(rows, cols, x, x, blocks[3], blocks[4]);
      return blocks.map((block) => bits(take(kernels, block, 3)));
    });
    expect(results[1]).toEqual(results[0]);
  });
});
