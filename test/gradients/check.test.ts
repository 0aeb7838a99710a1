import { describe, expect, it } from 'vitest';
import { checkGradients, type GradientReport } from '../../src/gradients/check.js';
import type { KernelFactory } from '../../src/kernels/kernels.js';
import { createReferenceKernels } from '../../src/kernels/reference/reference-kernels.js';
import { createWasmKernels } from '../../src/kernels/wasm/wasm-kernels.js';
import type { GradientOperation, Layer, LayerProgram } from '../../src/nn/layer.js';
import { buildModel, type Model } from '../../src/nn/model.js';
import { batchNorm, dense, modelSpec, type BareLayer } from '../support/model-spec.js';
import { normalValues, wholeValues } from '../support/random-values.js';

const SAMPLES = 12;
const FEATURES = 6;
const batch = { inputs: normalValues(SAMPLES * FEATURES, 31), targets: wholeValues(SAMPLES, 3, 32) };
const HE = { type: 'he', scale: 1 } as const;

const layers: readonly BareLayer[] = [
  dense(20, false, HE),
  batchNorm(),
  { type: 'relu' },
  { type: 'dropout', keepProb: 0.8 },
  dense(8, true, HE),
  { type: 'leakyRelu', slope: 0.1 },
  dense(3),
];

function check(model: Model, kernels?: KernelFactory): GradientReport {
  return checkGradients({
    model,
    loss: 'softmaxCrossEntropy',
    regularization: { l2: 0.1, l1: 0.05 },
    seed: 1,
    batch,
    shards: 3,
    ...(kernels === undefined ? {} : { kernels }),
  });
}

const namesOf = ({ tensors }: GradientReport, verdict: string): readonly string[] =>
  tensors.filter((tensor) => tensor.verdict === verdict).map(({ name }) => name);

/** The same model with what one layer's program does changed. */
function withLayer(
  model: Model,
  index: number,
  change: (program: LayerProgram, kernelsOf: Parameters<Layer['compile']>[0]) => LayerProgram,
): Model {
  const nodes = model.nodes.map((node) => {
    if (node.index !== index) return node;
    const { layer } = node;
    const double: Layer = Object.create(layer, {
      compile: { value: (binding: Parameters<Layer['compile']>[0]) => change(layer.compile(binding), binding) },
    }) as Layer;
    return { ...node, layer: double };
  });
  return { ...model, nodes };
}

