import { describe, it } from 'vitest';
import type { Kernels } from '../../../src/kernels/kernels.js';
import type { Workbench } from '../workbench.js';
import { blank, expectSameBits, SIZES, uniform } from '../workbench.js';

interface FusedCase {
  readonly name: string;
  /** Operands, results last. */
  readonly blocks: (rows: number, cols: number) => readonly Float32Array[];
  /** How many of the last blocks are results. */
  readonly results: number;
  readonly fused: (kernels: Kernels, rows: number, cols: number, at: readonly number[]) => void;
  /** The kernels that the fused one stands for; `spare` has room for another [rows, cols]. */
  readonly apart: (kernels: Kernels, rows: number, cols: number, at: readonly number[], spare: number) => void;
}

const ROWS = [1, 3, 31, 32, 33, 70] as const;

/** Every fifth x̂ is 0, so that with β = 0 in every third column the ReLU is met exactly at its corner. */
const normalized = (rows: number, cols: number): Float32Array =>
  uniform(rows * cols, 71, -2, 2).map((x, i) => (i % 5 === 0 ? 0 : x));
const shifts = (cols: number): Float32Array => uniform(cols, 72).map((x, i) => (i % 3 === 0 ? 0 : x));

const CASES: readonly FusedCase[] = [
  {
    name: 'addBiasRelu',
    results: 1,
    blocks: (rows, cols) => [uniform(cols, 73), uniform(rows * cols, 74)],
    fused: (kernels, rows, cols, [bias = 0, y = 0]) => kernels.addBiasRelu(rows, cols, bias, y),
    apart(kernels, rows, cols, [bias = 0, y = 0]) {
      kernels.addBias(rows, cols, bias, y);
      kernels.relu(rows * cols, y, y);
    },
  },
  {
    name: 'batchNormRelu',
    results: 2,
    blocks: (rows, cols) => [
      uniform(rows * cols, 75),
      uniform(cols, 76),
      uniform(cols, 77, 0.5, 2),
      uniform(cols, 78),
      shifts(cols),
      blank(rows * cols),
      blank(rows * cols),
    ],
    fused: (kernels, rows, cols, [x = 0, mean = 0, inverse = 0, gamma = 0, beta = 0, xHat = 0, y = 0]) =>
      kernels.batchNormRelu(rows, cols, x, mean, inverse, gamma, beta, xHat, y),
    apart(kernels, rows, cols, [x = 0, mean = 0, inverse = 0, gamma = 0, beta = 0, xHat = 0, y = 0]) {
      kernels.batchNorm(rows, cols, x, mean, inverse, gamma, beta, xHat, y);
      kernels.relu(rows * cols, y, y);
    },
  },
  {
    name: 'batchNormReluDots',
    results: 2,
    blocks: (rows, cols) => [
      uniform(rows * cols, 79),
      normalized(rows, cols),
      uniform(cols, 80),
      shifts(cols),
      blank(cols),
      blank(cols),
    ],
    fused: (kernels, rows, cols, [dy = 0, xHat = 0, gamma = 0, beta = 0, sumDy = 0, sumDyX = 0]) =>
      kernels.batchNormReluDots(rows, cols, dy, xHat, gamma, beta, sumDy, sumDyX),
    apart(kernels, rows, cols, [dy = 0, xHat = 0, gamma = 0, beta = 0, sumDy = 0, sumDyX = 0], spare) {
      outputs(kernels, rows, cols, xHat, gamma, beta, spare);
      kernels.reluBackward(rows * cols, spare, dy, spare);
      kernels.columnDots(rows, cols, spare, xHat, sumDy, sumDyX);
    },
  },
  {
    name: 'batchNormReluBackward',
    results: 1,
    blocks: (rows, cols) => [
      uniform(rows * cols, 81),
      normalized(rows, cols),
      uniform(cols, 82),
      shifts(cols),
      uniform(cols, 83, 0.5, 2),
      uniform(cols, 84, -4, 4),
      uniform(cols, 85, -4, 4),
      blank(rows * cols),
    ],
    fused: (kernels, rows, cols, [dy = 0, xHat = 0, gamma = 0, beta = 0, inverse = 0, a = 0, b = 0, dx = 0]) =>
      kernels.batchNormReluBackward(rows, cols, dy, xHat, gamma, beta, inverse, a, b, 300, dx),
    apart(kernels, rows, cols, [dy = 0, xHat = 0, gamma = 0, beta = 0, inverse = 0, a = 0, b = 0, dx = 0], spare) {
      outputs(kernels, rows, cols, xHat, gamma, beta, spare);
      kernels.reluBackward(rows * cols, spare, dy, spare);
      kernels.batchNormBackward(rows, cols, spare, xHat, gamma, inverse, a, b, 300, dx);
    },
  },
];

/** γ·x̂ + β as the forward pass writes it, at `y`: x̂ goes through batchNorm with mean 0 and deviation 1. */
function outputs(
  kernels: Kernels,
  rows: number,
  cols: number,
  xHat: number,
  gamma: number,
  beta: number,
  y: number,
): void {
  const [mean, inverse, again] = [y + rows * cols, y + rows * cols + cols, y + rows * cols + 2 * cols];
  kernels.fill(cols, 0, mean);
  kernels.fill(cols, 1, inverse);
  kernels.batchNorm(rows, cols, xHat, mean, inverse, gamma, beta, again, y);
}

export function describeFused(bench: () => Workbench): void {
  describe('fused kernels', () => {
    for (const { name, blocks, results, fused, apart } of CASES) {
      it(`${name} has the bits of the kernels that it stands for`, () => {
        for (const rows of ROWS)
          for (const cols of [...SIZES, 8, 12]) {
            const operands = blocks(rows, cols);
            const spare = blank(2 * rows * cols + 2 * cols);
            const once = bench().run(operands, (kernels, at) => fused(kernels, rows, cols, at));
            const twice = bench().run([...operands, spare], (kernels, at) =>
              apart(kernels, rows, cols, at.slice(0, -1), at.at(-1) ?? 0),
            );
            expectSameBits(once, twice.slice(0, -1), `${rows}×${cols}`);
            expectSameBits(once.slice(0, -results), operands.slice(0, -results), 'what was read');
          }
      });

      it(`${name} agrees with the reference`, () => {
        for (const rows of ROWS)
          for (const cols of SIZES) {
            bench().check(blocks(rows, cols), (kernels, at) => fused(kernels, rows, cols, at), 8, Math.sqrt(rows) + 4);
          }
      });
    }
  });
}
