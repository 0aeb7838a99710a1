import { describe, expect, it } from 'vitest';
import { NO_TRACER } from '../../src/common/trace.js';
import { createReferenceKernels } from '../../src/kernels/reference/reference-kernels.js';
import { COORDINATOR } from '../../src/protocol/link.js';
import { PART_ALIGNMENT, bytesAt, placeIn, wholePages, type MemoryPart } from '../../src/protocol/memory-part.js';
import type { CollectiveName, Fence, MemoryOffer, Roster } from '../../src/protocol/messages.js';
import { ROOT, type Piece } from '../../src/protocol/piece.js';
import type { Bucket } from '../../src/reduce/buckets.js';
import { offerPart } from '../../src/transport/shared-part.js';
import { Reduction, type GradientNode } from '../../worker/reduction.js';

const ELEMENTS = 10;
const SHARDS = 4;
/** In a mesh of a, b and c: bucket 0 is a's, 1 is b's, 2 is c's, 3 is a's again. */
const BUCKETS: readonly Bucket[] = [
  { index: 0, start: 7, end: 10 },
  { index: 1, start: 4, end: 7 },
  { index: 2, start: 2, end: 4 },
  { index: 3, start: 0, end: 2 },
];
const MEMBERS = ['a', 'b', 'c'];
const fence = (step: number, attempt = 1, epoch = 1): Fence => ({ epoch, step, attempt });

function roster(collective: CollectiveName, members = MEMBERS): Roster {
  return {
    type: 'roster',
    epoch: 1,
    collective,
    bucketElements: 3,
    members: members.map((id) => ({ id, address: null })),
  };
}

interface Sent {
  readonly to: string;
  readonly piece: Piece;
}

function member(self: string, collective: CollectiveName, members = MEMBERS) {
  const sent: Sent[] = [];
  const reduction = new Reduction({
    self,
    createKernels: createReferenceKernels,
    gradients: null,
    parameterElements: ELEMENTS,
    shards: SHARDS,
    gradientFormat: 'float32',
    tracer: NO_TRACER,
    send: (to, piece) => sent.push({ to, piece: { ...piece, bytes: Uint8Array.from(piece.bytes) } }),
  });
  reduction.adopt(roster(collective, members), BUCKETS);
  return { reduction, sent };
}

/** The sum of a node: whole numbers, whose sums do not depend on the order; the order is the business of bucket sums. */
function node(level: number, index: number, factor: number): GradientNode {
  return { level, index, values: Float32Array.from({ length: ELEMENTS }, (_, j) => factor * (j + 1)) };
}

function pieceOf({ level, index, values }: GradientNode, { start, end }: Bucket, of = fence(0)): Piece {
  const bytes = new Uint8Array(values.slice(start, end).buffer);
  return {
    kind: 'gradient',
    fence: of,
    node: { level, index },
    start,
    count: end - start,
    format: 'float32',
    bytes,
  };
}

const valuesOf = ({ bytes }: Piece): number[] => [...new Float32Array(Uint8Array.from(bytes).buffer)];
const summary = (sent: readonly Sent[]): string[] =>
  sent.map(({ to, piece }) => `${piece.kind} ${piece.start}+${piece.count} to ${to}: ${valuesOf(piece).join(' ')}`);

const [B0, B1, B2, B3] = BUCKETS as readonly [Bucket, Bucket, Bucket, Bucket];

