import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ROOT, type Piece } from '../../src/protocol/piece.js';
import { ModelSlots } from '../../worker/model-slots.js';
import { generator, shuffled } from '../support/cluster-order.js';
import { settled } from '../support/cluster.js';

const LENGTH = 8;
/** Element j of a version. */
const value = (version: number, j: number): number => version * 100 + j;
const model = (version: number): number[] => Array.from({ length: LENGTH }, (_, j) => value(version, j));

function part(version: number, start = 0, end = LENGTH): Piece {
  const values = Float32Array.from(model(version).slice(start, end));
  return {
    kind: 'weights',
    fence: { epoch: 0, step: version, attempt: 0 },
    node: ROOT,
    start,
    count: end - start,
    format: 'float32',
    bytes: new Uint8Array(values.buffer),
  };
}

function fresh(): { readonly slots: ModelSlots; readonly inUse: () => number[] } {
  const vectors = [new Float32Array(LENGTH), new Float32Array(LENGTH)] as const;
  const slots = new ModelSlots(vectors);
  return { slots, inUse: () => [...vectors[slots.active]] };
}

/** What has become of a promise by now. */
async function stateOf(promise: Promise<void>): Promise<string> {
  let state = 'waiting';
  promise.then(
    () => (state = 'there'),
    (error: unknown) => (state = String(error)),
  );
  await settled();
  return state;
}

describe('the model vectors of a worker', () => {
  it('take the next version in while the other one is used', async () => {
    const { slots, inUse } = fresh();
    expect(slots.receive(part(0))).toBe(true);
    await slots.use(0);
    expect(inUse()).toEqual(model(0));
    expect(slots.receive(part(1, 4))).toBe(true);
    expect(inUse()).toEqual(model(0));
    await slots.use(1);
    expect([slots.has(4, LENGTH), slots.has(0, LENGTH)]).toEqual([true, false]);
    slots.receive(part(1, 0, 4));
    expect(slots.has(0, LENGTH)).toBe(true);
    expect(inUse()).toEqual(model(1));
  });

  it('put a version into use when the first of it comes, which says where it lies', async () => {
    const { slots } = fresh();
    slots.receive(part(3));
    await slots.use(3);
    const use = slots.use(4);
    expect(await stateOf(use)).toBe('waiting');
    slots.receive(part(4, 0, 2));
    expect(await stateOf(use)).toBe('there');
    expect([slots.has(0, 2), slots.has(0, 3)]).toEqual([true, false]);
  });

  it('keep what there is when a step begins again', async () => {
    const { slots } = fresh();
    slots.receive(part(2));
    await slots.use(2);
    slots.receive(part(3, 0, 5));
    await slots.use(2);
    expect(slots.has(0, LENGTH)).toBe(true);
    await slots.use(3);
    expect([slots.has(0, 5), slots.has(0, LENGTH)]).toEqual([true, false]);
  });

  it('drop what is older than the version in use', async () => {
    const { slots, inUse } = fresh();
    slots.receive(part(5));
    await slots.use(5);
    expect(slots.receive(part(4))).toBe(false);
    expect(slots.vectorOf(4)).toBeNull();
    expect(inUse()).toEqual(model(5));
  });

  it('know where a version lies', async () => {
    const { slots } = fresh();
    slots.receive(part(0));
    await slots.use(0);
    slots.receive(part(1, 0, 1));
    expect([...(slots.vectorOf(0) ?? [])]).toEqual(model(0));
    expect(slots.vectorOf(1)?.[0]).toBe(value(1, 0));
    expect(slots.vectorOf(2)).toBeNull();
  });

  it('find a piece that already lies in one of them there, without a copy', async () => {
    const memory = new Float32Array(2 * LENGTH);
    const vectors = [memory.subarray(0, LENGTH), memory.subarray(LENGTH)] as const;
    const slots = new ModelSlots(vectors);
    vectors[0].set(model(7));
    const bytes = new Uint8Array(memory.buffer, 0, LENGTH * 4);
    expect(slots.receive({ ...part(7), bytes })).toBe(true);
    await slots.use(7);
    expect(slots.active).toBe(0);
    expect([...vectors[0]]).toEqual(model(7));
    // A step was skipped: the same model under the next number.
    slots.receive({ ...part(8), bytes });
    await slots.use(8);
    expect([slots.active, slots.has(0, LENGTH)]).toEqual([0, true]);
  });
});

describe('whoever waits for a version', () => {
  it('goes on with the part that was missing', async () => {
    const { slots } = fresh();
    slots.receive(part(1, 2, 3));
    await slots.use(1);
    const half = slots.arrived(0, 4);
    const whole = slots.arrived(0, LENGTH);
    slots.receive(part(1, 2));
    expect([await stateOf(half), await stateOf(whole)]).toEqual(['waiting', 'waiting']);
    slots.receive(part(1, 0, 2));
    expect([await stateOf(half), await stateOf(whole)]).toEqual(['there', 'there']);
    expect(await stateOf(slots.arrived(3, 5))).toBe('there');
  });

  it('is not misled by another version', async () => {
    const { slots } = fresh();
    slots.receive(part(1, 2));
    await slots.use(1);
    const wait = slots.arrived(0, LENGTH);
    slots.receive(part(2));
    expect(await stateOf(wait)).toBe('waiting');
  });

  it('is let go with an error when it is called off', async () => {
    const { slots } = fresh();
    slots.receive(part(1, 2));
    await slots.use(1);
    const wait = slots.arrived(0, LENGTH);
    const use = slots.use(2);
    slots.cancel(new Error('called off'));
    expect(await Promise.all([wait, use].map(stateOf))).toEqual(['Error: called off', 'Error: called off']);
    // Whoever asks again waits again.
    const again = slots.arrived(0, LENGTH);
    expect(await stateOf(again)).toBe('waiting');
    slots.receive(part(1));
    expect(await stateOf(again)).toBe('there');
  });
});

describe('versions that come in parts, in any order, and again', () => {
  it('are what they were when they were sent', async () => {
    const cuts = fc.uniqueArray(fc.integer({ min: 1, max: LENGTH - 1 }), { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(fc.array(cuts, { minLength: 1, maxLength: 6 }), fc.nat(), async (versions, order) => {
        const { slots, inUse } = fresh();
        const next = generator(order);
        for (const [version, places] of versions.entries()) {
          const borders = [0, ...places.toSorted((a, b) => a - b), LENGTH];
          const parts = borders.slice(1).map((end, i) => part(version, borders[i], end));
          const repeated = shuffled([...parts, ...parts.slice(0, 2)], order + version);
          // Some of it comes before the version is put into use, the rest after.
          const early = next() % (repeated.length + 1);
          for (const piece of repeated.slice(0, early)) slots.receive(piece);
          const wait = slots.use(version).then(() => slots.arrived(0, LENGTH));
          for (const piece of repeated.slice(early)) slots.receive(piece);
          await wait;
          expect(inUse()).toEqual(model(version));
        }
      }),
    );
  });
});
