import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Arena } from '../../src/kernels/arena.js';
import { KERNEL_SCRATCH_ELEMENTS, type Kernels } from '../../src/kernels/kernels.js';
import { createReferenceKernels } from '../../src/kernels/reference/reference-kernels.js';
import { createWasmKernels } from '../../src/kernels/wasm/wasm-kernels.js';
import type { OptimizerSpec } from '../../src/job/job.js';
import { createOptimizer } from '../../src/optim/create.js';
import type { ParameterRange, UpdateSettings } from '../../src/optim/optimizer.js';
import { startAt, textbookUpdate } from './textbook.js';

const SPECS: readonly OptimizerSpec[] = [
  { type: 'gradientDescent', learningRate: 0.1 },
  { type: 'momentum', learningRate: 0.1, beta: 0.9 },
  { type: 'rmsprop', learningRate: 0.01, beta: 0.99, epsilon: 1e-8 },
  { type: 'adam', learningRate: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
];

const BACKENDS = [
  { name: 'reference, float64', tolerance: 1e-12, create: reference },
  { name: 'wasm, float32', tolerance: 2e-5, create: wasm },
] as const;

function reference(elements: number): Kernels {
  const arena = Arena.create(elements + 1024, 'float64');
  return createReferenceKernels(arena, arena.allocate(0));
}

function wasm(elements: number): Kernels {
  const arena = Arena.create(elements + 1024 + KERNEL_SCRATCH_ELEMENTS);
  return createWasmKernels(arena, arena.allocate(KERNEL_SCRATCH_ELEMENTS));
}

/** Numbers in [−1, 1) that look random and are the same in every run. */
function noise(count: number, stream: number): number[] {
  return Array.from({ length: count }, (_, i) => {
    const x = Math.imul(i + 1 + stream * 7919, 0x9e3779b1) >>> 0;
    return (Math.imul(x ^ (x >>> 15), 0x85ebca6b) >>> 0) / 2 ** 31 - 1;
  });
}

function layOut(kernels: Kernels, weights: readonly number[], slotCount: number): ParameterRange {
  const { arena } = kernels;
  const count = weights.length;
  const weightsAt = arena.allocate(count);
  const slots = Array.from({ length: slotCount }, () => arena.allocate(count));
  const range = {
    weights: weightsAt,
    newWeights: weightsAt,
    gradient: arena.allocate(count),
    slots,
    newSlots: slots,
    count,
  };
  arena.view(range.weights, count).set(weights);
  return range;
}

/** Part [from, to) of a range. */
function part(range: ParameterRange, from: number, to: number): ParameterRange {
  return {
    weights: range.weights + from,
    newWeights: range.newWeights + from,
    gradient: range.gradient + from,
    slots: range.slots.map((slot) => slot + from),
    newSlots: range.newSlots.map((slot) => slot + from),
    count: to - from,
  };
}

function run(
  kernels: Kernels,
  spec: OptimizerSpec,
  weights: readonly number[],
  gradients: readonly number[][],
  settings: Partial<UpdateSettings> = {},
) {
  const optimizer = createOptimizer(spec);
  const range = layOut(kernels, weights, optimizer.slots.length);
  gradients.forEach((gradient, index) => {
    kernels.arena.view(range.gradient, range.count).set(gradient);
    const hyper = { learningRate: spec.learningRate, scale: 1, l2: 0, l1: 0, step: index + 1, ...settings };
    optimizer.update(kernels, range, hyper);
  });
  const read = (offset: number) => Array.from(kernels.arena.view(offset, range.count));
  return {
    weights: read(range.weights),
    slots: new Map(optimizer.slots.map((name, index) => [name, read(range.slots[index] ?? -1)])),
  };
}

function expectClose(actual: readonly number[], expected: readonly number[], tolerance: number): void {
  expect(actual.length).toBe(expected.length);
  const worst = actual.reduce((most, value, i) => Math.max(most, Math.abs(value - (expected[i] ?? NaN))), 0);
  expect(worst).toBeLessThanOrEqual(tolerance);
}

describe.each(BACKENDS)('optimizers on $name', ({ create, tolerance }) => {
  it.each(SPECS)('$type follows the textbook over 60 updates', (spec) => {
    const count = 37;
    const initial = noise(count, 0);
    const gradients = Array.from({ length: 60 }, (_, t) => noise(count, t + 1));
    const expected = startAt(initial);
    gradients.forEach((gradient, index) => textbookUpdate(spec, expected, gradient, spec.learningRate, index + 1));

    const actual = run(create(10 * count), spec, initial, gradients);
    expectClose(actual.weights, expected.weights, tolerance);
    for (const [name, values] of actual.slots) {
      expectClose(values, name === 'velocity' ? expected.velocity : expected.square, tolerance);
    }
  });

  it.each(SPECS)('$type descends the cost with both penalties, by the mean over the samples', (spec) => {
    const count = 19;
    const [scale, l2, l1] = [1 / 64, 0.02, 0.005];
    const initial = noise(count, 3).map((w, i) => (i === 4 ? 0 : w));
    const sums = Array.from({ length: 30 }, (_, t) => noise(count, t + 50).map((g) => 64 * g));
    const expected = startAt(initial);
    sums.forEach((sum, index) => {
      const g = sum.map((value, i) => {
        const w = expected.weights[i] ?? NaN;
        return scale * value + l2 * w + l1 * Math.sign(w);
      });
      textbookUpdate(spec, expected, g, spec.learningRate, index + 1);
    });

    const actual = run(create(10 * count), spec, initial, sums, { scale, l2, l1 });
    expectClose(actual.weights, expected.weights, tolerance);
  });

  it.each(SPECS)('$type leaves the old state alone when it writes elsewhere, and returns the squared norm', (spec) => {
    const count = 37;
    const optimizer = createOptimizer(spec);
    const kernels = create(20 * count);
    const inPlace = layOut(kernels, noise(count, 1), optimizer.slots.length);
    const old = layOut(kernels, noise(count, 1), optimizer.slots.length);
    const { weights, slots } = layOut(kernels, noise(count, 2), optimizer.slots.length);
    const read = (offset: number) => Array.from(kernels.arena.view(offset, count));
    const settings = { learningRate: spec.learningRate, scale: 0.5, l2: 0.01, l1: 0.001, step: 2 };
    for (const range of [inPlace, old]) {
      kernels.arena.view(range.gradient, count).set(noise(count, 3));
      range.slots.forEach((slot, i) => kernels.arena.view(slot, count).set(noise(count, 4 + i).map(Math.abs)));
    }
    const before = [old.weights, ...old.slots].map(read);

    const norm = optimizer.update(kernels, { ...old, newWeights: weights, newSlots: slots }, settings);
    expect(optimizer.update(kernels, inPlace, settings)).toBe(norm);
    expect([old.weights, ...old.slots].map(read)).toEqual(before);
    expect([weights, ...slots].map(read)).toEqual([inPlace.weights, ...inPlace.slots].map(read));
    const expected = noise(count, 3).map((g, i) => {
      const w = before[0]?.[i] ?? NaN;
      return 0.5 * g + 0.01 * w + 0.001 * Math.sign(w);
    });
    expect(norm / expected.reduce((sum, g) => sum + g * g, 0)).toBeCloseTo(1, 5);
  });

  it.each(SPECS)('$type gives the same bits when a range is updated in pieces', (spec) => {
    const count = 61;
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: count }), { maxLength: 4 }), (cuts) => {
        const optimizer = createOptimizer(spec);
        const kernels = create(20 * count);
        const whole = layOut(kernels, noise(count, 1), optimizer.slots.length);
        const pieces = layOut(kernels, noise(count, 1), optimizer.slots.length);
        const bounds = [0, ...cuts.toSorted((a, b) => a - b), count];
        for (let step = 1; step <= 3; step++) {
          const settings = { learningRate: spec.learningRate, scale: 0.5, l2: 0.01, l1: 0.001, step };
          for (const range of [whole, pieces]) kernels.arena.view(range.gradient, count).set(noise(count, step + 9));
          optimizer.update(kernels, whole, settings);
          bounds.slice(1).forEach((to, i) => {
            optimizer.update(kernels, part(pieces, bounds[i] ?? 0, to), settings);
          });
        }
        for (const [index, offset] of [whole.weights, ...whole.slots].entries()) {
          const other = [pieces.weights, ...pieces.slots][index] ?? -1;
          expect(kernels.arena.view(other, count)).toEqual(kernels.arena.view(offset, count));
        }
      }),
      { numRuns: 20 },
    );
  });
});

