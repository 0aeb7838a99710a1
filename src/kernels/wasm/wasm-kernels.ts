import { LockstepError } from '../../common/errors.js';
import type { Arena, Offset } from '../arena.js';
import type { KernelFactory, Kernels } from '../kernels.js';
import { shardAt, shardsWithRows, sumProducts } from '../shard-products.js';
import type { WasmExports } from './exports.js';
import { instantiateWasm } from './module.js';
import { wasmWireFormats } from './wire-formats.js';

/** Byte address of an element. Above 2³¹ the number wraps to the same 32 bits when it enters the module. */
function at(offset: Offset): number {
  return offset * 4;
}

/** Address of a result that may be left out (offset −1 in the contract, address 0 in the module). */
function optional(offset: Offset): number {
  return offset < 0 ? 0 : offset * 4;
}

/**
 * The kernels in WebAssembly with 128-bit SIMD: nothing to install, and the same bits on every processor, since only
 * additions, multiplications, divisions and square roots as defined by IEEE 754 are used, in an order that the sizes
 * give.
 *
 * The bits of an element of a product depend on its row, its column and k alone, so rows of several shards may always
 * share a product.
 *
 * @throws LockstepError `internal` for a float64 arena, or when dist/kernels.wasm has not been built.
 */
export const createWasmKernels: KernelFactory = (arena, scratch) => bindWasm(arena, scratch).kernels;

