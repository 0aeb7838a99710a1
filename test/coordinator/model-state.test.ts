import { describe, expect, it } from 'vitest';
import type { ModelState, StateTensors } from '../../coordinator/model-state.js';
import type { ExchangeOutcome } from '../../coordinator/step-attempt.js';
import { LockstepError } from '../../src/common/errors.js';
import type { Exchange } from '../../src/nn/layer.js';
import { clusterJob, initialState } from '../support/cluster-job.js';
import { updateAtOnce } from '../support/one-shot-update.js';

const PLAIN = ['training.optimizer={type: gradientDescent, learningRate: 0.5}', 'training.regularization.l2=0'];

/** Writes a gradient of ones times `factor` where the next update finds it. */
function gradientOf(state: ModelState, elements: number, factor: number): number {
  const [block = 0] = state.gradientBlocks;
  state.kernels.arena.view(block, elements).fill(factor);
  return block;
}

function commit(state: ModelState, factor: number, moments: readonly (readonly [Exchange, ExchangeOutcome])[] = []) {
  const { model } = clusterJob();
  const gradient = gradientOf(state, model.parameterElements, factor);
  return updateAtOnce(state, model, { batchCount: 4, gradient, moments });
}

const tensor = (state: { tensors(): StateTensors }, name: string): number[] =>
  Array.from(state.tensors().model.find((candidate) => candidate.name === name)?.values ?? []);

const f32 = (values: readonly number[]): number[] => values.map(Math.fround);
const asMaps = ({ model, slots }: StateTensors) =>
  [
    new Map(model.map(({ name, values }) => [name, values])),
    new Map(slots.map(({ name, values }) => [name, values])),
  ] as const;

describe('a committed step', () => {
  it('moves the parameters along the mean of the gradient and counts the update', () => {
    const state = initialState(clusterJob(...PLAIN));
    const before = tensor(state, '6.dense.weight');
    expect(state.version).toBe(0);
    const result = commit(state, 8);
    expect(state.version).toBe(1);
    // 8 / 4 samples · 0.5
    expect(tensor(state, '6.dense.weight')).toEqual(f32(before.map((weight) => weight - 1)));
    expect(tensor(state, '6.dense.bias')).toEqual([-1, -1, -1]);
    const { model } = clusterJob();
    expect(result.gradientNorm).toBeCloseTo(2 * Math.sqrt(model.parameterCount), 12);
    expect(result.penalty).toBe(0);
    expect(result.learningRate).toBe(0.5);
  });

  it('clips the gradient to its largest norm', () => {
    const state = initialState(clusterJob(...PLAIN, 'training.clipNorm=1'));
    const { gradientNorm } = commit(state, 8);
    const bias = -0.5 * (2 / gradientNorm);
    for (const value of tensor(state, '6.dense.bias')) expect(value).toBeCloseTo(bias, 6);
  });

  it('adds penalties on the weights, never on biases, γ and β', () => {
    const state = initialState(clusterJob(...PLAIN, 'training.regularization={l2: 0.4, l1: 0.8}'));
    const weights = ['0.dense.weight', '3.dense.weight', '6.dense.weight'].flatMap((name) => tensor(state, name));
    const before = tensor(state, '0.dense.weight');
    const { penalty, gradientNorm } = commit(state, 0);
    // λ/(2m)·‖W‖² + λ/(2m)·‖W‖₁ with m = 4, and its gradient λ/m·w + λ/(2m)·sign w.
    const [squares, sizes] = [
      weights.reduce((sum, w) => sum + w * w, 0),
      weights.reduce((sum, w) => sum + Math.abs(w), 0),
    ];
    expect(penalty).toBeCloseTo((0.4 / 8) * squares + (0.8 / 8) * sizes, 6);
    const slopes = weights.map((w) => 0.1 * w + 0.1 * Math.sign(w));
    expect(gradientNorm).toBeCloseTo(Math.hypot(...slopes), 6);
    tensor(state, '0.dense.weight').forEach((weight, i) =>
      expect(weight).toBeCloseTo((before[i] ?? 0) - 0.5 * (slopes[i] ?? 0), 6),
    );
    expect(tensor(state, '6.dense.bias')).toEqual([0, 0, 0]);
    expect(tensor(state, '1.batchNorm.gamma')).toEqual([1, 1, 1, 1, 1, 1]);
  });

  it('moves running statistics towards the batch, with the unbiased variance', () => {
    const cluster = clusterJob(...PLAIN, 'model.layers.1.momentum=0.9');
    const state = initialState(cluster);
    const [first] = cluster.exchanges;
    if (first === undefined) throw new RangeError('the job has a batch norm');
    const values = Float32Array.from([1, 2, 3, 4, 5, 6, 10, 20, 30, 40, 50, 60]);
    commit(state, 0, [[first, { values, count: 5 }]]);
    expect(tensor(state, '1.batchNorm.running_mean')).toEqual(f32([1, 2, 3, 4, 5, 6].map((mean) => (1 - 0.9) * mean)));
    const unbiased = [10, 20, 30, 40, 50, 60].map((variance) => 0.9 + (1 - 0.9) * variance * (5 / 4));
    expect(tensor(state, '1.batchNorm.running_var')).toEqual(f32(unbiased));
  });

  it('takes the variance of a single value as it is', () => {
    const cluster = clusterJob(...PLAIN, 'model.layers.1.momentum=0.5');
    const state = initialState(cluster);
    const [first] = cluster.exchanges;
    if (first === undefined) throw new RangeError('the job has a batch norm');
    commit(state, 0, [[first, { values: new Float32Array(12), count: 1 }]]);
    expect(tensor(state, '1.batchNorm.running_var')).toEqual([0.5, 0.5, 0.5, 0.5, 0.5, 0.5]);
  });

  it('leaves the statistics alone where an exchange has none', () => {
    const cluster = clusterJob(...PLAIN);
    const state = initialState(cluster);
    const sums = cluster.exchanges.find(({ merge }) => merge === 'sums');
    if (sums === undefined) throw new RangeError('the job has a batch norm that is synchronised backwards');
    commit(state, 0, [[sums, { values: new Float32Array(12).fill(7), count: 5 }]]);
    expect(tensor(state, '1.batchNorm.running_mean')).toEqual([0, 0, 0, 0, 0, 0]);
  });
});

