/** What a worker reads from the memory that a pass has left: scores of shards, active units, the first layer that is not finite. */
import { describe, expect, it } from 'vitest';
import { Arena } from '../../src/kernels/arena.js';
import type { Pass } from '../../src/nn/layer.js';
import { losses } from '../../src/nn/losses/index.js';
import { buildModel } from '../../src/nn/model.js';
import type { Program } from '../../src/nn/program.js';
import { LayerWatch } from '../../worker/layer-watch.js';
import { ShardScores } from '../../worker/shard-scores.js';
import { dense, modelSpec } from '../support/model-spec.js';

/** Two shards of 2 and 3 rows; the first is number 4 of its split. */
const pass = {
  firstShard: 4,
  shards: [
    { start: 0, rows: 2 },
    { start: 2, rows: 3 },
  ],
} as unknown as Pass;
const ROWS = 5;

function memory(width: number, values: Record<'outputs' | 'targets' | 'losses' | 'predictions', readonly number[]>) {
  const arena = Arena.create(4_096);
  const place = (numbers: readonly number[]): number => {
    const at = arena.allocate(numbers.length);
    arena.view(at, numbers.length).set(numbers);
    return at;
  };
  const program = {
    outputs: place(values.outputs),
    targets: place(values.targets),
    losses: place(values.losses),
    predictions: place(values.predictions),
  } as unknown as Program;
  return { arena, program, model: buildModel(modelSpec(dense(width)), [2]) };
}

describe('the scores of shards', () => {
  it('count classes, and name what is misjudged, worst first', () => {
    const { arena, program, model } = memory(3, {
      outputs: new Array<number>(3 * ROWS).fill(0),
      targets: [0, 1, 2, 2, 1],
      predictions: [0, 2, 2, 0, 0],
      losses: [0.1, 3, 0.2, 2, 5],
    });
    const [first, second] = new ShardScores(arena, program, losses.softmaxCrossEntropy, model).scores(pass, 1_024, 1);
    expect(first).toMatchObject({ shard: 4, correct: 1, confusion: [0, 0, 1, 1, 2, 1] });
    expect(first?.misjudged).toEqual([{ sample: 1_025, loss: 3, target: 1, predicted: 2 }]);
    expect(second).toMatchObject({ shard: 5, correct: 1, confusion: [2, 2, 1, 2, 0, 1, 1, 0, 1] });
    expect(second?.misjudged).toEqual([{ sample: 1_028, loss: 5, target: 1, predicted: 0 }]);
    expect(first?.positiveScores).toHaveLength(0);
  });

  it('rank the samples of two classes by their logit, or by how far one is above the other', () => {
    const single = { targets: [1, 0, 1, 1, 0], predictions: [1, 0, 0, 1, 1], losses: [0, 0, 0, 0, 0] };
    const one = memory(1, { ...single, outputs: [2, -1, -3, 4, 5] });
    const [, second] = new ShardScores(one.arena, one.program, losses.binaryCrossEntropy, one.model).scores(pass, 0, 0);
    expect([...(second?.positiveScores ?? [])]).toEqual([-3, 4]);
    expect([...(second?.negativeScores ?? [])]).toEqual([5]);
    expect(second?.misjudged).toEqual([]);
    const two = memory(2, { ...single, outputs: [0, 2, 1, 0, 3, 0, 0, 4, 1, 6] });
    const [first] = new ShardScores(two.arena, two.program, losses.softmaxCrossEntropy, two.model).scores(pass, 0, 0);
    expect([...(first?.positiveScores ?? []), ...(first?.negativeScores ?? [])]).toEqual([2, -1]);
  });

  it('measure distances of a regression, where every sample is off by something', () => {
    const { arena, program, model } = memory(1, {
      outputs: [1, 2, 3, 4, 5],
      predictions: [1, 2, 3, 4, 5],
      targets: [2, 0, 3, 6, 3],
      losses: [1, 4, 0, 4, 4],
    });
    const [first, second] = new ShardScores(arena, program, losses.meanSquaredError, model).scores(pass, 0, 2);
    expect(first).toMatchObject({ loss: 5, absoluteError: 3, targets: { count: 2, mean: 1, squares: 2 } });
    expect(second).toMatchObject({ loss: 8, absoluteError: 4, targets: { count: 3, mean: 4, squares: 6 } });
    // Of equals the first of the split.
    expect(second?.misjudged.map(({ sample }) => sample)).toEqual([3, 4]);
  });
});

const WIDTHS = [10, 10, 2];

describe('a look at the layers', () => {
  const model = buildModel(modelSpec(dense(10), { type: 'relu' }, dense(2)), [2]);
  const watched = () => {
    const arena = Arena.create(4_096);
    const layerOutputs = WIDTHS.map((width) => arena.allocate(width * ROWS));
    const watch = new LayerWatch(arena, model, { layerOutputs } as unknown as Program);
    const set = (layer: number, row: number, unit: number, value: number): void => {
      arena.floats[(layerOutputs[layer] ?? 0) + row * (WIDTHS[layer] ?? 0) + unit] = value;
    };
    return { watch, set };
  };

  it('finds the units of each ReLU that are above 0 for some sample', () => {
    const { watch, set } = watched();
    set(1, 0, 0, 1);
    set(1, 4, 9, 2);
    set(1, 2, 3, 0.5);
    set(0, 1, 7, 5);
    expect(watch.activeUnits(pass)).toEqual([{ layer: 1, units: Uint8Array.of(0b0000_1001, 0b0000_0010) }]);
  });

  it('finds the first layer with an output that is not finite', () => {
    const { watch, set } = watched();
    expect(watch.firstNonFinite(pass)).toBeNull();
    set(2, 3, 1, NaN);
    expect(watch.firstNonFinite(pass)).toBe(2);
    set(1, 4, 9, Infinity);
    expect(watch.firstNonFinite(pass)).toBe(1);
  });
});
