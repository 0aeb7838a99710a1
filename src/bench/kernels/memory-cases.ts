/** Every kernel that is not a product: what it is called with, and how much memory it has to read and write for that. */
import type { Offset } from '../../kernels/arena.js';
import type { Kernels } from '../../kernels/kernels.js';

/** Memory for the operands of one call: blocks of `n` = rows · cols elements, filled with numbers between −1 and 1. */
export interface Operands {
  readonly rows: number;
  readonly cols: number;
  readonly n: number;
  readonly blocks: readonly Offset[];
}

/** The most operands of `n` elements that a kernel has. */
export const BLOCKS = 7;

export interface MemoryCase {
  /** Bytes read and written per element of an operand; vectors as long as a row, which stay in the cache, are not counted. */
  readonly bytesPerElement: number;
  run(kernels: Kernels, operands: Operands): void;
}

type KernelName = {
  [Name in keyof Kernels]: Kernels[Name] extends (...args: never[]) => unknown ? Name : never;
}[keyof Kernels];

type MemoryKernel = Exclude<KernelName, 'gemm' | 'gemmTree' | 'rowsShareProduct' | 'accumulationIsExact'>;

/** Columns of a layer that tells classes apart. */
const CLASSES = 10;
const WORD = 4;
const HALF = 2;

function memoryCase(
  bytesPerElement: number,
  run: (kernels: Kernels, operands: Operands, ...blocks: Offset[]) => void,
): MemoryCase {
  return { bytesPerElement, run: (kernels, operands) => run(kernels, operands, ...operands.blocks) };
}

/** y = f(x) */
const oneToOne = (name: 'copy' | 'relu' | 'sigmoid' | 'tanh'): MemoryCase =>
  memoryCase(2 * WORD, (kernels, { n }, x = 0, y = 0) => kernels[name](n, x, y));

/** dx = f(y, dy) */
const backward = (name: 'reluBackward' | 'sigmoidBackward' | 'tanhBackward'): MemoryCase =>
  memoryCase(3 * WORD, (kernels, { n }, y = 0, dy = 0, dx = 0) => kernels[name](n, y, dy, dx));

const total = (name: 'sum' | 'sumSquares' | 'sumAbs'): MemoryCase =>
  memoryCase(WORD, (kernels, { n }, x = 0) => void kernels[name](n, x));

const rowsOf = (n: number): number => Math.floor(n / CLASSES);

/** Constants of optimizers; none of them changes how long an update takes. */
const [SCALE, L2, L1, RATE, BETA, EPSILON] = [0.01, 0, 0, 1e-6, 0.9, 1e-8] as const;