describe('a step that is skipped', () => {
  it('changes nothing but the version', () => {
    const { model } = clusterJob();
    const state = initialState(clusterJob('training.onNonFinite=skip'));
    const before = state.tensors();
    state.begin({ epoch: 0, batchCount: 4 });
    expect(
      state.updateRange({ start: 0, end: model.parameterElements }, gradientOf(state, model.parameterElements, NaN)),
    ).toBe(false);
    expect(state.gradientSquares().every(Number.isNaN)).toBe(true);
    expect(state.commit([], { skip: true, measure: true })).toMatchObject({ skipped: true, norms: null });
    expect(state.version).toBe(1);
    expect(state.tensors()).toEqual(before);
  });
});

describe('the norms of an update', () => {
  it('are those of gradient, weights and change, parameter by parameter', () => {
    const { model } = clusterJob();
    const state = initialState(clusterJob(...PLAIN));
    const before = tensor(state, '6.dense.weight');
    state.begin({ epoch: 0, batchCount: 4 });
    state.updateRange({ start: 0, end: model.parameterElements }, gradientOf(state, model.parameterElements, 8));
    const { norms } = state.commit([], { measure: true });
    const place = model.tensors
      .filter(({ parameter }) => parameter !== null)
      .findIndex(({ name }) => name === '6.dense.weight');
    const found = norms?.[place];
    const squares = (values: readonly number[]) => values.reduce((sum, value) => sum + value * value, 0);
    expect(found?.gradient).toBe(2 * 2 * before.length);
    expect(found?.weights).toBeCloseTo(squares(before), 10);
    // Each weight moves by 0.5 · 2.
    expect(found?.update).toBeCloseTo(before.length, 5);
  });
});

describe('a model that is kept', () => {
  it('is what the state goes back to, under a number of its own', () => {
    const state = initialState(clusterJob(...PLAIN));
    commit(state, 8);
    state.keep();
    const kept = state.tensors().model;
    expect(state.tensors().best).toEqual(kept);
    commit(state, -3);
    commit(state, 5);
    expect(state.tensors().model).not.toEqual(kept);
    expect([state.version, state.published]).toEqual([3, 3]);
    state.restoreKept();
    expect(state.tensors().model).toEqual(kept);
    expect(Array.from(state.committed).slice(0, 4)).toEqual(Array.from(kept[0]?.values ?? []).slice(0, 4));
    expect([state.version, state.published]).toEqual([3, 4]);
  });

  it('survives in a checkpoint', () => {
    const state = initialState(clusterJob(...PLAIN));
    state.keep();
    commit(state, 8);
    const saved = state.tensors();
    const [model, slots] = asMaps(saved);
    const other = initialState(clusterJob(...PLAIN));
    other.restore(1, model, slots, {}, new Map((saved.best ?? []).map(({ name, values }) => [name, values])));
    expect(other.tensors().best).toEqual(saved.best);
    other.restoreKept();
    expect(other.tensors().model).toEqual(saved.best);
  });
});

