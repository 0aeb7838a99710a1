import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  BUCKET_BLOCK,
  BucketProgress,
  bucketAt,
  bucketElements,
  cutBuckets,
  type Bucket,
  type Extent,
  type Range,
} from '../../src/reduce/buckets.js';
import { shuffled } from '../support/cluster-order.js';

const ALIGNMENT = 16;

/** Parameters of these sizes as a model lays them out: one behind the other, with gaps. */
function layOut(sizes: readonly number[]): { readonly parameters: readonly Extent[]; readonly end: number } {
  let end = 0;
  const parameters = sizes.map((size) => {
    const offset = end;
    end += Math.ceil(size / ALIGNMENT) * ALIGNMENT;
    return { offset, size };
  });
  return { parameters, end };
}

const plain = (buckets: readonly Bucket[]): [number, number][] => buckets.map(({ start, end }) => [start, end]);

const models = fc.record({
  sizes: fc.array(fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 12 * BUCKET_BLOCK })), {
    minLength: 1,
    maxLength: 12,
  }),
  elements: fc.oneof(fc.integer({ min: 1, max: 1_000 }), fc.integer({ min: 1, max: 8 * BUCKET_BLOCK })),
});

describe('buckets', () => {
  it('take small neighbours together, last layer first', () => {
    const { parameters, end } = layOut([30, 6, 24, 4, 12, 3]);
    expect(parameters.map(({ offset }) => offset)).toEqual([0, 32, 48, 80, 96, 112]);
    expect(plain(cutBuckets(parameters, 40, end))).toEqual([
      [80, 128],
      [32, 80],
      [0, 32],
    ]);
  });

  it('cut a large tensor into parts of whole blocks, and leave its neighbours apart', () => {
    const { parameters, end } = layOut([100, 5 * BUCKET_BLOCK + 7, 50]);
    expect(end).toBe(112 + 5 * BUCKET_BLOCK + 16 + 64);
    expect(plain(cutBuckets(parameters, 2 * BUCKET_BLOCK, end))).toEqual([
      [112 + 5 * BUCKET_BLOCK + 16, end],
      [112, 112 + 2 * BUCKET_BLOCK],
      [112 + 2 * BUCKET_BLOCK, 112 + 4 * BUCKET_BLOCK],
      [112 + 4 * BUCKET_BLOCK, 112 + 5 * BUCKET_BLOCK + 16],
      [0, 112],
    ]);
  });

  it('are together the whole vector, each element once', () => {
    fc.assert(
      fc.property(models, ({ sizes, elements }) => {
        const { parameters, end } = layOut(sizes);
        const buckets = cutBuckets(parameters, elements, end);
        expect(buckets.map(({ index }) => index)).toEqual([...buckets.keys()]);
        let reached = 0;
        for (const bucket of buckets.toSorted((a, b) => a.start - b.start)) {
          expect(bucket.start).toBe(reached);
          expect(bucket.end).toBeGreaterThan(bucket.start);
          reached = bucket.end;
        }
        expect(reached).toBe(end);
      }),
    );
  });

  it('are cut between tensors, or at whole blocks from the start of one', () => {
    fc.assert(
      fc.property(models, ({ sizes, elements }) => {
        const { parameters, end } = layOut(sizes);
        for (const { start } of cutBuckets(parameters, elements, end)) {
          const tensor = parameters.findLast(({ offset }) => offset <= start);
          expect((start - (tensor?.offset ?? NaN)) % BUCKET_BLOCK).toBe(0);
        }
      }),
    );
  });

  it('come in the order of the backward pass: of two buckets of different tensors, the one behind is first', () => {
    fc.assert(
      fc.property(models, ({ sizes, elements }) => {
        const { parameters, end } = layOut(sizes);
        const tensorOf = ({ start }: Range): number => parameters.findLastIndex(({ offset }) => offset <= start);
        const tensors = cutBuckets(parameters, elements, end).map(tensorOf);
        expect(tensors).toEqual(tensors.toSorted((a, b) => b - a));
      }),
    );
  });

  it('are of about the size that is wanted', () => {
    fc.assert(
      fc.property(models, ({ sizes, elements }) => {
        const { parameters, end } = layOut(sizes);
        const most = Math.max(elements, BUCKET_BLOCK);
        for (const bucket of cutBuckets(parameters, elements, end)) {
          const length = bucket.end - bucket.start;
          // Small tensors are added until there is enough; parts of a large one are even, to the block.
          expect(length).toBeLessThan(2 * most + BUCKET_BLOCK);
        }
      }),
    );
  });

  it('are as many as owners can work on at once, within limits', () => {
    expect(bucketElements(100, 1)).toBe(2 ** 16);
    expect(bucketElements(2_000_000, 1)).toBe(500_000);
    expect(bucketElements(2_000_000, 3)).toBe(166_667);
    expect(bucketElements(100_000_000, 1)).toBe(2 ** 20);
  });

  it('can be found by an element', () => {
    const { parameters, end } = layOut([30, 6, 24, 4, 12, 3]);
    const buckets = cutBuckets(parameters, 40, end);
    expect([0, 31, 32, 79, 80, 127, 128].map((element) => bucketAt(buckets, element)?.index)).toEqual([
      2,
      2,
      1,
      1,
      0,
      0,
      undefined,
    ]);
  });
});

