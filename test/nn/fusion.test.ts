import { describe, expect, it } from 'vitest';
import type { LossName } from '../../src/job/job.js';
import type { KernelFactory } from '../../src/kernels/kernels.js';
import { createReferenceKernels } from '../../src/kernels/reference/reference-kernels.js';
import { createWasmKernels } from '../../src/kernels/wasm/wasm-kernels.js';
import { absorbedRelus } from '../../src/nn/fusion.js';
import { buildModel, type Model } from '../../src/nn/model.js';
import { gradientErrors } from '../support/gradient-errors.js';
import { withProduct } from '../support/merging-layers.js';
import { batchNorm, dense, modelSpec, type BareLayer } from '../support/model-spec.js';
import { PassRig } from '../../src/gradients/pass-rig.js';
import { normalValues, wholeValues } from '../support/random-values.js';
import { simulateStep } from '../../src/gradients/simulated-step.js';

const FEATURES = 6;
const SAMPLES = 23;
const SHARDS = 4;

const relu: BareLayer = { type: 'relu' };
/** y = x: keeps what stands before it from being fused with what stands behind it, and changes no bit. */
const linear: BareLayer = { type: 'linear' };

const chains: Readonly<Record<string, { readonly layers: readonly BareLayer[]; readonly loss?: LossName }>> = {
  'batch norm over the batch': { layers: [dense(13), batchNorm(), relu, dense(3)] },
  'batch norm over shards': { layers: [dense(13), batchNorm('shard'), relu, dense(3)] },
  'batch norm first, whose gradient nobody asks for': { layers: [batchNorm(), relu, dense(3)] },
  'dense with and without bias': { layers: [dense(13), relu, dense(9, false), relu, dense(3)] },
  'dense last': { layers: [dense(5), { type: 'tanh' }, dense(1), relu], loss: 'meanSquaredError' },
};

const batch = {
  inputs: normalValues(SAMPLES * FEATURES, 21),
  targets: wholeValues(SAMPLES, 3, 22),
};

/** A rig that counts the calls of every kernel. */
function rigOf(model: Model, factory: KernelFactory, loss: LossName = 'softmaxCrossEntropy') {
  const calls = new Set<string>();
  const spying: KernelFactory = (arena, scratch) =>
    new Proxy(factory(arena, scratch), {
      get(kernels, name) {
        calls.add(String(name));
        return Reflect.get(kernels, name) as unknown;
      },
    });
  const rig = new PassRig({ model, loss, factory: spying, maxRows: SAMPLES, maxShards: SHARDS, threads: 2 });
  rig.weights.set(normalValues(model.parameterElements, 23));
  return { rig, calls };
}

function run(model: Model, factory: KernelFactory, loss?: LossName) {
  const { rig, calls } = rigOf(model, factory, loss);
  const outcome = simulateStep([{ rig, range: { first: 0, end: SHARDS } }], batch, { totalShards: SHARDS });
  return { outcome, inferred: rig.infer(batch, SHARDS), calls };
}

describe('a layer with the ReLU behind it', () => {
  for (const [name, { layers, loss }] of Object.entries(chains)) {
    for (const [backend, factory] of Object.entries({ wasm: createWasmKernels, reference: createReferenceKernels })) {
      it(`has the bits of both apart: ${name}, ${backend}`, () => {
        const together = run(buildModel(modelSpec(...layers), [FEATURES]), factory, loss);
        const apartLayers = layers.flatMap((layer) => (layer.type === 'relu' ? [linear, layer] : [layer]));
        const apart = run(buildModel(modelSpec(...apartLayers), [FEATURES]), factory, loss);

        expect(together.outcome.gradient).toEqual(apart.outcome.gradient);
        expect(together.outcome.loss).toBe(apart.outcome.loss);
        expect(together.outcome.exchanges.map(({ values }) => values)).toEqual(
          apart.outcome.exchanges.map(({ values }) => values),
        );
        expect(together.inferred).toEqual(apart.inferred);
        // Zeros alone would agree, too.
        expect(together.outcome.gradient.filter((g) => g !== 0).length).toBeGreaterThan(10);
        expect(apart.calls).toContain('relu');
        const fused = name.startsWith('batch norm') ? 'batchNormReluBackward' : 'addBiasRelu';
        if (!name.includes('nobody')) expect(together.calls).toContain(fused);
      });
    }
  }

  it('is left apart where something else takes the output, too', () => {
    const spec = modelSpec(
      { ...dense(FEATURES), name: 'trunk' },
      { ...relu, inputs: ['trunk'], name: 'left' },
      linear,
      dense(3),
    );
    // The product takes the trunk itself and its ReLU.
    const model = withProduct(buildModel(spec, [FEATURES]), 2, [0, 1]);
    expect(absorbedRelus(model)).toEqual(new Map());
    const weights = normalValues(model.parameterElements, 24);
    const errors = gradientErrors({ model, loss: 'softmaxCrossEntropy', batch, shards: SHARDS, weights });
    for (const [tensor, error] of Object.entries(errors)) {
      expect(error, tensor).toBeLessThan(1e-6);
    }
  });

  it('is fused where several layers take the output of the ReLU', () => {
    const spec = modelSpec(
      dense(FEATURES),
      { ...relu, name: 'top' },
      { ...dense(FEATURES), inputs: ['top'] },
      linear,
      dense(3),
    );
    const model = withProduct(buildModel(spec, [FEATURES]), 3, [1, 2]);
    expect(absorbedRelus(model)).toEqual(new Map([[1, 0]]));
    const apart = withProduct(
      buildModel(
        modelSpec(
          dense(FEATURES),
          linear,
          { ...relu, name: 'top' },
          { ...dense(FEATURES), inputs: ['top'] },
          linear,
          dense(3),
        ),
        [FEATURES],
      ),
      4,
      [2, 3],
    );
    expect(run(model, createWasmKernels).outcome.gradient).toEqual(run(apart, createWasmKernels).outcome.gradient);
  });

  it('is not fused with the data, nor with a layer that cannot apply it', () => {
    const spec = modelSpec(relu, dense(4), { type: 'tanh' }, relu, { type: 'dropout', keepProb: 0.5 }, relu, dense(3));
    expect(absorbedRelus(buildModel(spec, [FEATURES]))).toEqual(new Map());
  });
});
