import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { StarCollective } from '../../coordinator/collectives/star.js';
import { StepAttempt } from '../../coordinator/step-attempt.js';
import { LockstepError } from '../../src/common/errors.js';
import { Arena } from '../../src/kernels/arena.js';
import type { Kernels } from '../../src/kernels/kernels.js';
import { createReferenceKernels } from '../../src/kernels/reference/reference-kernels.js';
import type { GradientPart, ModelSnapshot, WorkerLink } from '../../src/protocol/link.js';
import type { Fence } from '../../src/protocol/messages.js';
import { foldTree, rootLevel, type TreeNode } from '../../src/reduce/tree.js';
import { shuffled } from '../support/cluster-order.js';

const ELEMENTS = 5;
const FENCE: Fence = { epoch: 1, step: 4, attempt: 1 };

let kernels: Kernels;
let blocks: number[];

beforeEach(() => {
  const arena = Arena.create(1_000);
  kernels = createReferenceKernels(arena, 0);
  blocks = Array.from({ length: 8 }, () => arena.allocate(ELEMENTS));
});

function attempt(workers: readonly string[], { shards = 8, batchCount = 16, fence = FENCE } = {}): StepAttempt {
  const work = { step: fence.step, weightsVersion: fence.step, dataEpoch: 0, firstPosition: 0, batchCount };
  return new StepAttempt(fence, work, shards, workers, []);
}

/** What shard `shard` contributes: sums of these depend on the order of the additions. */
const leaf = (shard: number): Float32Array<ArrayBuffer> =>
  Float32Array.from({ length: ELEMENTS }, (_, j) => (shard + 1) ** 9 / (j + 1) + 0.1);
const add = (x: Float32Array, y: Float32Array): Float32Array => x.map((value, j) => value + (y[j] ?? NaN));

function fold(node: TreeNode, step: StepAttempt, shards: number): Float32Array {
  const known = (child: TreeNode): Float32Array | null | undefined => {
    if (child.level > 0) return undefined;
    return step.holdsSamples(child.index) ? leaf(child.index) : null;
  };
  return foldTree(node, shards, known, add) ?? new Float32Array(ELEMENTS);
}

/** A vector in parts of `chunk` elements. */
function partsOf(node: TreeNode, values: Float32Array, chunk: number, fence = FENCE): GradientPart[] {
  return Array.from({ length: Math.ceil(values.length / chunk) }, (_, i) => {
    const part = values.slice(i * chunk, (i + 1) * chunk);
    return { fence, node, offset: i * chunk, bytes: new Uint8Array(part.buffer) };
  });
}

function partsOfAll(step: StepAttempt, workers: readonly string[], shards: number, chunk: number): GradientPart[] {
  return workers.flatMap((worker) =>
    step.nodesOf(worker).flatMap((node) => partsOf(node, fold(node, step, shards), chunk, step.fence)),
  );
}

function sumOf(star: StarCollective): Float32Array | null {
  return star.sum === null ? null : Float32Array.from(kernels.arena.view(star.sum, ELEMENTS));
}

