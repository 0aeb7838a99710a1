import { describe, expect, it } from 'vitest';
import { ModelState } from '../../coordinator/model-state.js';
import type { Job } from '../../src/job/job.js';
import { createReferenceKernels } from '../../src/kernels/reference/reference-kernels.js';
import { createWasmKernels } from '../../src/kernels/wasm/wasm-kernels.js';
import { buildModel, type TensorSpec } from '../../src/nn/model.js';
import { derivative, relativeError } from '../../src/gradients/differences.js';
import { batchNorm, dense, modelSpec } from '../support/model-spec.js';
import { updateAtOnce } from '../support/one-shot-update.js';
import { PassRig, type Floats } from '../../src/gradients/pass-rig.js';
import { normalValues, wholeValues } from '../support/random-values.js';
import { simulateStep } from '../../src/gradients/simulated-step.js';
import { tinyJob } from '../support/tiny-job.js';

const SAMPLES = 10;
const SHARDS = 3;
const FEATURES = 4;
const layers = modelSpec(dense(3), { type: 'tanh' }, dense(4, false), batchNorm(), { type: 'tanh' }, dense(2));
const model = buildModel(layers, [FEATURES]);
const batch = { inputs: normalValues(SAMPLES * FEATURES, 7), targets: wholeValues(SAMPLES, 2, 8) };
const parameters = model.tensors.filter((tensor) => tensor.parameter !== null);
const whole = { first: 0, end: SHARDS };

const isWeight = ({ name }: TensorSpec): boolean => name.endsWith('.weight');
const valuesOf = (vector: Floats, { offset, size }: TensorSpec): Floats => vector.subarray(offset, offset + size);

/** λ₂/(2m)·‖W‖² + λ₁/(2m)·‖W‖₁ over the weights of all dense layers. */
function penaltyOf(vector: Floats, l2: number, l1: number): number {
  const weights = parameters.filter(isWeight).flatMap((tensor) => [...valuesOf(vector, tensor)]);
  const squares = weights.reduce((sum, w) => sum + w * w, 0);
  const magnitudes = weights.reduce((sum, w) => sum + Math.abs(w), 0);
  return (l2 * squares + l1 * magnitudes) / (2 * SAMPLES);
}

/** The gradient of `cost` by central differences, one element of `point` after the other. */
function centralDifferences(point: Floats, cost: () => number): number[] {
  return Array.from(point, (value, i) => {
    const along = (t: number): number => {
      point[i] = value + t;
      return cost();
    };
    const slope = derivative(along, { origin: along(0), rounding: 1e-15 });
    point[i] = value;
    return slope?.value ?? NaN;
  });
}

function penalizedJob(regularization: { l2: number; l1: number }, clipNorm: number | null = null): Job {
  return tinyJob(layers, { regularization, clipNorm, optimizer: { type: 'gradientDescent', learningRate: 0.5 } });
}

/** A state at arbitrary weights, and the rig that computes its gradients, both in float32. */
function startState(job: Job): { state: ModelState; rig: PassRig } {
  const rig = new PassRig({
    model,
    loss: 'softmaxCrossEntropy',
    factory: createWasmKernels,
    maxRows: SAMPLES,
    maxShards: SHARDS,
  });
  const state = new ModelState(job, model, 'wasm');
  normalValues(model.parameterElements, 9).forEach((value, i) => (rig.weights[i] = value));
  const tensors = new Map(
    model.tensors.map((tensor) => [tensor.name, Float32Array.from(valuesOf(rig.weights, tensor))]),
  );
  state.restore(0, tensors, new Map());
  return { state, rig };
}

function update(state: ModelState, rig: PassRig) {
  const outcome = simulateStep([{ rig, range: whole }], batch, { totalShards: SHARDS });
  const [gradient = 0] = state.gradientBlocks;
  state.kernels.arena.floats.set(outcome.gradient, gradient);
  return { outcome, result: updateAtOnce(state, model, { batchCount: SAMPLES, gradient }) };
}

/** g/m + (λ₂/m)·w + (λ₁/(2m))·sign w, in float64. */
function expectedGradient(tensor: TensorSpec, weights: Floats, sums: Floats, l2: number, l1: number): number[] {
  const [w2, w1] = isWeight(tensor) ? [l2, l1] : [0, 0];
  const w = valuesOf(weights, tensor);
  return Array.from(valuesOf(sums, tensor), (g, i) => {
    return (g + w2 * (w[i] ?? NaN) + (w1 / 2) * Math.sign(w[i] ?? NaN)) / SAMPLES;
  });
}

