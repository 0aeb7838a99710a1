import { describe, it } from 'vitest';
import type { Kernels } from '../../../src/kernels/kernels.js';
import type { Workbench } from '../workbench.js';
import { blank, expectSameBits, SIZES, uniform } from '../workbench.js';

interface ElementwiseCase {
  readonly name: string;
  /** The operands for n elements; the last one is the result. */
  readonly inputs: (n: number) => Float32Array[];
  readonly call: (kernels: Kernels, n: number, at: readonly number[]) => void;
  /** Largest error in ulps of the result. */
  readonly ulps: number;
  /** Size that absolute errors are measured against, where results may cancel. */
  readonly magnitude?: number;
  /** The result may be written over each of the inputs. */
  readonly inPlace: boolean;
}

/** Every place where a function changes its branch, and the ends of the range. */
const EDGES = [0, -0, 1, -1, 0.625, -0.625, 1e-30, -1e-30, 9.1, -9.1, 87, -87, 88.8, -88.8, 104, -104, 1000, -1000];

const wide = (n: number): Float32Array => {
  const values = uniform(n, 11, -12, 12);
  // Edges go to the front and to the back, into the vector part and into the remainder.
  EDGES.forEach((edge, i) => {
    if (i < n) values[i] = edge;
    if (n > 100) values[n - 1 - i] = edge;
  });
  return values;
};

const unary = (
  name: string,
  ulps: number,
  call: (kernels: Kernels, n: number, x: number, y: number) => void,
): ElementwiseCase => ({
  name,
  ulps,
  inPlace: true,
  inputs: (n) => [wide(n), blank(n)],
  call: (kernels, n, [x = 0, y = 0]) => call(kernels, n, x, y),
});

/** dx from the output of the forward pass, here in (−1, 1), and dy. */
const backward = (
  name: string,
  call: (kernels: Kernels, n: number, y: number, dy: number, dx: number) => void,
): ElementwiseCase => ({
  name,
  ulps: 4,
  magnitude: 1,
  inPlace: true,
  inputs: (n) => [uniform(n, 12).map((y, i) => (i % 5 === 0 ? 0 : y)), uniform(n, 13), blank(n)],
  call: (kernels, n, [y = 0, dy = 0, dx = 0]) => call(kernels, n, y, dy, dx),
});

const CASES: readonly ElementwiseCase[] = [
  unary('copy', 0, (kernels, n, x, y) => kernels.copy(n, x, y)),
  unary('relu', 0, (kernels, n, x, y) => kernels.relu(n, x, y)),
  unary('leakyRelu', 1, (kernels, n, x, y) => kernels.leakyRelu(n, 0.01, x, y)),
  unary('sigmoid', 4, (kernels, n, x, y) => kernels.sigmoid(n, x, y)),
  unary('tanh', 4, (kernels, n, x, y) => kernels.tanh(n, x, y)),
  backward('reluBackward', (kernels, n, y, dy, dx) => kernels.reluBackward(n, y, dy, dx)),
  backward('leakyReluBackward', (kernels, n, y, dy, dx) => kernels.leakyReluBackward(n, 0.2, y, dy, dx)),
  backward('sigmoidBackward', (kernels, n, y, dy, dx) => kernels.sigmoidBackward(n, y, dy, dx)),
  backward('tanhBackward', (kernels, n, y, dy, dx) => kernels.tanhBackward(n, y, dy, dx)),
  backward('multiply', (kernels, n, x, y, z) => kernels.multiply(n, x, y, z)),
  {
    name: 'fill',
    ulps: 1,
    inPlace: false,
    inputs: (n) => [blank(n)],
    call: (kernels, n, [y = 0]) => kernels.fill(n, -0.1, y),
  },
  {
    name: 'scale',
    ulps: 1,
    inPlace: false,
    inputs: (n) => [wide(n)],
    call: (kernels, n, [y = 0]) => kernels.scale(n, 1 / 3, y),
  },
  {
    name: 'add',
    ulps: 1,
    inPlace: false,
    inputs: (n) => [wide(n), uniform(n, 14)],
    call: (kernels, n, [x = 0, y = 0]) => kernels.add(n, x, y),
  },
];

export function describeElementwise(bench: () => Workbench): void {
  describe('elementwise', () => {
    for (const { name, inputs, call, ulps, magnitude, inPlace } of CASES) {
      it(`${name} agrees with the reference`, () => {
        for (const n of SIZES) bench().check(inputs(n), (kernels, at) => call(kernels, n, at), ulps, magnitude);
      });

      it(`${name} gives an element the same bits wherever it stands`, () => {
        const n = 257;
        const together = bench().run(inputs(n), (kernels, at) => call(kernels, n, at));
        const apart = bench().run(inputs(n), (kernels, at) => {
          for (let i = 0; i < n; i++)
            call(
              kernels,
              1,
              at.map((offset) => offset + i),
            );
        });
        expectSameBits(apart, together, 'one element at a time');
      });

      if (!inPlace) continue;
      it(`${name} may be written over an input`, () => {
        for (const n of SIZES) {
          const result = inputs(n).length - 1;
          const apart = bench().run(inputs(n), (kernels, at) => call(kernels, n, at));
          for (let over = 0; over < result; over++) {
            const written = bench().run(inputs(n).slice(0, result), (kernels, at) =>
              call(kernels, n, [...at, at[over] ?? 0]),
            );
            expectSameBits([written[over] ?? []], [apart[result] ?? []], `over input ${over}`);
          }
        }
      });
    }

    it('addRect adds rectangles of their own leading dimensions', () => {
      for (const rows of SIZES)
        for (const cols of [1, 4, 7, 33]) {
          const x = uniform(rows * (cols + 3), 15);
          const y = uniform(rows * (cols + 1), 16);
          bench().check(
            [x, y],
            (kernels, [from, to]) => kernels.addRect(rows, cols, from, cols + 3, to, cols + 1),
            0.5,
            2,
          );
        }
    });

    it('addBias adds a vector to every row', () => {
      for (const rows of [1, 3, 16])
        for (const cols of SIZES) {
          const blocks = [uniform(cols, 17), uniform(rows * cols, 18)] as const;
          bench().check(blocks, (kernels, [bias, y]) => kernels.addBias(rows, cols, bias, y), 0.5, 2);
        }
    });

    it('addBias treats rows alike', () => {
      const [rows, cols] = [5, 33];
      const blocks = [uniform(cols, 17), uniform(rows * cols, 18)] as const;
      const together = bench().run(blocks, (kernels, [bias, y]) => kernels.addBias(rows, cols, bias, y));
      const apart = bench().run(blocks, (kernels, [bias, y]) => {
        for (let r = 0; r < rows; r++) kernels.addBias(1, cols, bias, y + r * cols);
      });
      expectSameBits(apart, together, 'one row at a time');
    });
  });
}
