import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { KernelFactory } from '../../src/kernels/kernels.js';
import { systemBlas } from '../../src/kernels/openblas/library.js';
import { createReferenceKernels } from '../../src/kernels/reference/reference-kernels.js';
import { kernelFactory, selectBackend } from '../../src/kernels/select.js';
import { buildModel } from '../../src/nn/model.js';
import { dealShards, type ShardRange } from '../../src/reduce/shards.js';
import { relativeError } from '../../src/gradients/differences.js';
import { batchNorm, dense, modelSpec } from '../support/model-spec.js';
import { PassRig, type Batch } from '../../src/gradients/pass-rig.js';
import { normalValues, wholeValues } from '../support/random-values.js';
import { simulateStep, type SimulatedWorker, type StepOutcome } from '../../src/gradients/simulated-step.js';

const MAX_ROWS = 70;
const MAX_SHARDS = 12;
const FEATURES = 24;
const CLASSES = 5;

/** Everything that could make a difference: both kinds of batch norm, dropout, layers of awkward sizes. */
const model = buildModel(
  modelSpec(
    dense(40, false),
    batchNorm('global'),
    { type: 'relu' },
    { type: 'dropout', keepProb: 0.75 },
    dense(33),
    { type: 'tanh' },
    batchNorm('shard'),
    dense(18, false),
    batchNorm('global'),
    { type: 'leakyRelu', slope: 0.1 },
    dense(CLASSES),
  ),
  [FEATURES],
);

/** Several tiles in each weight gradient, and products large enough for the blocked kernels of a BLAS library. */
const wideModel = buildModel(modelSpec(dense(300, false), batchNorm(), { type: 'relu' }, dense(10)), [784]);

const inputs = normalValues(MAX_ROWS * FEATURES, 21);
const targets = wholeValues(MAX_ROWS, CLASSES, 22);
const batchOf = (count: number): Batch => ({
  inputs: inputs.subarray(0, count * FEATURES),
  targets: targets.subarray(0, count),
});

/** Workers with memory of their own; number i imitates 1 + i mod 3 threads. */
function makeRigs(factory: KernelFactory, count: number, of = model, maxRows = MAX_ROWS): PassRig[] {
  return Array.from({ length: count }, (_, i) => {
    const threads = 1 + (i % 3);
    return new PassRig({ model: of, loss: 'softmaxCrossEntropy', factory, threads, maxRows, maxShards: MAX_SHARDS });
  });
}

function workersOf(rigs: readonly PassRig[], ranges: readonly ShardRange[]): SimulatedWorker[] {
  return ranges.map((range, i) => {
    const rig = rigs[i];
    if (rig === undefined) throw new RangeError(`no rig for worker ${i}`);
    return { rig, range };
  });
}