/**
 * Published numbers: the optimization exercise of the Deep Learning Specialization, course 2, week 2, whose notebook
 * prints these weights for `np.random.seed(1)` and a learning rate of 0.01.
 */
describe('optimizers against published values', () => {
  const weights = [1.62434536, -0.61175641, -0.52817175, -1.07296862, 0.86540763, -2.3015387];
  const gradient = [-1.10061918, 1.14472371, 0.90159072, 0.50249434, 0.90085595, -0.68372786];

  it('gradient descent', () => {
    const actual = run(reference(100), { type: 'gradientDescent', learningRate: 0.01 }, weights, [gradient]);
    expectClose(actual.weights, [1.63535156, -0.62320365, -0.53718766, -1.07799357, 0.85639907, -2.29470142], 2e-8);
  });

  it('momentum', () => {
    const actual = run(reference(100), { type: 'momentum', learningRate: 0.01, beta: 0.9 }, weights, [gradient]);
    expectClose(actual.weights, [1.62544598, -0.61290114, -0.52907334, -1.07347112, 0.86450677, -2.30085497], 2e-8);
    expectClose(
      actual.slots.get('velocity') ?? [],
      [-0.11006192, 0.11447237, 0.09015907, 0.05024943, 0.09008559, -0.06837279],
      2e-8,
    );
  });

  it('Adam, which the exercise starts at t = 2 with averages of zero', () => {
    const spec = { type: 'adam', learningRate: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 } as const;
    const actual = run(reference(100), spec, weights, [gradient], { step: 2 });
    expectClose(actual.weights, [1.63178673, -0.61919778, -0.53561312, -1.08040999, 0.85796626, -2.29409733], 2e-8);
  });
});