describe.runIf(process.platform === 'linux')('in a mesh on one host', () => {
  it('sums are formed in what their owner has computed, and others are only read', () => {
    const memories = MEMBERS.map(() => {
      const { buffer } = new WebAssembly.Memory({ initial: 2, maximum: 2, shared: true });
      return wholePages(buffer, PART_ALIGNMENT, ELEMENTS * 4);
    });
    const offers = memories.map((part) => offerPart(part).offer);
    const members = MEMBERS.map((id, i) => ({ id, address: null, gradients: offers[i] as MemoryOffer }));
    const sent: Sent[] = [];
    const reductions = MEMBERS.map((self, i) => {
      const reduction = new Reduction({
        self,
        createKernels: createReferenceKernels,
        gradients: memories[i] as MemoryPart,
        parameterElements: ELEMENTS,
        shards: SHARDS,
        gradientFormat: 'float32',
        tracer: NO_TRACER,
        send: (to, piece) => sent.push({ to, piece }),
      });
      reduction.adopt({ ...roster('mesh'), members }, BUCKETS);
      return reduction;
    });
    /** Shards 0 and 1 are a's, 2 is b's, 3 is c's. */
    const nodes = [node(1, 0, 1), node(0, 2, 10), node(0, 3, 100)].map(({ level, index, values }, i) => {
      const { buffer, byteOffset } = memories[i] as MemoryPart;
      const own = new Float32Array(buffer, byteOffset, ELEMENTS);
      own.set(values);
      return { level, index, values: own };
    });
    for (const reduction of reductions) reduction.begin({ fence: fence(0), batchCount: 8, ahead: false });
    reductions.forEach((reduction, i) => {
      for (const bucket of BUCKETS) reduction.ready(bucket, [nodes[i] as GradientNode]);
    });
    // What is sent lies in the sender's memory; its receiver finds it in its own.
    for (const { to, piece } of sent.splice(0)) {
      const from = memories.findIndex((part) => placeIn(part, piece.bytes) !== null);
      const [receiver, source] = [reductions[MEMBERS.indexOf(to)], MEMBERS[from]];
      const mapped = receiver?.mappedOf(source ?? '');
      const place = placeIn(memories[from] as MemoryPart, piece.bytes);
      if (receiver === undefined || mapped === null || mapped === undefined || place === null)
        throw new RangeError(`${piece.kind} for ${to} is not shared`);
      receiver.receive({ ...piece, bytes: bytesAt(mapped, place, piece.bytes.byteLength) as Uint8Array });
    }
    const sums = sent.map(({ to, piece }) => {
      expect([piece.kind, to]).toEqual(['sum', COORDINATOR]);
      const owner = BUCKETS.findIndex(({ start }) => start === piece.start) % MEMBERS.length;
      expect(placeIn(memories[owner] as MemoryPart, piece.bytes)).toBe(piece.start * 4);
      return [piece.start, ...valuesOf(piece)];
    });
    const whole = (start: number, end: number) => Array.from({ length: end - start }, (_, j) => 111 * (start + j + 1));
    expect(sums.toSorted(([x = 0], [y = 0]) => x - y)).toEqual(
      BUCKETS.toReversed().map(({ start, end }) => [start, ...whole(start, end)]),
    );
    // Where a bucket is another's, what was computed stands as it was.
    expect(nodes[1]?.values[9]).toBe(100);
    expect(nodes[2]?.values[9]).toBe(1000);
  });
});

describe('in a star', () => {
  it('every sum goes to the coordinator, with the fence and node that it belongs to', () => {
    const { reduction, sent } = member('b', 'star');
    reduction.begin({ fence: fence(0), batchCount: 8, ahead: false });
    reduction.ready(B1, [node(0, 1, 1), node(1, 1, 10)]);
    expect(summary(sent)).toEqual(['gradient 4+3 to coordinator: 5 6 7', 'gradient 4+3 to coordinator: 50 60 70']);
    expect(sent.map(({ piece }) => [piece.fence, piece.node])).toEqual([
      [fence(0), { level: 0, index: 1 }],
      [fence(0), { level: 1, index: 1 }],
    ]);
  });

  it('nobody is told of new weights', () => {
    const { reduction, sent } = member('a', 'star');
    reduction.passOn({ ...pieceOf(node(0, 0, 1), B0), kind: 'weights' }, new Float32Array(ELEMENTS));
    expect(sent).toEqual([]);
  });
});