/** The bits of everything that leaves a step: so that 0 differs from −0, and NaN equals itself. */
function bitsOf({ loss, gradient, exchanges }: StepOutcome): readonly Uint8Array[] {
  const vectors = [Float64Array.of(loss), gradient, ...exchanges.map((exchange) => exchange.values)];
  return vectors.map(({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength));
}

function expectSameBits(actual: StepOutcome, expected: StepOutcome): void {
  const names = ['loss', 'gradient', ...expected.exchanges.map((_, index) => `exchange ${index}`)];
  const wanted = bitsOf(expected);
  bitsOf(actual).forEach((bytes, i) => {
    if (Buffer.compare(bytes, wanted[i] ?? new Uint8Array()) !== 0) expect.fail(`${names[i] ?? ''} has other bits`);
  });
  expect(actual.correct).toBe(expected.correct);
  expect(actual.exchanges.map(({ count }) => count)).toEqual(expected.exchanges.map(({ count }) => count));
}

/** Contiguous ranges from arbitrary cuts; some may be empty. */
function rangesFrom(cuts: readonly number[], shards: number): ShardRange[] {
  const bounds = [0, ...cuts.map((cut) => cut % (shards + 1)).sort((a, b) => a - b), shards];
  return bounds.slice(1).map((end, i) => ({ first: bounds[i] ?? 0, end }));
}

function describePartitions(backend: string, factory: KernelFactory): void {
  describe(`the bits of a step do not depend on who computes it: ${backend}`, () => {
    const rigs = makeRigs(factory, 8);
    const alone = (batch: Batch, step: number, totalShards: number): StepOutcome =>
      simulateStep(workersOf(rigs, [{ first: 0, end: totalShards }]), batch, { step, totalShards });

    for (const [name, count, totalShards] of [
      ['a batch that divides', 64, 8],
      ['an uneven batch', 61, 8],
      ['the last batch of an epoch, smaller than the number of shards', 5, 8],
      ['a number of shards that is no power of two', 70, 11],
      ['a single sample', 1, 8],
    ] as const) {
      it(`${name}: 1, 2, 3, 5 and 8 workers`, () => {
        const batch = batchOf(count);
        const expected = alone(batch, 7, totalShards);
        expect(Number.isFinite(expected.loss)).toBe(true);
        for (const workers of [2, 3, 5, 8]) {
          const team = workersOf(rigs, dealShards(totalShards, workers));
          expectSameBits(simulateStep(team, batch, { step: 7, totalShards }), expected);
        }
      });
    }

    it('a wide model: 1, 2 and 3 workers', () => {
      const [rows, totalShards] = [250, 8];
      const batch = { inputs: normalValues(rows * 784, 23), targets: wholeValues(rows, 10, 24) };
      const wide = makeRigs(factory, 3, wideModel, rows);
      const outcomes = [1, 2, 3].map((workers) => {
        return simulateStep(workersOf(wide, dealShards(totalShards, workers)), batch, { totalShards });
      });
      for (const outcome of outcomes) expectSameBits(outcome, outcomes[0] ?? outcome);
    });

    it('any batch, any shards, any contiguous ranges, any order of arrival', () => {
      fc.assert(
        fc.property(
          fc.integer({ min: 1, max: MAX_ROWS }),
          fc.integer({ min: 1, max: MAX_SHARDS }),
          fc.array(fc.nat(MAX_SHARDS), { maxLength: 5 }),
          fc.nat(1000),
          fc.nat(),
          (count, totalShards, cuts, step, order) => {
            const batch = batchOf(count);
            const ranges = rangesFrom(cuts, totalShards);
            let draws = order;
            const arrive = <T>(parcels: readonly T[]): readonly T[] => {
              const ranks = normalValues(parcels.length, (draws += 1));
              return parcels
                .map((parcel, i) => ({ parcel, rank: ranks[i] ?? 0 }))
                .sort((a, b) => a.rank - b.rank)
                .map(({ parcel }) => parcel);
            };
            const actual = simulateStep(workersOf(rigs, ranges), batch, { step, totalShards, arrive });
            expectSameBits(actual, alone(batch, step, totalShards));
          },
        ),
        { numRuns: 60 },
      );
    });

    it('does not remember what was computed before', () => {
      const batch = batchOf(37);
      const [fresh] = makeRigs(factory, 1);
      if (fresh === undefined) throw new Error('a rig is made');
      const first = simulateStep(workersOf([fresh], [{ first: 0, end: 8 }]), batch, { step: 2, totalShards: 8 });
      expectSameBits(alone(batch, 2, 8), first);
    });

    it('agrees with float64', () => {
      const exact = new PassRig({
        model,
        loss: 'softmaxCrossEntropy',
        factory: createReferenceKernels,
        precision: 'float64',
        maxRows: MAX_ROWS,
        maxShards: MAX_SHARDS,
      });
      exact.weights.set(rigs[0]?.weights ?? []);
      const batch = batchOf(61);
      const wanted = simulateStep([{ rig: exact, range: { first: 0, end: 8 } }], batch, { step: 7, totalShards: 8 });
      const found = alone(batch, 7, 8);
      expect(found.loss / wanted.loss).toBeCloseTo(1, 6);
      expect(relativeError(found.gradient, wanted.gradient)).toBeLessThan(1e-5);
    });

    it('does depend on the step, through dropout, and on the number of shards, through rounding', () => {
      const batch = batchOf(61);
      expect(alone(batch, 8, 8).loss).not.toBe(alone(batch, 7, 8).loss);
      expect(() => expectSameBits(alone(batch, 7, 7), alone(batch, 7, 8))).toThrow('other bits');
    });
  });
}

describePartitions('wasm', kernelFactory('wasm'));

const blas = systemBlas();
if (blas.library !== null) {
  describePartitions(`openblas, ${blas.library.description}`, kernelFactory('openblas'));
} else {
  describe(`openblas is not on this machine, its partitions were not tested: ${blas.reason}`, () => {
    it('is refused with the reason', () => {
      expect(() => selectBackend('openblas')).toThrow(blas.reason);
    });
  });
}