describe('penalties in float64', () => {
  for (const [l2, l1] of [
    [0.7, 0],
    [0, 0.9],
    [0.7, 0.9],
  ] as const) {
    it(`the optimizer moves along the gradient of the cost, λ₂ = ${l2} and λ₁ = ${l1}`, () => {
      const rig = new PassRig({
        model,
        loss: 'softmaxCrossEntropy',
        factory: createReferenceKernels,
        precision: 'float64',
        maxRows: SAMPLES,
        maxShards: SHARDS,
        spareElements: 2 * model.parameterElements,
      });
      rig.weights.set(normalValues(model.parameterElements, 10));
      const run = () => simulateStep([{ rig, range: whole }], batch, { totalShards: SHARDS });
      const cost = (): number => run().loss / SAMPLES + penaltyOf(rig.weights, l2, l1);
      const { kernels } = rig;
      const sums = kernels.arena.allocate(model.parameterElements);
      const moved = kernels.arena.allocate(model.parameterElements);
      kernels.arena.floats.set(run().gradient, sums);
      kernels.arena.floats.set(rig.weights.subarray(0, model.parameterElements), moved);
      for (const tensor of parameters) {
        const { offset, size } = tensor;
        const numeric = centralDifferences(valuesOf(rig.weights, tensor), cost);
        const factors = isWeight(tensor) ? ([l2 / SAMPLES, l1 / (2 * SAMPLES)] as const) : ([0, 0] as const);
        const square = kernels.gradientSumSquares(size, moved + offset, sums + offset, 1 / SAMPLES, ...factors);
        kernels.gradientDescent(size, moved + offset, sums + offset, moved + offset, 1 / SAMPLES, ...factors, 1);
        const used = Float64Array.from(
          valuesOf(rig.weights, tensor),
          (w, i) => w - (kernels.arena.floats[moved + offset + i] ?? NaN),
        );
        expect(relativeError(used, numeric), tensor.name).toBeLessThan(1e-7);
        expect(square).toBeCloseTo(
          used.reduce((sum, g) => sum + g * g, 0),
          12,
        );
      }
    });
  }
});

describe('the committed update', () => {
  const [l2, l1] = [0.7, 0.9];

  it('reports the penalty and the norm of the gradient of the cost, and moves every parameter along it', () => {
    const { state, rig } = startState(penalizedJob({ l2, l1 }));
    const before = rig.weights.slice();
    const { outcome, result } = update(state, rig);
    const after = state.committed;
    expect(result.penalty / penaltyOf(before, l2, l1)).toBeCloseTo(1, 5);
    let square = 0;
    for (const tensor of parameters) {
      const gradient = expectedGradient(tensor, before, outcome.gradient, l2, l1);
      const wanted = gradient.map((g, i) => (valuesOf(before, tensor)[i] ?? NaN) - 0.5 * g);
      expect(relativeError(valuesOf(after, tensor), wanted), tensor.name).toBeLessThan(1e-7);
      square += gradient.reduce((sum, g) => sum + g * g, 0);
    }
    expect(result.gradientNorm / Math.sqrt(square)).toBeCloseTo(1, 5);
    expect(result.learningRate).toBe(0.5);
    expect(state.version).toBe(1);
  });

  it('has no penalty without λ, and none on biases, γ and β', () => {
    const { state, rig } = startState(penalizedJob({ l2: 0, l1: 0 }));
    expect(update(state, rig).result.penalty).toBe(0);
    expect(model.tensors.filter((tensor) => tensor.parameter?.penalized === true).map(({ name }) => name)).toEqual([
      '0.dense.weight',
      '2.dense.weight',
      '5.dense.weight',
    ]);
  });

  it('shortens the gradient of the whole cost, penalties included, to clipNorm', () => {
    const clipNorm = 0.05;
    const { state, rig } = startState(penalizedJob({ l2, l1 }, clipNorm));
    const before = rig.weights.slice();
    const { outcome, result } = update(state, rig);
    const after = state.committed;
    expect(result.gradientNorm).toBeGreaterThan(clipNorm);
    const direction = parameters.flatMap((tensor) => expectedGradient(tensor, before, outcome.gradient, l2, l1));
    const moved = parameters.flatMap((tensor) => {
      return Array.from(valuesOf(before, tensor), (w, i) => (w - (valuesOf(after, tensor)[i] ?? NaN)) / 0.5);
    });
    const wanted = direction.map((g) => (g * clipNorm) / result.gradientNorm);
    expect(relativeError(moved, wanted)).toBeLessThan(1e-5);
    expect(Math.hypot(...moved) / clipNorm).toBeCloseTo(1, 5);
  });
});