describe('the star', () => {
  it('sums in tree order, whatever the workers, the parts and the order of arrival', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 8 }),
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 10 }),
        fc.integer({ min: 1, max: ELEMENTS }),
        fc.nat(),
        (shards, batchCount, count, chunk, order) => {
          const workers = Array.from({ length: count }, (_, rank) => `w${rank}`);
          const star = new StarCollective(kernels, blocks.slice(0, shards), ELEMENTS);
          const step = attempt(workers, { shards, batchCount });
          star.begin(step);
          const parts = shuffled(partsOfAll(step, workers, shards, chunk), order);
          for (const part of parts.slice(0, -1)) star.receive(part);
          expect(star.sum).toBeNull();
          for (const part of parts.slice(-1)) star.receive(part);
          expect(sumOf(star)).toEqual(fold({ level: rootLevel(shards), index: 0 }, step, shards));
        },
      ),
    );
  });

  it('takes bytes at any alignment', () => {
    const star = new StarCollective(kernels, blocks, ELEMENTS);
    star.begin(attempt(['a']));
    const values = leaf(3);
    const message = new Uint8Array(values.byteLength + 3);
    message.set(new Uint8Array(values.buffer), 3);
    star.receive({ fence: FENCE, node: { level: 3, index: 0 }, offset: 0, bytes: message.subarray(3) });
    expect(sumOf(star)).toEqual(values);
  });

  it('drops what belongs to another attempt', () => {
    const star = new StarCollective(kernels, blocks, ELEMENTS);
    star.receive({ fence: FENCE, node: { level: 3, index: 0 }, offset: 0, bytes: new Uint8Array(ELEMENTS * 4) });
    star.begin(attempt(['a']));
    for (const other of [{ epoch: 2 }, { step: 3 }, { attempt: 2 }]) {
      for (const part of partsOf({ level: 3, index: 0 }, leaf(1), ELEMENTS, { ...FENCE, ...other })) star.receive(part);
    }
    expect(star.sum).toBeNull();
  });

  it('forgets a half-finished attempt when the next one begins', () => {
    const star = new StarCollective(kernels, blocks.slice(0, 2), ELEMENTS);
    for (let number = 1; number <= 5; number += 1) {
      const workers = ['a', 'b'];
      const step = attempt(workers, { shards: 2, batchCount: 2, fence: { ...FENCE, attempt: number } });
      star.begin(step);
      expect(star.sum).toBeNull();
      const parts = partsOfAll(step, workers, 2, 2);
      // All attempts but the last end when a few parts have come.
      for (const part of parts.slice(0, number === 5 ? parts.length : number)) star.receive(part);
    }
    expect(sumOf(star)).toEqual(add(leaf(0), leaf(1)));
  });

  it('gives a block back as soon as it has been added', () => {
    // Eight partial sums, one after the other, through the four blocks that this order of arrival needs at most.
    const star = new StarCollective(kernels, blocks.slice(0, 4), ELEMENTS);
    const workers = Array.from({ length: 8 }, (_, rank) => `w${rank}`);
    const step = attempt(workers);
    star.begin(step);
    for (const part of partsOfAll(step, workers, 8, ELEMENTS)) star.receive(part);
    expect(sumOf(star)).toEqual(fold({ level: 3, index: 0 }, step, 8));
  });

  it('says what to do when there are too few blocks', () => {
    const star = new StarCollective(kernels, blocks.slice(0, 1), ELEMENTS);
    star.begin(attempt(['a', 'b']));
    const receive = (index: number): void =>
      partsOf({ level: 2, index }, leaf(index), 2)
        .slice(0, 1)
        .forEach((part) => star.receive(part));
    receive(0);
    expect(() => receive(1)).toThrow(LockstepError);
    expect(() => receive(1)).toThrow('no room for more than 1 partial gradients');
  });

  it('refuses a part that reaches beyond the gradient', () => {
    const star = new StarCollective(kernels, blocks, ELEMENTS);
    star.begin(attempt(['a']));
    const part = { fence: FENCE, node: { level: 3, index: 0 }, offset: 2, bytes: new Uint8Array(4 * (ELEMENTS - 1)) };
    expect(() => star.receive(part)).toThrow('gradient of node 3:0 is too long');
    const neighbour = kernels.arena.view(blocks[1] ?? 0, ELEMENTS);
    expect(neighbour.every((value) => value === 0)).toBe(true);
  });

  it('hands a committed model to every worker', () => {
    const received: [string, ModelSnapshot][] = [];
    const link = (id: string): WorkerLink => ({
      id,
      send: () => undefined,
      sendModel: (snapshot) => received.push([id, snapshot]),
      sending: false,
      openGradients: () => undefined,
      close: () => undefined,
    });
    const snapshot = { version: 3, vector: leaf(0) };
    new StarCollective(kernels, blocks, ELEMENTS).broadcast(snapshot, [link('a'), link('b')]);
    expect(received).toEqual([
      ['a', snapshot],
      ['b', snapshot],
    ]);
  });
});
