import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { BucketSums } from '../../src/collective/bucket-sums.js';
import { LockstepError } from '../../src/common/errors.js';
import { Arena } from '../../src/kernels/arena.js';
import type { Kernels } from '../../src/kernels/kernels.js';
import { createReferenceKernels } from '../../src/kernels/reference/reference-kernels.js';
import type { Fence } from '../../src/protocol/messages.js';
import { ROOT, type Piece } from '../../src/protocol/piece.js';
import type { Bucket } from '../../src/reduce/buckets.js';
import { cutShards, dealShards } from '../../src/reduce/shards.js';
import { completeSubtrees, coveredShards, foldTree, rootLevel, type TreeNode } from '../../src/reduce/tree.js';
import { shuffled } from '../support/cluster-order.js';

const ELEMENTS = 12;
/** Last layer first; elements 3 and 4 belong to a bucket that is summed elsewhere. */
const BUCKETS: readonly Bucket[] = [
  { index: 0, start: 9, end: 12 },
  { index: 1, start: 5, end: 9 },
  { index: 3, start: 0, end: 3 },
];
const [LAST = { index: 0, start: 0, end: 0 }] = BUCKETS;
const FENCE: Fence = { epoch: 1, step: 4, attempt: 1 };

let kernels: Kernels;
let blocks: number[];

beforeEach(() => {
  const arena = Arena.create(1_000);
  kernels = createReferenceKernels(arena, 0);
  blocks = Array.from({ length: 8 }, () => arena.allocate(ELEMENTS));
});

/** Sums, and what they have come to: elements by the bucket's index. */
class Rig {
  readonly complete = new Map<number, Float32Array>();
  readonly sums: BucketSums;

  constructor(room = 8) {
    const place = ({ start }: Bucket, block: number): number => (blocks[block] ?? NaN) + start;
    this.sums = new BucketSums(kernels, 'float32', { blocks: room, place }, BUCKETS, ({ index, start, end }, sum) => {
      expect(this.complete.has(index)).toBe(false);
      this.complete.set(index, Float32Array.from(kernels.arena.view(sum, end - start)));
    });
  }

  begin(totalShards: number, batchCount = 2 * totalShards, fence = FENCE): this {
    const shards = cutShards(batchCount, totalShards);
    this.complete.clear();
    this.sums.begin({ fence, totalShards, holdsSamples: (shard) => (shards[shard]?.rows ?? 0) > 0 });
    return this;
  }

  receive(pieces: readonly Piece[]): this {
    for (const piece of pieces) this.sums.receive(piece);
    return this;
  }
}

/** What shard `shard` contributes: sums of these depend on the order of the additions. */
const leaf = (shard: number): Float32Array<ArrayBuffer> =>
  Float32Array.from({ length: ELEMENTS }, (_, j) => (shard + 1) ** 9 / (j + 1) + 0.1);
const add = (x: Float32Array, y: Float32Array): Float32Array => x.map((value, j) => value + (y[j] ?? NaN));

/** The sum of a node over the shards that hold samples; null when none does. */
function fold(node: TreeNode, totalShards: number, batchCount: number): Float32Array | null {
  const shards = cutShards(batchCount, totalShards);
  const known = (child: TreeNode): Float32Array | null | undefined => {
    if (child.level > 0) return undefined;
    return (shards[child.index]?.rows ?? 0) > 0 ? leaf(child.index) : null;
  };
  return foldTree(node, totalShards, known, add);
}

/** The part of a vector that belongs to a bucket, in pieces of `chunk` elements. */
function piecesOf(node: TreeNode, values: Float32Array, { start, end }: Bucket, chunk = ELEMENTS): Piece[] {
  return Array.from({ length: Math.ceil((end - start) / chunk) }, (_, i) => {
    const from = start + i * chunk;
    const part = values.slice(from, Math.min(end, from + chunk));
    const bytes = new Uint8Array(part.buffer);
    return { kind: 'gradient', fence: FENCE, node, start: from, count: part.length, format: 'float32', bytes };
  });
}

/** Everything that so many workers send. */
function everything(workers: number, totalShards: number, batchCount: number, chunk = ELEMENTS): Piece[] {
  const shards = cutShards(batchCount, totalShards);
  const nodes = dealShards(totalShards, workers)
    .flatMap(({ first, end }) => completeSubtrees(first, end, totalShards))
    .filter((node) => (shards[coveredShards(node, totalShards).first]?.rows ?? 0) > 0);
  return BUCKETS.flatMap((bucket) =>
    nodes.flatMap((node) => {
      const sum = fold(node, totalShards, batchCount);
      return sum === null ? [] : piecesOf(node, sum, bucket, chunk);
    }),
  );
}