describe('in a mesh', () => {
  it('a sum goes to the owner of its bucket', () => {
    const { reduction, sent } = member('b', 'mesh');
    reduction.begin({ fence: fence(0), batchCount: 8, ahead: false });
    for (const bucket of BUCKETS) reduction.ready(bucket, [node(1, 1, 1)]);
    expect(summary(sent)).toEqual(['gradient 7+3 to a: 8 9 10', 'gradient 2+2 to c: 3 4', 'gradient 0+2 to a: 1 2']);
  });

  it('the owner finishes the sums of a step before it begins the next one, which it is told of ahead', () => {
    const { reduction, sent } = member('c', 'mesh');
    reduction.begin({ fence: fence(0), batchCount: 8, ahead: false });
    reduction.ready(B2, [node(0, 3, 1)]);
    reduction.begin({ fence: fence(1), batchCount: 8, ahead: true });
    // Others are done with the step; one is ahead already.
    reduction.receive(pieceOf(node(0, 2, 10), B2, fence(1)));
    reduction.receive(pieceOf(node(0, 2, 10), B2));
    expect(sent).toEqual([]);
    reduction.receive(pieceOf(node(1, 0, 100), B2));
    expect(summary(sent.splice(0))).toEqual(['sum 2+2 to coordinator: 333 444']);
    reduction.ready(B2, [node(0, 3, 2)]);
    reduction.receive(pieceOf(node(1, 0, 100), B2, fence(1)));
    expect(sent.map(({ piece }) => piece.fence)).toEqual([fence(1)]);
    expect(summary(sent)).toEqual(['sum 2+2 to coordinator: 336 448']);
  });

  it('the owner adds them to its own, and sends the coordinator what they come to', () => {
    const { reduction, sent } = member('a', 'mesh');
    reduction.begin({ fence: fence(0), batchCount: 8, ahead: false });
    reduction.receive(pieceOf(node(0, 2, 100), B0));
    reduction.ready(B0, [node(1, 0, 1)]);
    expect(sent).toEqual([]);
    reduction.receive(pieceOf(node(0, 3, 1000), B0));
    expect(summary(sent)).toEqual(['sum 7+3 to coordinator: 8808 9909 11010']);
    expect(sent[0]?.piece).toMatchObject({ fence: fence(0), node: ROOT });
    // The other bucket that it owns is summed on its own.
    reduction.receive(pieceOf(node(0, 2, 10), B3));
    reduction.receive(pieceOf(node(0, 3, 100), B3));
    reduction.ready(B3, [node(1, 0, 1)]);
    expect(summary(sent.slice(1))).toEqual(['sum 0+2 to coordinator: 111 222']);
  });

  it('leaves the gradients of the engine as they are', () => {
    const { reduction } = member('a', 'mesh');
    const own = node(1, 0, 1);
    reduction.begin({ fence: fence(0), batchCount: 8, ahead: false });
    reduction.ready(B0, [own]);
    reduction.receive(pieceOf(node(1, 1, 5), B0));
    expect(own).toEqual(node(1, 0, 1));
  });

  it('shards without samples are not waited for', () => {
    const { reduction, sent } = member('a', 'mesh');
    reduction.begin({ fence: fence(0), batchCount: 2, ahead: false });
    reduction.ready(B0, [node(0, 0, 1)]);
    reduction.receive(pieceOf(node(0, 1, 1), B0));
    expect(summary(sent)).toEqual(['sum 7+3 to coordinator: 16 18 20']);
  });

  it('what comes before its plan is kept, although its bytes are used again', () => {
    const { reduction, sent } = member('a', 'mesh');
    const early = pieceOf(node(1, 1, 5), B0);
    // gRPC hands over Node buffers.
    const bytes = Buffer.from(early.bytes);
    reduction.receive({ ...early, bytes });
    bytes.fill(0xff);
    reduction.begin({ fence: fence(0), batchCount: 8, ahead: false });
    reduction.ready(B0, [node(1, 0, 1)]);
    expect(summary(sent)).toEqual(['sum 7+3 to coordinator: 48 54 60']);
  });

  it('what comes early is kept beyond the plan of an attempt in between', () => {
    const { reduction, sent } = member('a', 'mesh');
    reduction.begin({ fence: fence(0), batchCount: 8, ahead: false });
    reduction.receive(pieceOf(node(1, 1, 5), B0, fence(0, 3)));
    reduction.begin({ fence: fence(0, 2), batchCount: 8, ahead: false });
    reduction.begin({ fence: fence(0, 3), batchCount: 8, ahead: false });
    reduction.ready(B0, [node(1, 0, 1)]);
    expect(sent.map(({ piece }) => piece.fence)).toEqual([fence(0, 3)]);
  });

  it('what comes late is dropped', () => {
    const { reduction, sent } = member('a', 'mesh');
    reduction.begin({ fence: fence(4), batchCount: 8, ahead: false });
    reduction.ready(B0, [node(1, 0, 1)]);
    for (const old of [fence(3), fence(3, 9), fence(4, 0), fence(4, 1, 0)]) {
      reduction.receive(pieceOf(node(1, 1, 5), B0, old));
    }
    expect(sent).toEqual([]);
    reduction.begin({ fence: fence(5), batchCount: 8, ahead: false });
    reduction.receive(pieceOf(node(1, 1, 5), B0, fence(4)));
    reduction.ready(B0, [node(1, 0, 1)]);
    expect(sent).toEqual([]);
  });

  it('a new epoch has other owners, and calls off what is under way', () => {
    const { reduction, sent } = member('a', 'mesh');
    reduction.begin({ fence: fence(0), batchCount: 8, ahead: false });
    reduction.ready(B0, [node(1, 0, 1)]);
    reduction.adopt(roster('mesh', ['b', 'a']), BUCKETS);
    reduction.receive(pieceOf(node(1, 1, 5), B0));
    // Without a plan there is nothing to send.
    reduction.ready(B0, [node(1, 0, 1)]);
    expect(sent).toEqual([]);
    reduction.begin({ fence: fence(0, 2, 2), batchCount: 8, ahead: false });
    reduction.ready(B0, [node(1, 0, 1)]);
    expect(summary(sent)).toEqual(['gradient 7+3 to b: 8 9 10']);
    reduction.ready(B1, [node(1, 0, 1)]);
    reduction.receive(pieceOf(node(1, 1, 1), B1, fence(0, 2, 2)));
    expect(summary(sent.slice(1))).toEqual(['sum 4+3 to coordinator: 10 12 14']);
  });
});

