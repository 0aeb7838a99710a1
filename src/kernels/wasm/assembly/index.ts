/** What the module exports: the kernels of the contract (src/kernels/kernels.ts) and of the workbench, with addresses in bytes. */
export { setScratch } from './scratch';
export { gemm, DEPTH } from './gemm';
export { gemmTree, TREE_ROWS } from './gemm-tree';
export { packRows } from './pack';
export { sumNodes } from './tree';
export { add, addBias, addBiasRelu, addRect, copy, fill, multiply, scale } from './elementwise';
export {
  exponential, leakyRelu, leakyReluBackward, logarithm, relu, reluBackward, sigmoid, sigmoidBackward, tanh,
  tanhBackward,
} from './activations';
export { softmax, softmaxBackward, softmaxCrossEntropy } from './softmax';
export { argmax, sigmoidCrossEntropy, squaredError } from './losses';
export { batchNormReluDots, columnDots, columnMoments, columnSums } from './columns';
export { batchNorm, batchNormBackward, batchNormRelu, batchNormReluBackward } from './batch-norm';
export { dropoutMask } from './dropout';
export { philoxWords } from './philox';
export { byteMoments } from './bytes';
export { drawNormal, normal } from './normal';
export { gradientSumSquares, sum, sumAbs, sumSquares } from './reductions';
export { adam, gradientDescent, momentum, rmsprop } from './optimizers';
export { standardize, standardizeBytes } from './input';
export {
  addRoundedBfloat16, addRoundedFloat16, decodeBfloat16, decodeFloat16, encodeBfloat16, encodeFloat16, roundToBfloat16,
  roundToFloat16,
} from './wire-formats';
