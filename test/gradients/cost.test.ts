/** The cost and its gradient against formulas that are written down here once more, without layers and kernels. */
import { describe, expect, it } from 'vitest';
import { Cost } from '../../src/gradients/cost.js';
import { relativeError } from '../../src/gradients/differences.js';
import { createReferenceKernels } from '../../src/kernels/reference/reference-kernels.js';
import { createWasmKernels } from '../../src/kernels/wasm/wasm-kernels.js';
import { buildModel } from '../../src/nn/model.js';
import { dense, modelSpec } from '../support/model-spec.js';
import { normalValues, wholeValues } from '../support/random-values.js';

const SAMPLES = 9;
const FEATURES = 5;
const [L2, L1] = [0.7, 0.3];
const inputs = normalValues(SAMPLES * FEATURES, 1).map(Math.fround);
const weights = normalValues(FEATURES + 1, 3).map(Math.fround);
const w = weights.subarray(0, FEATURES);
const bias = weights[FEATURES] ?? NaN;
const model = buildModel(modelSpec(dense(1)), [FEATURES]);

const logit = (sample: number): number =>
  w.reduce((sum, wj, j) => sum + wj * (inputs[sample * FEATURES + j] ?? 0), bias);
const samples = Array.from({ length: SAMPLES }, (_, sample) => sample);

/** J and ∂J/∂(w, b), from the loss of a sample and its derivative by the output. */
function byHand(loss: (z: number, sample: number) => number, slope: (z: number, sample: number) => number) {
  const squares = w.reduce((sum, wj) => sum + wj * wj, 0);
  const magnitudes = w.reduce((sum, wj) => sum + Math.abs(wj), 0);
  const value =
    samples.reduce((sum, sample) => sum + loss(logit(sample), sample), 0) / SAMPLES +
    (L2 * squares + L1 * magnitudes) / (2 * SAMPLES);
  const slopes = samples.map((sample) => slope(logit(sample), sample));
  const gradient = Array.from(w, (wj, j) => {
    const data = slopes.reduce((sum, s, sample) => sum + s * (inputs[sample * FEATURES + j] ?? 0), 0);
    return (data + L2 * wj + (L1 / 2) * Math.sign(wj)) / SAMPLES;
  });
  return { value, gradient: [...gradient, slopes.reduce((sum, s) => sum + s, 0) / SAMPLES] };
}

function costOf(
  loss: 'binaryCrossEntropy' | 'meanSquaredError',
  targets: Float64Array,
  precision: 'float32' | 'float64',
) {
  const options = { model, loss, regularization: { l2: L2, l1: L1 }, seed: 1, batch: { inputs, targets }, shards: 3 };
  const cost = new Cost(options, precision === 'float64' ? createReferenceKernels : createWasmKernels, precision);
  const places = model.tensors.flatMap(({ offset, size }) => Array.from({ length: size }, (_, i) => offset + i));
  places.forEach((place, i) => (cost.weights[place] = weights[i] ?? NaN));
  const gradient = cost.gradient();
  return { value: cost.value(), gradient: places.map((place) => gradient[place] ?? NaN), weights: cost.weights };
}

const classes = wholeValues(SAMPLES, 2, 4);
const numbers = normalValues(SAMPLES, 5).map(Math.fround);
const sigmoid = (z: number): number => 1 / (1 + Math.exp(-z));

describe.each([
  [
    'logistic regression',
    'binaryCrossEntropy' as const,
    classes,
    byHand(
      (z, i) => -(classes[i] === 1 ? Math.log(sigmoid(z)) : Math.log(1 - sigmoid(z))),
      (z, i) => sigmoid(z) - (classes[i] ?? NaN),
    ),
  ],
  [
    'linear regression',
    'meanSquaredError' as const,
    numbers,
    byHand(
      (z, i) => (z - (numbers[i] ?? NaN)) ** 2,
      (z, i) => 2 * (z - (numbers[i] ?? NaN)),
    ),
  ],
])('the cost of %s with penalties', (_name, loss, targets, wanted) => {
  it('in float64', () => {
    const found = costOf(loss, targets, 'float64');
    expect(found.value).toBeCloseTo(wanted.value, 13);
    expect(relativeError(found.gradient, wanted.gradient)).toBeLessThan(1e-13);
  });

  it('in float32', () => {
    const found = costOf(loss, targets, 'float32');
    expect(found.value).toBeCloseTo(wanted.value, 5);
    const error = relativeError(found.gradient, wanted.gradient);
    expect(error).toBeLessThan(1e-6);
    expect(error).toBeGreaterThan(0);
  });
});