describe('new weights', () => {
  const vector = Float32Array.from({ length: ELEMENTS }, (_, j) => -j);
  const weights = (start: number, count: number): Piece => ({
    ...pieceOf(node(0, 0, 1), { index: 0, start, end: start + count }, fence(9, 0, 0)),
    kind: 'weights',
  });

  it('of a bucket are passed on by its owner, part by part, from where they have been put', () => {
    const { reduction, sent } = member('b', 'mesh');
    reduction.passOn(weights(5, 2), vector);
    expect(summary(sent)).toEqual(['weights 5+2 to a: -5 -6', 'weights 5+2 to c: -5 -6']);
    expect(sent[0]?.piece.fence).toEqual(fence(9, 0, 0));
  });

  it.each([
    ['of a bucket of another', B2.start, 2],
    ['of everything, which the coordinator sends to whoever needs it', 0, ELEMENTS],
    ['behind the parameters, which are running statistics', ELEMENTS, 4],
  ])('%s are not passed on', (_, start, count) => {
    const { reduction, sent } = member('b', 'mesh');
    reduction.passOn(weights(start, count), new Float32Array(ELEMENTS + 4));
    expect(sent).toEqual([]);
  });

  it('are for the coordinator to hand out where no one else is a member', () => {
    const { reduction, sent } = member('a', 'mesh', ['a']);
    reduction.passOn(weights(7, 3), vector);
    expect(sent.filter(({ to }) => to === COORDINATOR || to === 'a')).toEqual([]);
  });
});
