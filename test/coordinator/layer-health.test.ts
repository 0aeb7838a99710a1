import { describe, expect, it } from 'vitest';
import { HealthWatch, layerHealth, sumByLayer } from '../../coordinator/layer-health.js';
import { diverged, findFault } from '../../coordinator/non-finite.js';
import { buildModel } from '../../src/nn/model.js';
import type { StepReport } from '../../src/protocol/messages.js';
import type { LayerHealth } from '../../src/state/run-record.js';
import { batchNorm, dense, modelSpec } from '../support/model-spec.js';

/** Two trained layers in front of the ReLU, and the output. Parameters in model order: weight; gamma, beta; weight, bias. */
const model = buildModel(modelSpec(dense(8, false), batchNorm(), { type: 'relu' }, dense(3)), [4]);

describe('the health of a layer', () => {
  const norms = [
    { gradient: 9, weights: 16, update: 0.04 },
    { gradient: 1, weights: 8, update: 0 },
    { gradient: 3, weights: 0, update: 8 },
    { gradient: 0.25, weights: 0, update: 1 },
    { gradient: 0, weights: 0, update: 0 },
  ];

  it('takes all parameters of the layer together', () => {
    expect(sumByLayer(model, [9, 1, 3, 0.25, 0])).toEqual([9, 4, 0.25]);
    const health = layerHealth(model, norms, []);
    expect(health).toEqual([
      { name: 'dense0', gradientNorm: 3, weightNorm: 4, updateRatio: 0.05 },
      { name: 'batchNorm1', gradientNorm: 2, weightNorm: Math.sqrt(8), updateRatio: 1 },
      { name: 'dense3', gradientNorm: 0.5, weightNorm: 0, updateRatio: null },
    ]);
  });

  it('counts the units that nobody saw above 0, by the layer in front of the ReLU', () => {
    const units = (bits: number) => ({ layer: 2, units: Uint8Array.of(bits) });
    // Units 0, 1 here, 1, 4 there: five of eight are dead.
    const [, norm] = layerHealth(model, norms, [units(0b0000_0011), units(0b0001_0010)]);
    expect(norm?.deadShare).toBe(5 / 8);
  });
});

describe('a warning', () => {
  const healthy = (changes: Partial<LayerHealth>[] = []): LayerHealth[] =>
    ['dense0', 'batchNorm1', 'dense3'].map((name, i) => ({
      name,
      gradientNorm: 1,
      weightNorm: 1,
      updateRatio: 0.001,
      ...changes[i],
    }));
  const kinds = (warnings: readonly { kind: string; layer: string }[]) =>
    warnings.map(({ kind, layer }) => `${kind} ${layer}`);

  it('is given when a gradient becomes a hundred times as long, once until it is over', () => {
    const watch = new HealthWatch(model);
    for (let step = 0; step < 30; step += 1) expect(watch.gradients([1, 1, 1])).toEqual([]);
    expect(kinds(watch.gradients([1, 90, 1]))).toEqual([]);
    const [warning] = watch.gradients([1, 1, 700]);
    expect(warning).toMatchObject({ kind: 'exploding', layer: 'dense3' });
    expect(warning?.message).toContain('its norm is 700, 700 times what it was');
    expect(watch.gradients([1, 1, 800])).toEqual([]);
    expect(watch.gradients([1, 1, 1])).toEqual([]);
    expect(kinds(watch.gradients([1, 1, 800]))).toEqual(['exploding dense3']);
  });

  it('is not given for the first steps, in which everything changes', () => {
    const watch = new HealthWatch(model);
    expect(watch.gradients([1e-9, 1, 1])).toEqual([]);
    expect(watch.gradients([1, 1, 1])).toEqual([]);
  });

  it('is given for a gradient that vanishes on its way to the first layer', () => {
    const watch = new HealthWatch(model);
    // 32 weights against 27 of the last layer: √(27/32) · 1e-5 per weight.
    expect(kinds(watch.layers(healthy([{ gradientNorm: 1e-5 }]), 256))).toEqual(['vanishing dense0']);
    expect(watch.layers(healthy([{ gradientNorm: 1e-5 }]), 256)).toEqual([]);
    expect(kinds(watch.layers(healthy([{ gradientNorm: 2e-4 }]), 256))).toEqual([]);
  });

  it('is given for dead units and for updates longer than the weights', () => {
    const watch = new HealthWatch(model);
    expect(watch.layers(healthy([{}, { deadShare: 0.49 }]), 256)).toEqual([]);
    // Of a unit that is on for one sample in ten, eight samples say nothing.
    expect(watch.layers(healthy([{}, { deadShare: 0.9 }]), 8)).toEqual([]);
    expect(kinds(watch.layers(healthy([{ updateRatio: 1.5 }, { deadShare: 0.5 }]), 256))).toEqual([
      'update dense0',
      'dead batchNorm1',
    ]);
  });
});

it('what befalls several layers at once is one warning', () => {
  const watch = new HealthWatch(model);
  const health = ['dense0', 'batchNorm1', 'dense3'].map((name) => ({
    name,
    gradientNorm: 1,
    weightNorm: 1,
    updateRatio: name === 'batchNorm1' ? 0.1 : 5,
  }));
  const [warning, ...more] = watch.layers(health, 256);
  expect(more).toEqual([]);
  expect(warning?.message).toMatch(
    /^one step changes the weights of layer dense0 by 5 times .*\. The same goes for dense3$/,
  );
});

describe('a fault', () => {
  const report = (nonFiniteLayer: number | null): StepReport => ({
    type: 'stepReport',
    fence: { epoch: 1, step: 6, attempt: 1 },
    shards: [],
    computeMs: 1,
    waitMs: 0,
    activeUnits: [],
    nonFiniteLayer,
  });
  const finite = [1, 1, 1, 1, 1];

  it('is none where loss and gradient are finite', () => {
    expect(findFault(model, 3, [report(null)], finite)).toBeNull();
  });

  it('of the loss began in the first layer that any worker names', () => {
    const fault = findFault(model, NaN, [report(3), report(1), report(null)], finite);
    expect(fault?.layer).toBe('batchNorm1');
    const { message, code, hint } = diverged(7, fault ?? { reason: '', layer: null });
    expect(code).toBe('job');
    expect(message).toBe(
      'step 7: the loss is NaN; the first output that is not finite is that of layer batchNorm1 (model.layers[1]), so training has diverged',
    );
    expect(hint).toContain('training.onNonFinite');
  });

  it('of the loss may have begun in the loss itself', () => {
    expect(findFault(model, Infinity, [report(null)], finite)).toEqual({
      reason:
        'the loss is Infinity; the outputs of the last layer, dense3 (model.layers[3]), are finite, but too large for it',
      layer: 'dense3',
    });
  });

  it('of the gradient began in the last layer that has one, as gradients come from behind', () => {
    expect(findFault(model, 1, [], [NaN, Infinity, 1, 1, 1])?.layer).toBe('batchNorm1');
    expect(findFault(model, 1, [], [NaN, 1, 1, 1, NaN])?.reason).toBe(
      'the gradient of layer dense3 (model.layers[3]) is not finite',
    );
  });
});
