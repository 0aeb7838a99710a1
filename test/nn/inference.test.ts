import { describe, expect, it } from 'vitest';
import { ModelState } from '../../coordinator/model-state.js';
import { createReferenceKernels } from '../../src/kernels/reference/reference-kernels.js';
import { createWasmKernels } from '../../src/kernels/wasm/wasm-kernels.js';
import { buildModel } from '../../src/nn/model.js';
import { batchNorm, dense, modelSpec } from '../support/model-spec.js';
import { updateAtOnce } from '../support/one-shot-update.js';
import { PassRig, type Batch } from '../../src/gradients/pass-rig.js';
import { normalValues, wholeValues } from '../support/random-values.js';
import { simulateStep } from '../../src/gradients/simulated-step.js';
import { TextbookNetwork, type Matrix, type Tensors } from '../support/textbook-network.js';
import { tinyJob } from '../support/tiny-job.js';

const FEATURES = 5;
const SAMPLES = 17;
const SHARDS = 4;

const spec = modelSpec(
  dense(6, false),
  batchNorm('global', 0.8),
  { type: 'relu' },
  dense(5),
  batchNorm('shard', 0.7),
  { type: 'leakyRelu', slope: 0.2 },
  dense(4),
  { type: 'sigmoid' },
  { type: 'linear' },
  { type: 'tanh' },
  { type: 'flatten' },
  dense(3),
);
const model = buildModel(spec, [FEATURES]);

function rows(values: ArrayLike<number>, width: number): Matrix {
  return Array.from({ length: values.length / width }, (_, row) => {
    return Array.from({ length: width }, (_unused, j) => values[row * width + j] ?? NaN);
  });
}

function batch(seed: number): Batch {
  return { inputs: normalValues(SAMPLES * FEATURES, seed), targets: wholeValues(SAMPLES, 3, seed) };
}

function tensorsOf(vector: ArrayLike<number>): Tensors {
  return new Map(
    model.tensors.map(({ name, offset, size }) => [
      name,
      Array.from({ length: size }, (_, i) => vector[offset + i] ?? NaN),
    ]),
  );
}

function exactRig(): PassRig {
  const rig = new PassRig({
    model,
    loss: 'softmaxCrossEntropy',
    factory: createReferenceKernels,
    precision: 'float64',
    maxRows: SAMPLES,
    maxShards: SHARDS,
  });
  normalValues(model.vectorElements, 31).forEach((value, i) => (rig.weights[i] = value));
  for (const { name, offset, size } of model.tensors) {
    if (name.endsWith('running_var'))
      rig.weights.subarray(offset, offset + size).forEach((v, i, to) => (to[i] = 0.2 + v * v));
  }
  return rig;
}

describe('inference', () => {
  it('normalises with the running statistics, whatever is in the batch', () => {
    const rig = exactRig();
    const data = batch(32);
    const network = new TextbookNetwork(spec.layers, 'softmaxCrossEntropy', tensorsOf(rig.weights));
    const { outputs, shards } = rig.infer(data, SHARDS);
    const wanted = network.infer(rows(data.inputs, FEATURES));
    rows(outputs, 3).forEach((row, i) => row.forEach((y, j) => expect(y).toBeCloseTo(wanted[i]?.[j] ?? NaN, 10)));
    const loss = shards.reduce((sum, shard) => sum + shard.loss, 0) / SAMPLES;
    expect(loss).toBeCloseTo(network.evaluate(rows(data.inputs, FEATURES), Array.from(data.targets)), 10);
  });

  it('counts the samples whose largest output is their class', () => {
    const rig = exactRig();
    const data = batch(33);
    const { outputs, shards } = rig.infer(data, SHARDS);
    const right = rows(outputs, 3).filter((row, i) => row.indexOf(Math.max(...row)) === data.targets[i]).length;
    expect(right).toBeGreaterThan(0);
    expect(shards.reduce((sum, shard) => sum + shard.correct, 0)).toBe(right);
  });

  it('takes class 1 where the logit of binary cross-entropy is positive', () => {
    const binary = buildModel(modelSpec({ type: 'linear' }), [1]);
    const rig = new PassRig({
      model: binary,
      loss: 'binaryCrossEntropy',
      factory: createWasmKernels,
      maxRows: 4,
      maxShards: 1,
    });
    const { shards } = rig.infer({ inputs: [2, -1, 0.5, -3], targets: [1, 0, 0, 1] }, 1);
    expect(shards).toMatchObject([{ correct: 2 }]);
  });

  it('does not drop anything, and does not divide what is kept', () => {
    const dropping = buildModel(modelSpec({ type: 'dropout', keepProb: 0.5 }, { type: 'linear' }), [2]);
    const rig = new PassRig({
      model: dropping,
      loss: 'softmaxCrossEntropy',
      factory: createWasmKernels,
      maxRows: 3,
      maxShards: 2,
    });
    const inputs = [0.5, -1, 2, 3.25, -0.125, 8];
    expect([...rig.infer({ inputs, targets: [0, 1, 0] }, 2).outputs]).toEqual(inputs);
  });
});

describe('running statistics', () => {
  it('follow the moments of the whole batch, with the unbiased variance, for both kinds of batch norm', () => {
    const rig = new PassRig({
      model,
      loss: 'softmaxCrossEntropy',
      factory: createWasmKernels,
      maxRows: SAMPLES,
      maxShards: SHARDS,
    });
    const state = new ModelState(tinyJob(spec, { shards: SHARDS }), model, 'wasm');
    rig.weights.set(state.committed);
    const network = new TextbookNetwork(spec.layers, 'softmaxCrossEntropy', tensorsOf(rig.weights));
    const data = batch(34);
    network.train(rows(data.inputs, FEATURES), Array.from(data.targets));
    const outcome = simulateStep([{ rig, range: { first: 0, end: SHARDS } }], data, { totalShards: SHARDS });
    const moments = outcome.exchanges.map(
      ({ exchange, values, count }) => [exchange, { values: Float32Array.from(values), count }] as const,
    );
    updateAtOnce(state, model, { batchCount: SAMPLES, gradient: state.gradientBlocks[0] ?? 0, moments });
    const after = tensorsOf(state.committed);
    // Nothing in front of layer 4 is normalised per shard, so that its input is the textbook's too.
    for (const name of [
      '1.batchNorm.running_mean',
      '1.batchNorm.running_var',
      '4.batchNorm.running_mean',
      '4.batchNorm.running_var',
    ]) {
      const wanted = network.tensors.get(name) ?? [];
      expect(wanted.length).toBeGreaterThan(0);
      wanted.forEach((value, j) => expect(after.get(name)?.[j], `${name}[${j}]`).toBeCloseTo(value, 5));
    }
  });
});