describe('a step under way', () => {
  const { model } = clusterJob();

  it('changes nothing before it is committed, and nothing at all when another begins in its place', () => {
    const [state, undisturbed] = [initialState(clusterJob()), initialState(clusterJob())];
    const before = state.tensors();
    state.begin({ epoch: 0, batchCount: 4 });
    expect(
      state.updateRange({ start: 0, end: model.parameterElements }, gradientOf(state, model.parameterElements, 3)),
    ).toBe(true);
    expect(state.tensors()).toEqual(before);
    expect(state.version).toBe(0);
    expect(commit(state, 5)).toEqual(commit(undisturbed, 5));
    expect(state.tensors()).toEqual(undisturbed.tensors());
  });

  it.each([[], ['training.clipNorm=0.5']])('may come in ranges, in any order: %j', (...overrides) => {
    const job = clusterJob(...overrides);
    const [whole, cut] = [initialState(job), initialState(job)];
    const parameters = job.model.tensors.filter(({ parameter }) => parameter !== null);
    for (const factor of [1, -2, 3]) {
      const expected = commit(whole, factor);
      const gradient = gradientOf(cut, model.parameterElements, factor);
      cut.begin({ epoch: 0, batchCount: 4 });
      for (const { offset, size } of parameters.toReversed()) {
        const isThere = cut.updateRange({ start: offset, end: offset + size }, gradient + offset);
        expect(isThere).toBe(overrides.length === 0);
      }
      expect(cut.commit([])).toEqual(expected);
    }
    expect(cut.tensors()).toEqual(whole.tensors());
  });

  it('shows the new parameters of a range as soon as they are there', () => {
    const state = initialState(clusterJob(...PLAIN));
    const end = model.parameterElements;
    state.begin({ epoch: 0, batchCount: 4 });
    state.updateRange({ start: 0, end }, gradientOf(state, end, 8));
    const early = state.next.slice(0, end);
    const inUse = state.committed;
    state.commit([]);
    expect(state.committed.slice(0, end)).toEqual(early);
    expect(inUse).not.toEqual(state.committed);
    // What was in use stays as it was until the step after this one.
    expect(state.next).toEqual(inUse);
  });

  it('must have begun', () => {
    const state = initialState(clusterJob());
    expect(() => state.updateRange({ start: 0, end: model.parameterElements }, 0)).toThrow(RangeError);
    expect(() => state.commit([])).toThrow(RangeError);
    commit(state, 1);
    expect(() => state.commit([])).toThrow(RangeError);
  });
});

describe('a saved state', () => {
  it('goes on with the same bits', () => {
    const through = initialState(clusterJob());
    for (const factor of [1, -2, 3]) commit(through, factor);
    const saved = through.tensors();
    expect(saved.slots.map(({ name }) => name)).toHaveLength(2);

    const resumed = initialState(clusterJob('seed=99'));
    resumed.restore(3, ...asMaps(saved));
    expect(resumed.version).toBe(3);
    expect(resumed.tensors()).toEqual(saved);
    expect(resumed.committed).toEqual(through.committed);
    for (const state of [through, resumed]) commit(state, 5);
    expect(resumed.tensors()).toEqual(through.tensors());
  });

  it('is a copy that later steps leave alone', () => {
    const state = initialState(clusterJob());
    const saved = state.tensors();
    const before = saved.model.map(({ values }) => values.slice());
    commit(state, 1);
    expect(saved.model.map(({ values }) => values)).toEqual(before);
  });

  it.each([
    [
      'a tensor of another size',
      (model: Map<string, Float32Array>) => model.set('3.dense.weight', new Float32Array(23)),
      'tensor 3.dense.weight has 23 elements, this job needs 24',
    ],
    [
      'a missing tensor',
      (model: Map<string, Float32Array>) => model.delete('6.dense.bias'),
      'tensor 6.dense.bias is missing, this job needs 3',
    ],
  ])('with %s is refused', (_, spoil, message) => {
    const state = initialState(clusterJob());
    const [model, slots] = asMaps(state.tensors());
    spoil(model);
    expect(() => state.restore(1, model, slots)).toThrow(message);
    expect(() => state.restore(1, model, slots)).toThrow(LockstepError);
    expect(state.version).toBe(0);
  });

  it('of another optimizer is refused', () => {
    const state = initialState(clusterJob());
    const [model] = asMaps(state.tensors());
    expect(() => state.restore(1, model, new Map())).toThrow(/tensor \w+ is missing/);
  });
});

describe('the schedule', () => {
  it('is asked for the step that is next', () => {
    const state = initialState(clusterJob('training.warmupSteps=4', 'training.optimizer.learningRate=1'));
    expect([0, 1, 2, 3, 4].map(() => commit(state, 1).learningRate)).toEqual([0.25, 0.5, 0.75, 1, 1]);
  });
});