function expected(totalShards: number, batchCount: number): Map<number, Float32Array> {
  const whole = fold({ level: rootLevel(totalShards), index: 0 }, totalShards, batchCount);
  return new Map(BUCKETS.map(({ index, start, end }) => [index, whole?.slice(start, end) ?? new Float32Array()]));
}

const byIndex = (sums: ReadonlyMap<number, Float32Array>): (readonly [number, Float32Array])[] =>
  [...sums].toSorted(([a], [b]) => a - b);

describe('the sums of buckets', () => {
  it('are added in tree order, whatever the workers, the pieces and the order of arrival', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 8 }),
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 10 }),
        fc.integer({ min: 1, max: 5 }),
        fc.nat(),
        (totalShards, batchCount, workers, chunk, order) => {
          const rig = new Rig(totalShards).begin(totalShards, batchCount);
          const pieces = shuffled(everything(workers, totalShards, batchCount, chunk), order);
          rig.receive(pieces.slice(0, -1));
          expect(rig.complete.size).toBe(BUCKETS.length - 1);
          rig.receive(pieces.slice(-1));
          expect(byIndex(rig.complete)).toEqual(byIndex(expected(totalShards, batchCount)));
        },
      ),
    );
  });

  it('are complete one by one, each with its last piece', () => {
    const rig = new Rig().begin(4);
    const seen: number[] = [];
    for (const piece of everything(2, 4, 8)) {
      rig.receive([piece]);
      seen.push(rig.complete.size);
    }
    expect(seen).toEqual([0, 1, 1, 2, 2, 3]);
    expect([...rig.complete.keys()]).toEqual([0, 1, 3]);
  });

  it('take a finished sum as it is', () => {
    const rig = new Rig().begin(8);
    const sum = (piece: Piece): Piece => ({ ...piece, kind: 'sum', node: ROOT });
    const pieces = piecesOf({ level: 5, index: 5 }, leaf(3), LAST, 2).map(sum);
    rig.receive(pieces.slice(0, 1));
    expect(rig.complete.size).toBe(0);
    rig.receive(pieces.slice(1));
    expect(rig.complete.get(0)).toEqual(leaf(3).slice(LAST.start));
  });

  it('take bytes at any alignment', () => {
    const rig = new Rig().begin(8);
    const message = new Uint8Array(12 + 3);
    message.set(new Uint8Array(leaf(3).buffer, LAST.start * 4), 3);
    const [piece] = piecesOf({ level: 3, index: 0 }, leaf(3), LAST);
    if (piece === undefined) throw new RangeError('a piece was made');
    rig.receive([{ ...piece, bytes: message.subarray(3) }]);
    expect(rig.complete.get(0)).toEqual(leaf(3).slice(LAST.start));
  });

  it('of vectors in the same memory are taken where they lie, without a block', () => {
    const rig = new Rig(0).begin(2);
    const { arena } = kernels;
    const places = [0, 1].map((shard) => {
      const place = arena.allocate(ELEMENTS);
      arena.view(place, ELEMENTS).set(leaf(shard));
      return place;
    });
    for (const bucket of BUCKETS) {
      for (const [index, place] of places.entries()) {
        const { start, end } = bucket;
        const bytes = new Uint8Array(arena.memory.buffer, (place + start) * 4, (end - start) * 4);
        const node = { level: 0, index };
        rig.receive([{ kind: 'gradient', fence: FENCE, node, start, count: end - start, format: 'float32', bytes }]);
      }
    }
    expect(byIndex(rig.complete)).toEqual(byIndex(expected(2, 4)));
    // Only the bytes of buckets that are summed here were touched.
    expect(arena.view(places[0] ?? 0, ELEMENTS).slice(3, 5)).toEqual(leaf(0).slice(3, 5));
  });

  it('are formed in the best place, and never where only others write', () => {
    const SHARDS = 8;
    const preferences = fc.array(fc.constantFrom(0, 1, 2), { minLength: SHARDS, maxLength: SHARDS });
    fc.assert(
      fc.property(preferences, fc.nat(), (wanted, order) => {
        const arena = Arena.create(2_000);
        const own = createReferenceKernels(arena, 0);
        const free = Array.from({ length: SHARDS }, () => arena.allocate(ELEMENTS));
        const places = wanted.map((_, shard) => {
          const place = arena.allocate(ELEMENTS);
          arena.view(place, ELEMENTS).set(leaf(shard));
          return place;
        });
        const preferenceAt = (at: number): number => wanted[places.findIndex((p) => at >= p && at < p + ELEMENTS)] ?? 1;
        const found = new Map<number, number>();
        const sums = new BucketSums(
          own,
          'float32',
          { blocks: SHARDS, place: ({ start }, block) => (free[block] ?? NaN) + start, preference: preferenceAt },
          BUCKETS,
          ({ index }, sum) => found.set(index, sum),
        );
        sums.begin({ fence: FENCE, totalShards: SHARDS, holdsSamples: () => true });
        const pieces = BUCKETS.flatMap(({ start, end }) =>
          places.map((place, index): Piece => {
            const bytes = new Uint8Array(arena.memory.buffer, (place + start) * 4, (end - start) * 4);
            const node = { level: 0, index };
            return { kind: 'gradient', fence: FENCE, node, start, count: end - start, format: 'float32', bytes };
          }),
        );
        for (const each of shuffled(pieces, order)) sums.receive(each);
        for (const { index, start, end } of BUCKETS) {
          const at = found.get(index) ?? NaN;
          expect(arena.view(at, end - start)).toEqual(expected(SHARDS, 2 * SHARDS).get(index));
          // One that others have mapped is among the operands at last, wherever there is one.
          expect(preferenceAt(at)).toBe(Math.max(1, ...wanted));
        }
        for (const [shard, place] of places.entries()) {
          if (wanted[shard] === 0) expect(arena.view(place, ELEMENTS)).toEqual(leaf(shard));
        }
      }),
    );
  });
});