/** The same, with the functions of the module itself. */
export function bindWasm(arena: Arena, scratch: Offset): { readonly kernels: Kernels; readonly wasm: WasmExports } {
  if (arena.precision !== 'float32') {
    throw new LockstepError('internal', `the WASM kernels compute in float32; this arena holds ${arena.precision}`, {
      hint: 'use the reference backend for float64',
    });
  }
  const wasm = instantiateWasm(arena.memory);
  wasm.setScratch(at(scratch));
  const depth = wasm.DEPTH.value;
  const treeRows = wasm.TREE_ROWS.value;

  const gemm: Kernels['gemm'] = (transA, transB, m, n, k, a, lda, b, ldb, accumulate, c, ldc) =>
    wasm.gemm(transA, transB, m, n, k, at(a), lda, at(b), ldb, accumulate, at(c), ldc);

  const kernels: Kernels = {
    backend: 'wasm',
    arena,

    gemm,
    gemmTree(m, n, rows, shards, a, lda, b, ldb, c, ldc, nodes) {
      const count = shardsWithRows(rows, shards);
      if (rows <= treeRows && shardAt(rows, shards, 0).rows <= depth) {
        wasm.gemmTree(m, n, rows, count, at(a), lda, at(b), ldb, at(c), ldc);
        return;
      }
      const products = {
        write(index: number, accumulate: boolean, to: Offset, ld: number): void {
          const shard = shardAt(rows, shards, index);
          const [left, right] = [a + shard.start * lda, b + shard.start * ldb];
          gemm(true, false, m, n, shard.rows, left, lda, right, ldb, accumulate, to, ld);
        },
        add: (from: Offset, to: Offset, ld: number): void => wasm.addRect(m, n, at(from), n, at(to), ld),
        accumulationIsExact: (index: number): boolean => shardAt(rows, shards, index).rows <= depth,
      };
      sumProducts(products, count, m * n, n, c, ldc, nodes);
    },
    rowsShareProduct: () => true,
    accumulationIsExact: (shape) => shape.k <= depth,

    copy: (n, x, y) => wasm.copy(n, at(x), at(y)),
    fill: (n, value, y) => wasm.fill(n, value, at(y)),
    scale: (n, factor, y) => wasm.scale(n, factor, at(y)),
    add: (n, x, y) => wasm.add(n, at(x), at(y)),
    addRect: (rows, cols, x, ldx, y, ldy) => wasm.addRect(rows, cols, at(x), ldx, at(y), ldy),
    multiply: (n, x, y, z) => wasm.multiply(n, at(x), at(y), at(z)),
    addBias: (rows, cols, bias, y) => wasm.addBias(rows, cols, at(bias), at(y)),
    addBiasRelu: (rows, cols, bias, y) => wasm.addBiasRelu(rows, cols, at(bias), at(y)),

    relu: (n, x, y) => wasm.relu(n, at(x), at(y)),
    reluBackward: (n, y, dy, dx) => wasm.reluBackward(n, at(y), at(dy), at(dx)),
    leakyRelu: (n, slope, x, y) => wasm.leakyRelu(n, slope, at(x), at(y)),
    leakyReluBackward: (n, slope, y, dy, dx) => wasm.leakyReluBackward(n, slope, at(y), at(dy), at(dx)),
    sigmoid: (n, x, y) => wasm.sigmoid(n, at(x), at(y)),
    sigmoidBackward: (n, y, dy, dx) => wasm.sigmoidBackward(n, at(y), at(dy), at(dx)),
    tanh: (n, x, y) => wasm.tanh(n, at(x), at(y)),
    tanhBackward: (n, y, dy, dx) => wasm.tanhBackward(n, at(y), at(dy), at(dx)),
    softmax: (rows, cols, x, y) => wasm.softmax(rows, cols, at(x), at(y)),
    softmaxBackward: (rows, cols, y, dy, dx) => wasm.softmaxBackward(rows, cols, at(y), at(dy), at(dx)),

    columnSums: (rows, cols, x, out) => wasm.columnSums(rows, cols, at(x), at(out)),
    columnMoments: (rows, cols, x, mean, m2) => wasm.columnMoments(rows, cols, at(x), at(mean), at(m2)),
    columnDots: (rows, cols, x, y, sumX, sumXY) => wasm.columnDots(rows, cols, at(x), at(y), at(sumX), at(sumXY)),

    batchNorm: (rows, cols, x, mean, inverseDeviation, gamma, beta, normalized, y) =>
      wasm.batchNorm(rows, cols, at(x), at(mean), at(inverseDeviation), at(gamma), at(beta), at(normalized), at(y)),
    batchNormBackward: (rows, cols, dy, normalized, gamma, inverseDeviation, sumDy, sumDyNormalized, count, dx) =>
      wasm.batchNormBackward(
        rows,
        cols,
        at(dy),
        at(normalized),
        at(gamma),
        at(inverseDeviation),
        at(sumDy),
        at(sumDyNormalized),
        count,
        at(dx),
      ),

    batchNormRelu: (rows, cols, x, mean, inverseDeviation, gamma, beta, normalized, y) =>
      wasm.batchNormRelu(rows, cols, at(x), at(mean), at(inverseDeviation), at(gamma), at(beta), at(normalized), at(y)),
    batchNormReluDots: (rows, cols, dy, normalized, gamma, beta, sumDy, sumDyNormalized) =>
      wasm.batchNormReluDots(rows, cols, at(dy), at(normalized), at(gamma), at(beta), at(sumDy), at(sumDyNormalized)),
    batchNormReluBackward: (
      rows,
      cols,
      dy,
      normalized,
      gamma,
      beta,
      inverseDeviation,
      sumDy,
      sumDyNormalized,
      count,
      dx,
    ) =>
      wasm.batchNormReluBackward(
        rows,
        cols,
        at(dy),
        at(normalized),
        at(gamma),
        at(beta),
        at(inverseDeviation),
        at(sumDy),
        at(sumDyNormalized),
        count,
        at(dx),
      ),

    dropoutMask: (rows, cols, keepProb, keyLow, keyHigh, firstRow, counter2, counter3, mask) =>
      wasm.dropoutMask(rows, cols, keepProb, keyLow, keyHigh, firstRow, counter2, counter3, at(mask)),

    softmaxCrossEntropy: (rows, classes, logits, labels, loss, gradient) =>
      wasm.softmaxCrossEntropy(rows, classes, at(logits), at(labels), at(loss), optional(gradient)),
    sigmoidCrossEntropy: (rows, cols, logits, targets, loss, gradient) =>
      wasm.sigmoidCrossEntropy(rows, cols, at(logits), at(targets), at(loss), optional(gradient)),
    squaredError: (rows, cols, x, targets, loss, gradient) =>
      wasm.squaredError(rows, cols, at(x), at(targets), at(loss), optional(gradient)),
    argmax: (rows, cols, x, out) => wasm.argmax(rows, cols, at(x), at(out)),

    sum: (n, x) => wasm.sum(n, at(x)),
    sumSquares: (n, x) => wasm.sumSquares(n, at(x)),
    sumAbs: (n, x) => wasm.sumAbs(n, at(x)),
    gradientSumSquares: (n, weights, gradient, scale, l2, l1) =>
      wasm.gradientSumSquares(n, at(weights), at(gradient), scale, l2, l1),

    gradientDescent: (n, weights, gradient, newWeights, scale, l2, l1, rate) =>
      wasm.gradientDescent(n, at(weights), at(gradient), at(newWeights), scale, l2, l1, rate),
    momentum: (n, weights, gradient, velocity, newWeights, newVelocity, scale, l2, l1, rate, beta) =>
      wasm.momentum(
        n,
        at(weights),
        at(gradient),
        at(velocity),
        at(newWeights),
        at(newVelocity),
        scale,
        l2,
        l1,
        rate,
        beta,
      ),
    rmsprop: (n, weights, gradient, square, newWeights, newSquare, scale, l2, l1, rate, beta, epsilon) =>
      wasm.rmsprop(
        n,
        at(weights),
        at(gradient),
        at(square),
        at(newWeights),
        at(newSquare),
        scale,
        l2,
        l1,
        rate,
        beta,
        epsilon,
      ),
    adam: (
      n,
      weights,
      gradient,
      velocity,
      square,
      newWeights,
      newVelocity,
      newSquare,
      scale,
      l2,
      l1,
      rate,
      beta1,
      beta2,
      epsilon,
      correction1,
      correction2,
    ) =>
      wasm.adam(
        n,
        at(weights),
        at(gradient),
        at(velocity),
        at(square),
        at(newWeights),
        at(newVelocity),
        at(newSquare),
        scale,
        l2,
        l1,
        rate,
        beta1,
        beta2,
        epsilon,
        correction1,
        correction2,
      ),

    ...wasmWireFormats(wasm),

    standardizeBytes: (rows, cols, bytes, mean, inverseDeviation, y) =>
      wasm.standardizeBytes(rows, cols, bytes, at(mean), at(inverseDeviation), at(y)),
    standardize: (rows, cols, x, mean, inverseDeviation, y) =>
      wasm.standardize(rows, cols, at(x), at(mean), at(inverseDeviation), at(y)),
  };
  return { kernels, wasm };
}