describe('a gradient check', () => {
  const model = buildModel(modelSpec(...layers), [FEATURES]);

  it('finds nothing wrong with a right model, in float64 and with the kernels of a backend', () => {
    const report = check(model, createWasmKernels);
    expect(report.verdict).toBe('right');
    for (const { name, error, single, elements, size, directions, leftOut } of report.tensors) {
      expect(error, name).toBeLessThan(1e-6);
      expect(single?.error, name).toBeLessThan(1e-5);
      expect(elements + leftOut, name).toBeGreaterThanOrEqual(Math.min(size, 8));
      if (size > 8) expect(directions + leftOut, name).toBeGreaterThan(0);
    }
    expect(report.tensors.map(({ name }) => name)).toEqual(
      model.tensors.filter(({ parameter }) => parameter !== null).map(({ name }) => name),
    );
  });

  it('names a layer whose parameter gradient is wrong, and no other', () => {
    for (const [index, tensor, factor] of [
      [0, '0.dense.weight', 1.01],
      [1, '1.batchNorm.beta', 0],
      [4, '4.dense.bias', -1],
    ] as const) {
      const wrong = withLayer(model, index, (program, { kernels }) => ({
        ...program,
        gradients: program.gradients.map((operation): GradientOperation => {
          const spec = model.tensors.find(({ name }) => name === tensor);
          const { start, end } = operation.writes;
          if (spec === undefined || start < spec.offset || start >= spec.offset + spec.size) return operation;
          return {
            ...operation,
            run(pass, task) {
              operation.run(pass, task);
              // Once, after the last of the tasks, which are run from the last to the first.
              if (task === 0) kernels.scale(end - start, factor, pass.gradients + start);
            },
          };
        }),
      }));
      const report = check(wrong);
      expect(namesOf(report, 'wrong')).toEqual([tensor]);
      expect(report.verdict).toBe('wrong');
    }
  });

  it('finds a single element among many whose gradient is missing', () => {
    const wide = buildModel(modelSpec(dense(50, false, HE), { type: 'tanh' }, dense(3)), [FEATURES]);
    const wrong = withLayer(wide, 0, (program, { kernels }) => ({
      ...program,
      gradients: program.gradients.map((operation) => ({
        ...operation,
        run(pass, task) {
          operation.run(pass, task);
          if (task === 0) kernels.arena.floats[pass.gradients + operation.writes.start + 77] = 0;
        },
      })),
    }));
    expect(namesOf(check(wrong), 'right')).not.toContain('0.dense.weight');
  });

  it('traces a layer that hands on a wrong gradient to the layers before it', () => {
    const wrong = withLayer(model, 5, (program, { kernels, inputGradients }) => ({
      ...program,
      backward: [
        ...program.backward,
        {
          kind: 'rows',
          run(pass, first, end) {
            for (const shard of pass.shards.slice(first, end)) {
              kernels.scale(shard.rows * 8, 1.1, (inputGradients[0] ?? 0) + shard.start * 8);
            }
          },
        },
      ],
    }));
    expect(namesOf(check(wrong), 'right')).toEqual(['6.dense.weight', '6.dense.bias']);
  });

  it('names what the kernels of a backend get wrong', () => {
    const wrong: KernelFactory = (arena, scratch) => {
      const kernels = createReferenceKernels(arena, scratch);
      return {
        ...kernels,
        leakyReluBackward: (n, slope, y, dy, dx) => kernels.leakyReluBackward(n, 2 * slope, y, dy, dx),
      };
    };
    const report = check(model, wrong);
    expect(namesOf(report, 'right')).toHaveLength(report.tensors.length);
    const verdicts = new Map(report.tensors.map(({ name, single }) => [name, single?.verdict]));
    expect(verdicts.get('4.dense.weight')).toBe('wrong');
    expect(verdicts.get('6.dense.weight')).toBe('right');
    expect(report.verdict).toBe('wrong');
  });

  it('sees a penalty that is left out of the gradient', () => {
    const forgetful: KernelFactory = (arena, scratch) => {
      const kernels = createReferenceKernels(arena, scratch);
      return {
        ...kernels,
        gradientDescent: (n, w, g, to, scale, _l2, _l1, rate) =>
          kernels.gradientDescent(n, w, g, to, scale, 0, 0, rate),
      };
    };
    const report = check(model, forgetful);
    const wrong = report.tensors.filter(({ single }) => single?.verdict === 'wrong').map(({ name }) => name);
    expect(wrong).toEqual(['0.dense.weight', '4.dense.weight', '6.dense.weight']);
  });

  it('leaves out what lies on a kink, and says how much', () => {
    // All weights 0: every ReLU stands exactly at its kink for its own bias and weights.
    const zeros = { type: 'zeros', scale: 1 } as const;
    const flat = buildModel(modelSpec(dense(4, true, zeros), { type: 'relu' }, dense(3)), [FEATURES]);
    const report = check(flat);
    const [weight, bias] = report.tensors;
    expect(weight).toMatchObject({ name: '0.dense.weight', verdict: 'unseen', elements: 0 });
    expect(weight?.leftOut).toBeGreaterThanOrEqual(8);
    expect(bias).toMatchObject({ name: '0.dense.bias', verdict: 'unseen', elements: 0, leftOut: 4 });
    expect(report.verdict).toBe('right');
  });

  it('takes the rounding of zero for zero: a bias in front of batch norm has no gradient', () => {
    const useless = buildModel(modelSpec(dense(10, true), batchNorm(), { type: 'tanh' }, dense(3)), [FEATURES]);
    const report = check(useless, createWasmKernels);
    expect(report.tensors.find(({ name }) => name === '0.dense.bias')).toMatchObject({ error: 0, verdict: 'right' });
    expect(report.verdict).toBe('right');
  });
});