/** A type that asks for every kernel there is: a new one cannot be forgotten. */
export const memoryCases: Readonly<Record<MemoryKernel, MemoryCase>> = {
  copy: oneToOne('copy'),
  fill: memoryCase(WORD, (kernels, { n }, y = 0) => kernels.fill(n, 0.5, y)),
  scale: memoryCase(2 * WORD, (kernels, { n }, y = 0) => kernels.scale(n, 1, y)),
  add: memoryCase(3 * WORD, (kernels, { n }, x = 0, y = 0) => kernels.add(n, x, y)),
  addRect: memoryCase(3 * WORD, (kernels, { rows, cols }, x = 0, y = 0) =>
    kernels.addRect(rows, cols, x, cols, y, cols),
  ),
  multiply: memoryCase(3 * WORD, (kernels, { n }, x = 0, y = 0, z = 0) => kernels.multiply(n, x, y, z)),
  addBias: memoryCase(2 * WORD, (kernels, { rows, cols }, y = 0, bias = 0) => kernels.addBias(rows, cols, bias, y)),
  addBiasRelu: memoryCase(2 * WORD, (kernels, { rows, cols }, y = 0, bias = 0) =>
    kernels.addBiasRelu(rows, cols, bias, y),
  ),

  relu: oneToOne('relu'),
  reluBackward: backward('reluBackward'),
  leakyRelu: memoryCase(2 * WORD, (kernels, { n }, x = 0, y = 0) => kernels.leakyRelu(n, 0.01, x, y)),
  leakyReluBackward: memoryCase(3 * WORD, (kernels, { n }, y = 0, dy = 0, dx = 0) =>
    kernels.leakyReluBackward(n, 0.01, y, dy, dx),
  ),
  sigmoid: oneToOne('sigmoid'),
  sigmoidBackward: backward('sigmoidBackward'),
  tanh: oneToOne('tanh'),
  tanhBackward: backward('tanhBackward'),
  softmax: memoryCase(2 * WORD, (kernels, { n }, x = 0, y = 0) => kernels.softmax(rowsOf(n), CLASSES, x, y)),
  softmaxBackward: memoryCase(3 * WORD, (kernels, { n }, y = 0, dy = 0, dx = 0) =>
    kernels.softmaxBackward(rowsOf(n), CLASSES, y, dy, dx),
  ),

  columnSums: memoryCase(WORD, (kernels, { rows, cols }, x = 0, out = 0) => kernels.columnSums(rows, cols, x, out)),
  // Two passes over x.
  columnMoments: memoryCase(2 * WORD, (kernels, { rows, cols }, x = 0, mean = 0, m2 = 0) =>
    kernels.columnMoments(rows, cols, x, mean, m2),
  ),
  columnDots: memoryCase(2 * WORD, (kernels, { rows, cols }, x = 0, y = 0, sumX = 0, sumXY = 0) =>
    kernels.columnDots(rows, cols, x, y, sumX, sumXY),
  ),

  batchNorm: memoryCase(3 * WORD, (kernels, { rows, cols }, x = 0, normalized = 0, y = 0, vectors = 0) =>
    kernels.batchNorm(rows, cols, x, vectors, vectors, vectors, vectors, normalized, y),
  ),
  batchNormBackward: memoryCase(3 * WORD, (kernels, { rows, cols }, dy = 0, normalized = 0, dx = 0, vectors = 0) =>
    kernels.batchNormBackward(rows, cols, dy, normalized, vectors, vectors, vectors, vectors, rows, dx),
  ),
  batchNormRelu: memoryCase(3 * WORD, (kernels, { rows, cols }, x = 0, normalized = 0, y = 0, v = 0) =>
    kernels.batchNormRelu(rows, cols, x, v, v, v, v, normalized, y),
  ),
  batchNormReluDots: memoryCase(2 * WORD, (kernels, { rows, cols }, dy = 0, normalized = 0, v = 0, sum = 0, sumX = 0) =>
    kernels.batchNormReluDots(rows, cols, dy, normalized, v, v, sum, sumX),
  ),
  batchNormReluBackward: memoryCase(3 * WORD, (kernels, { rows, cols }, dy = 0, normalized = 0, dx = 0, v = 0) =>
    kernels.batchNormReluBackward(rows, cols, dy, normalized, v, v, v, v, v, rows, dx),
  ),

  dropoutMask: memoryCase(WORD, (kernels, { rows, cols }, mask = 0) =>
    kernels.dropoutMask(rows, cols, 0.8, 1, 2, 0, 3, 4, mask),
  ),

  softmaxCrossEntropy: memoryCase(2 * WORD, (kernels, { n }, logits = 0, gradient = 0, labels = 0, loss = 0) => {
    kernels.softmaxCrossEntropy(rowsOf(n), CLASSES, logits, labels, loss, gradient);
  }),
  sigmoidCrossEntropy: memoryCase(
    3 * WORD,
    (kernels, { rows, cols }, logits = 0, targets = 0, gradient = 0, loss = 0) =>
      kernels.sigmoidCrossEntropy(rows, cols, logits, targets, loss, gradient),
  ),
  squaredError: memoryCase(3 * WORD, (kernels, { rows, cols }, x = 0, targets = 0, gradient = 0, loss = 0) =>
    kernels.squaredError(rows, cols, x, targets, loss, gradient),
  ),
  argmax: memoryCase(WORD, (kernels, { n }, x = 0, out = 0) => kernels.argmax(rowsOf(n), CLASSES, x, out)),

  sum: total('sum'),
  sumSquares: total('sumSquares'),
  sumAbs: total('sumAbs'),
  gradientSumSquares: memoryCase(
    2 * WORD,
    (kernels, { n }, weights = 0, gradient = 0) => void kernels.gradientSumSquares(n, weights, gradient, SCALE, L2, L1),
  ),

  gradientDescent: memoryCase(
    3 * WORD,
    (kernels, { n }, w = 0, g = 0, newW = 0) => void kernels.gradientDescent(n, w, g, newW, SCALE, L2, L1, RATE),
  ),
  momentum: memoryCase(
    5 * WORD,
    (kernels, { n }, w = 0, g = 0, v = 0, newW = 0, newV = 0) =>
      void kernels.momentum(n, w, g, v, newW, newV, SCALE, L2, L1, RATE, BETA),
  ),
  rmsprop: memoryCase(
    5 * WORD,
    (kernels, { n }, w = 0, g = 0, s = 0, newW = 0, newS = 0) =>
      void kernels.rmsprop(n, w, g, s, newW, newS, SCALE, L2, L1, RATE, BETA, EPSILON),
  ),
  adam: memoryCase(
    7 * WORD,
    (kernels, { n }, w = 0, g = 0, v = 0, s = 0, newW = 0, newV = 0, newS = 0) =>
      void kernels.adam(n, w, g, v, s, newW, newV, newS, SCALE, L2, L1, RATE, BETA, BETA, EPSILON, 0.5, 0.5),
  ),

  roundTo: memoryCase(2 * WORD, (kernels, { n }, x = 0) => kernels.roundTo('bfloat16', n, x)),
  addRounded: memoryCase(3 * WORD, (kernels, { n }, x = 0, y = 0) => kernels.addRounded('bfloat16', n, x, y)),
  encode: memoryCase(WORD + HALF, (kernels, { n }, x = 0, y = 0) => kernels.encode('bfloat16', n, x, y * WORD)),
  decode: memoryCase(WORD + HALF, (kernels, { n }, x = 0, y = 0) => kernels.decode('bfloat16', n, x * WORD, y)),

  standardizeBytes: memoryCase(WORD + 1, (kernels, { rows, cols }, x = 0, y = 0, vectors = 0) =>
    kernels.standardizeBytes(rows, cols, x * WORD, vectors, vectors, y),
  ),
  standardize: memoryCase(2 * WORD, (kernels, { rows, cols }, x = 0, y = 0, vectors = 0) =>
    kernels.standardize(rows, cols, x, vectors, vectors, y),
  ),
};
