import { describe, expect, it } from 'vitest';
import { LockstepError } from '../../src/common/errors.js';
import type { LossName } from '../../src/job/job.js';
import { buildModel, checkOutputs, initializeModel, type Model } from '../../src/nn/model.js';
import { batchNorm, dense, modelSpec } from '../support/model-spec.js';

const HE = { type: 'he', scale: 1 } as const;

const example = (): Model =>
  buildModel(modelSpec(dense(5, false, HE), batchNorm(), { type: 'relu' }, dense(3)), [2, 2]);

describe('the model vector', () => {
  it('names tensors by layer, parameters before statistics', () => {
    expect(example().tensors.map(({ name, shape }) => `${name} ${shape.join('×')}`)).toEqual([
      '0.dense.weight 5×4',
      '1.batchNorm.gamma 5',
      '1.batchNorm.beta 5',
      '1.batchNorm.running_mean 5',
      '1.batchNorm.running_var 5',
      '3.dense.weight 3×5',
      '3.dense.bias 3',
    ]);
  });

  it('holds all parameters first, then the statistics, each from the start of a cache line', () => {
    const model = example();
    const parameters = model.tensors.filter((tensor) => tensor.parameter !== null);
    const statistics = model.tensors.filter((tensor) => tensor.parameter === null);
    expect(parameters.map(({ offset }) => offset)).toEqual([0, 32, 48, 64, 80]);
    expect(model.parameterElements).toBe(96);
    expect(statistics.map(({ offset }) => offset)).toEqual([96, 112]);
    expect(model.vectorElements).toBe(128);
    expect(model.parameterCount).toBe(20 + 5 + 5 + 15 + 3);
  });

  it('is initialised tensor by tensor, with zeros in the gaps', () => {
    const model = example();
    const vector = new Float32Array(model.vectorElements).fill(NaN);
    initializeModel(model, 1, vector);
    const gaps = new Set(vector.keys());
    for (const { name, offset, size } of model.tensors) {
      const values = [...vector.subarray(offset, offset + size)];
      const constant = { gamma: 1, beta: 0, bias: 0, running_mean: 0, running_var: 1 }[name.split('.')[2] ?? ''];
      if (constant === undefined) expect(new Set(values).size, name).toBe(size);
      else expect(values, name).toEqual(values.map(() => constant));
      for (let i = offset; i < offset + size; i += 1) gaps.delete(i);
    }
    expect(gaps.size).toBe(model.vectorElements - model.parameterCount - 10);
    for (const gap of gaps) expect(vector[gap]).toBe(0);
  });

  it('does not depend on what was built before, or how often', () => {
    const vectorOf = (model: Model): Float32Array => {
      const vector = new Float32Array(model.vectorElements);
      initializeModel(model, 7, vector);
      return vector;
    };
    const [one, other] = [example(), buildModel(modelSpec(dense(9), dense(9)), [3])];
    const before = vectorOf(one);
    vectorOf(other);
    expect(vectorOf(example())).toEqual(before);
    expect(vectorOf(one)).toEqual(before);
  });

  it('gives layers of the same shape different weights', () => {
    const model = buildModel(modelSpec(dense(4, false), dense(4, false)), [4]);
    const vector = new Float32Array(model.vectorElements);
    initializeModel(model, 1, vector);
    expect(vector.subarray(0, 16)).not.toEqual(vector.subarray(16, 32));
  });

  it('keeps the values that seed 1 has always given', () => {
    const model = buildModel(modelSpec(dense(2, true, HE), batchNorm(), dense(2)), [3]);
    const vector = new Float32Array(model.vectorElements);
    initializeModel(model, 1, vector);
    const firstOf = (name: string): number[] => {
      const offset = model.tensors.find((tensor) => tensor.name === name)?.offset ?? NaN;
      return [...vector.subarray(offset, offset + 4)];
    };
    // Also computed apart from this program, with Philox4x32-10 and the inverse normal distribution of Python's standard library.
    expect(firstOf('0.dense.weight')).toEqual([
      0.27544981241226196, 0.7871308922767639, 1.0939767360687256, 0.05633905902504921,
    ]);
    expect(firstOf('2.dense.weight')).toEqual([
      -0.6026078462600708, -0.6279850602149963, 0.81218421459198, -0.8762653470039368,
    ]);
  });
});

describe('building', () => {
  it('follows the names of inputs', () => {
    const spec = modelSpec(
      { ...dense(4), name: 'a' },
      { ...dense(3), name: 'b' },
      { type: 'relu', inputs: ['a'] },
      { type: 'tanh', inputs: ['input'] },
    );
    const model = buildModel(spec, [7]);
    expect(model.nodes.map(({ inputs, layer }) => [inputs, layer.outputShape])).toEqual([
      [[-1], [4]],
      [[0], [3]],
      [[0], [4]],
      [[-1], [7]],
    ]);
  });

  it('refuses an input that is not there yet', () => {
    const spec = modelSpec(dense(4), { type: 'relu', inputs: ['dense2'] }, dense(3));
    expect(() => buildModel(spec, [7])).toThrow('layer relu1: no earlier layer is called dense2');
  });

  it('refuses a model without layers', () => {
    expect(() => buildModel({ layers: [] }, [7])).toThrow('a model needs at least one layer');
  });

  it('refuses a dense layer whose bias would not fit a tile', () => {
    expect(() => buildModel(modelSpec(dense(200_000)), [1])).toThrow('too wide');
  });
});

describe('outputs and loss', () => {
  const withOutputs = (units: number): Model => buildModel(modelSpec(dense(units)), [3]);
  const problem = (units: number, loss: LossName, classes: number | null): string => {
    try {
      checkOutputs(withOutputs(units), loss, classes);
    } catch (error) {
      expect(LockstepError.from(error).code).toBe('job');
      return LockstepError.from(error).message;
    }
    return 'fits';
  };

  it.each([
    [10, 'softmaxCrossEntropy', 10, 'fits'],
    [10, 'softmaxCrossEntropy', 9, 'model.layers: the last layer gives 10 outputs, but the data has 9 classes'],
    [10, 'softmaxCrossEntropy', null, 'training.loss: softmaxCrossEntropy needs data.task: classification'],
    [1, 'binaryCrossEntropy', 2, 'fits'],
    [
      2,
      'binaryCrossEntropy',
      2,
      'model.layers: the last layer gives 2 outputs, but binaryCrossEntropy takes exactly 1',
    ],
    [1, 'binaryCrossEntropy', 3, 'training.loss: binaryCrossEntropy needs two classes, and the data has 3 classes'],
    [1, 'binaryCrossEntropy', null, 'training.loss: binaryCrossEntropy needs two classes, and the data has no classes'],
    [1, 'meanSquaredError', null, 'fits'],
    [
      2,
      'meanSquaredError',
      null,
      'model.layers: the last layer gives 2 outputs, but meanSquaredError approximates exactly 1 number',
    ],
  ] as const)('%i outputs, %s, %s classes: %s', (units, loss, classes, expected) => {
    expect(problem(units, loss, classes)).toBe(expected);
  });
});