describe('an attempt', () => {
  it('drops the pieces of any other', () => {
    const rig = new Rig();
    const pieces = piecesOf({ level: 3, index: 0 }, leaf(1), LAST);
    rig.receive(pieces).begin(8);
    for (const other of [{ epoch: 2 }, { step: 3 }, { attempt: 2 }])
      rig.receive(pieces.map((piece) => ({ ...piece, fence: { ...FENCE, ...other } })));
    expect(rig.complete.size).toBe(0);
    expect(rig.receive(pieces).complete.size).toBe(1);
  });

  it('is forgotten, half-finished, when the next one begins', () => {
    const rig = new Rig(2);
    for (let attempt = 1; attempt <= 5; attempt += 1) {
      const fence = { ...FENCE, attempt };
      rig.begin(2, 2, fence);
      const pieces = everything(2, 2, 2, 2).map((piece) => ({ ...piece, fence }));
      // All attempts but the last end when a few pieces have come.
      rig.receive(pieces.slice(0, attempt === 5 ? pieces.length : attempt));
    }
    expect(byIndex(rig.complete)).toEqual(byIndex(expected(2, 2)));
  });
});

describe('the room for partial sums', () => {
  it('is given back as soon as they have been added', () => {
    // Eight partial sums, one after the other, through the four blocks that this order of arrival needs at most.
    const rig = new Rig(4).begin(8);
    expect(byIndex(rig.receive(everything(8, 8, 16)).complete)).toEqual(byIndex(expected(8, 16)));
  });

  it('is not shared by buckets', () => {
    const rig = new Rig(1).begin(8);
    for (const bucket of BUCKETS) rig.receive(piecesOf({ level: 3, index: 0 }, leaf(1), bucket, 2));
    expect(rig.complete.size).toBe(BUCKETS.length);
  });

  it('may be too small, and then it is said what to do', () => {
    const rig = new Rig(1).begin(8);
    const receive = (index: number): Rig =>
      rig.receive(piecesOf({ level: 2, index }, leaf(index), LAST, 2).slice(0, 1));
    receive(0);
    expect(() => receive(1)).toThrow(LockstepError);
    expect(() => receive(1)).toThrow('no room for more than 1 partial gradients');
  });
});

describe('a piece is refused', () => {
  it.each([
    ['beyond its bucket', { start: 10, count: 3 }],
    ['of a bucket that is summed elsewhere', { start: 3, count: 2 }],
    ['beyond the vector', { start: 12, count: 1 }],
  ])('%s', (_, { start, count }) => {
    const rig = new Rig().begin(8);
    const bytes = new Uint8Array(count * 4).fill(1);
    const node = { level: 3, index: 0 };
    expect(() =>
      rig.receive([{ kind: 'gradient', fence: FENCE, node, start, count, format: 'float32', bytes }]),
    ).toThrow(`elements ${start} to ${start + count} are no part of a bucket summed here`);
    for (const block of blocks) expect(kernels.arena.view(block, ELEMENTS).every((value) => value === 0)).toBe(true);
  });

  it('with other bytes than its elements take', () => {
    const rig = new Rig().begin(8);
    const [piece] = piecesOf({ level: 3, index: 0 }, leaf(1), LAST);
    if (piece === undefined) throw new RangeError('a piece was made');
    expect(() => rig.receive([{ ...piece, bytes: piece.bytes.subarray(4) }])).toThrow(
      'a piece of 3 elements in float32 has 8 bytes',
    );
  });
});