describe('the progress of buckets', () => {
  it('is complete with the last operation that writes to one', () => {
    const buckets: readonly Bucket[] = [
      { index: 0, start: 50, end: 100 },
      { index: 1, start: 0, end: 50 },
    ];
    const progress = new BucketProgress(buckets, [
      { start: 60, end: 100 },
      { start: 40, end: 60 },
      { start: 0, end: 40 },
    ]);
    expect([0, 1, 2].map((operation) => progress.ended(operation))).toEqual([[], [0], [1]]);
    progress.begin();
    expect([2, 1, 0].map((operation) => progress.ended(operation))).toEqual([[], [1], [0]]);
  });

  it('ends for each bucket with the last operation of those in order', () => {
    fc.assert(
      fc.property(models, ({ sizes, elements }) => {
        const { parameters, end } = layOut(sizes);
        const writes = parameters.map(({ offset, size }) => ({ start: offset, end: offset + size })).reverse();
        const progress = new BucketProgress(cutBuckets(parameters, elements, end), writes);
        const last = progress.lastOperations;
        expect([...writes.keys()].filter((operation) => progress.ended(operation).length > 0)).toEqual(
          [...last].toSorted((a, b) => a - b),
        );
      }),
    );
  });

  it('can be complete for several at once', () => {
    const { parameters, end } = layOut([5 * BUCKET_BLOCK]);
    const buckets = cutBuckets(parameters, BUCKET_BLOCK, end);
    expect(new BucketProgress(buckets, [{ start: 0, end: 5 * BUCKET_BLOCK }]).ended(0)).toEqual([0, 1, 2, 3, 4]);
  });

  it('tells of every bucket once, as soon as every tensor in it is written, in whatever order', () => {
    fc.assert(
      fc.property(models, fc.nat(), ({ sizes, elements }, order) => {
        const { parameters, end } = layOut(sizes);
        const buckets = cutBuckets(parameters, elements, end);
        const writes = parameters.map(({ offset, size }) => ({ start: offset, end: offset + size }));
        const progress = new BucketProgress(buckets, writes);
        const written = new Set<number>();
        const told: number[] = [];
        for (const operation of shuffled([...writes.keys()], order)) {
          written.add(operation);
          const complete = progress.ended(operation);
          told.push(...complete);
          const isWhole = ({ start, end: to }: Range): boolean =>
            writes.every((range, index) => written.has(index) || range.end <= start || range.start >= to);
          expect(told.toSorted((a, b) => a - b)).toEqual(buckets.filter(isWhole).map(({ index }) => index));
        }
        expect(new Set(told).size).toBe(told.length);
      }),
    );
  });
});