describe('optimizers by hand', () => {
  it('momentum is an average: a constant gradient of 1 brings the velocity to 1, not to 1/(1 − β)', () => {
    const spec = { type: 'momentum', learningRate: 1, beta: 0.5 } as const;
    expect(run(reference(100), spec, [0], [[1], [1], [1]]).weights).toEqual([-0.5 - 0.75 - 0.875]);
  });

  it('RMSprop divides by the root of the average, epsilon outside it', () => {
    const spec = { type: 'rmsprop', learningRate: 1, beta: 0.75, epsilon: 1 } as const;
    expect(run(reference(100), spec, [0], [[2]]).weights).toEqual([-2 / (1 + 1)]);
  });

  it('Adam moves by its rate at the first update, whatever the size of the gradient', () => {
    const spec = { type: 'adam', learningRate: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1e-12 } as const;
    expectClose(run(reference(100), spec, [0, 0, 0], [[1e-3, -1, 1e3]]).weights, [-0.001, 0.001, -0.001], 1e-11);
  });

  it('Adam refuses an update number below 1, where its correction would divide by zero', () => {
    const spec = { type: 'adam', learningRate: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 } as const;
    expect(() => run(reference(100), spec, [0], [[1]], { step: 0 })).toThrow(RangeError);
  });

  it('names a slot that was not set out', () => {
    const kernels = reference(100);
    const range = layOut(kernels, [0], 1);
    const adam = createOptimizer({ type: 'adam', learningRate: 1, beta1: 0.9, beta2: 0.99, epsilon: 1 });
    const settings = { learningRate: 1, scale: 1, l2: 0, l1: 0, step: 1 };
    expect(() => adam.update(kernels, range, settings)).toThrow('slot 1 is missing: the range has 1');
  });
});
