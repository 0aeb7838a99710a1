import { describe, expect, it } from 'vitest';
import { StepAttempt } from '../../coordinator/step-attempt.js';
import { Synchronization } from '../../coordinator/synchronization.js';
import { NO_TRACER } from '../../src/common/trace.js';
import type { CollectiveName, Fence } from '../../src/protocol/messages.js';
import { ROOT, type Piece } from '../../src/protocol/piece.js';
import { cutBuckets, type Bucket } from '../../src/reduce/buckets.js';
import { clusterJob, initialState } from '../support/cluster-job.js';
import { updateAtOnce } from '../support/one-shot-update.js';

const BUCKET_ELEMENTS = 40;
const BATCH = 16;
const SHARDS = 4;
/** A step of one batch. */
const ALONE = { isFirst: true, isLast: true, samples: BATCH };

/** The coordinator's part in a cluster whose workers are played by the test. */
class Rig {
  readonly cluster;
  readonly state;
  readonly sync: Synchronization;
  readonly buckets: readonly Bucket[];
  /** What was sent since the last look. */
  #sent: { readonly to: string; readonly piece: Piece }[] = [];
  #workers: readonly string[] = [];
  #epoch = 0;

  constructor(...overrides: readonly string[]) {
    this.cluster = clusterJob(...overrides);
    const { model } = this.cluster;
    this.state = initialState(this.cluster);
    this.sync = new Synchronization({
      model,
      state: this.state,
      tracer: NO_TRACER,
      gradientFormat: 'float32',
      isShared: () => false,
      send: (to, piece) => this.#sent.push({ to, piece }),
    });
    const parameters = model.tensors.filter(({ parameter }) => parameter !== null);
    this.buckets = cutBuckets(parameters, BUCKET_ELEMENTS, model.parameterElements);
  }

  adopt(collective: CollectiveName, ...workers: readonly string[]): this {
    this.#workers = workers;
    this.#epoch += 1;
    const members = workers.map((id) => ({ id, address: null }));
    this.sync.adopt({ type: 'roster', epoch: this.#epoch, collective, bucketElements: BUCKET_ELEMENTS, members });
    return this;
  }

  /** Plans the next step and brings everybody up to date who takes part in it. */
  begin(): Fence {
    const step = this.state.version;
    const fence = { epoch: this.#epoch, step, attempt: 1 };
    const work = { step, weightsVersion: step, dataEpoch: 0, firstPosition: 0, batchCount: BATCH, lossScale: 1 };
    const attempt = new StepAttempt(fence, work, SHARDS, this.#workers, [], this.sync.everyoneTakesPart);
    this.sync.begin(attempt, ALONE);
    for (const worker of attempt.participants) this.sync.bring(worker, false);
    return fence;
  }

  /** The finished sum of a bucket arrives. */
  sum({ start, end }: Bucket, fence: Fence, factor = 1): void {
    const bytes = new Uint8Array(new Float32Array(end - start).fill(factor).buffer);
    this.sync.receive({ kind: 'sum', fence, node: ROOT, start, count: end - start, format: 'float32', bytes });
  }

  /** A whole step. */
  step(): void {
    const fence = this.begin();
    for (const bucket of this.buckets) this.sum(bucket, fence);
    this.sync.commit([]);
  }

  /** What was sent since the last look: version, part and receiver. */
  sent(): string[] {
    const { parameterElements, vectorElements } = this.cluster.model;
    const lines = this.#sent.map(({ to, piece: { kind, fence, start, count } }) => {
      const bucket = this.buckets.find((candidate) => candidate.start === start && candidate.end === start + count);
      const part =
        count === parameterElements && start === 0
          ? 'parameters'
          : start === parameterElements && count === vectorElements - parameterElements
            ? 'statistics'
            : bucket === undefined
              ? `${start}+${count}`
              : `bucket ${bucket.index}`;
      expect(kind).toBe('weights');
      return `${part} of ${fence.step} to ${to}`;
    });
    this.#sent = [];
    return lines;
  }
}

describe('in a star', () => {
  it('everybody is sent the model before the first step, and new parameters bucket by bucket as sums come in', () => {
    const rig = new Rig().adopt('star', 'a', 'b');
    const fence = rig.begin();
    expect(rig.sent()).toEqual(['parameters of 0 to a', 'parameters of 0 to b']);
    expect(rig.buckets.length).toBeGreaterThan(2);
    for (const bucket of rig.buckets) {
      expect(rig.sync.complete).toBe(false);
      rig.sum(bucket, fence);
      expect(rig.sent()).toEqual([`bucket ${bucket.index} of 1 to a`, `bucket ${bucket.index} of 1 to b`]);
    }
    expect(rig.sync.complete).toBe(true);
    expect(rig.state.version).toBe(0);
    rig.sync.commit([]);
    expect(rig.state.version).toBe(1);
    // They know it all: the next plan needs no more.
    rig.begin();
    expect(rig.sent()).toEqual([]);
  });

  it('sends what will be committed', () => {
    const pieces: Piece[] = [];
    const { model } = clusterJob();
    const state = initialState(clusterJob());
    const sync = new Synchronization({
      model,
      state,
      tracer: NO_TRACER,
      gradientFormat: 'float32',
      isShared: () => false,
      send: (_, piece) => pieces.push(piece),
    });
    const rig = new Rig();
    const roster = {
      collective: 'star',
      bucketElements: BUCKET_ELEMENTS,
      members: [{ id: 'a', address: null }],
    } as const;
    sync.adopt({ type: 'roster', epoch: 1, ...roster });
    const fence = { epoch: 1, step: 0, attempt: 1 };
    const work = { step: 0, weightsVersion: 0, dataEpoch: 0, firstPosition: 0, batchCount: BATCH, lossScale: 1 };
    sync.begin(new StepAttempt(fence, work, SHARDS, ['a'], []), ALONE);
    for (const { start, end } of rig.buckets) {
      const bytes = new Uint8Array(new Float32Array(end - start).fill(2).buffer);
      sync.receive({ kind: 'sum', fence, node: ROOT, start, count: end - start, format: 'float32', bytes });
    }
    const arrived = new Float32Array(model.parameterElements);
    for (const { start, bytes } of pieces) new Uint8Array(arrived.buffer).set(bytes, start * 4);
    sync.commit([]);
    expect(arrived).toEqual(state.committed.slice(0, model.parameterElements));
    // The oracle: the same step in one piece.
    const whole = initialState(clusterJob());
    const [gradient = 0] = whole.gradientBlocks;
    whole.kernels.arena.view(gradient, model.parameterElements).fill(2);
    updateAtOnce(whole, model, { batchCount: BATCH, gradient });
    expect(state.tensors()).toEqual(whole.tensors());
  });

  it('sends new parameters when the step is committed where the norm of the whole gradient decides; the first layer first', () => {
    const rig = new Rig('training.clipNorm=1').adopt('star', 'a');
    const fence = rig.begin();
    rig.sent();
    for (const bucket of rig.buckets) rig.sum(bucket, fence);
    expect(rig.sent()).toEqual([]);
    rig.sync.commit([]);
    const fromTheFirst = rig.buckets.toSorted((a, b) => a.start - b.start);
    expect(rig.sent()).toEqual(fromTheFirst.map(({ index }) => `bucket ${index} of 1 to a`));
  });

  it('brings a worker up to date that comes later, or had no work for a while', () => {
    const rig = new Rig().adopt('star', 'a');
    rig.step();
    rig.sent();
    rig.adopt('star', 'a', 'b');
    rig.begin();
    expect(rig.sent()).toEqual(['parameters of 1 to b']);
    rig.adopt('star', 'a', 'b', 'c', 'd', 'e');
    // Four shards for five workers: the first has none.
    rig.step();
    rig.sent();
    rig.sync.bring('a', false);
    expect(rig.sent()).toEqual(['parameters of 2 to a']);
  });

  it('does not commit what an attempt that was called off has sent', () => {
    const rig = new Rig().adopt('star', 'a', 'b');
    const fence = rig.begin();
    rig.sum(rig.buckets[0] ?? { index: 0, start: 0, end: 0 }, fence);
    rig.sent();
    rig.sync.forget('b');
    rig.adopt('star', 'a');
    expect(rig.sync.complete).toBe(false);
    const again = rig.begin();
    expect(rig.sent()).toEqual([]);
    for (const bucket of rig.buckets) rig.sum(bucket, fence);
    expect(rig.sync.complete).toBe(false);
    for (const bucket of rig.buckets) rig.sum(bucket, again);
    expect(rig.sync.complete).toBe(true);
    expect(rig.sent()).toEqual(rig.buckets.map(({ index }) => `bucket ${index} of 1 to a`));
  });
});

describe('running statistics', () => {
  it('are sent to those who evaluate, once for each model', () => {
    const rig = new Rig().adopt('star', 'a', 'b');
    rig.step();
    rig.sent();
    rig.sync.bring('a', true);
    rig.sync.bring('a', true);
    expect(rig.sent()).toEqual(['statistics of 1 to a']);
    rig.step();
    rig.sent();
    rig.sync.bring('a', true);
    rig.sync.bring('c', true);
    expect(rig.sent()).toEqual(['statistics of 2 to a', 'parameters of 2 to c', 'statistics of 2 to c']);
  });

  it('are nothing to send where the model has none', () => {
    const rig = new Rig('model.layers=[{type: dense, units: 3}]').adopt('star', 'a');
    rig.step();
    rig.sent();
    rig.sync.bring('a', true);
    expect(rig.sent()).toEqual([]);
  });
});

describe('in a mesh', () => {
  it('new parameters of a bucket go to its owner alone, and everybody takes part', () => {
    const rig = new Rig().adopt('mesh', 'a', 'b');
    expect(rig.sync.everyoneTakesPart).toBe(true);
    const fence = rig.begin();
    expect(rig.sent()).toEqual(['parameters of 0 to a', 'parameters of 0 to b']);
    for (const bucket of rig.buckets) rig.sum(bucket, fence);
    expect(rig.sent()).toEqual(
      rig.buckets.map(({ index }) => `bucket ${index} of 1 to ${index % 2 === 0 ? 'a' : 'b'}`),
    );
    rig.sync.commit([]);
    rig.begin();
    expect(rig.sent()).toEqual([]);
  });

  it('a worker that comes is brought up to date alone', () => {
    const rig = new Rig().adopt('mesh', 'a', 'b');
    rig.step();
    rig.sent();
    rig.adopt('mesh', 'a', 'b', 'c').begin();
    expect(rig.sent()).toEqual(['parameters of 1 to c']);
  });

  it('everybody is brought up to date anew when one is lost: it may not have passed everything on', () => {
    const rig = new Rig().adopt('mesh', 'a', 'b', 'c');
    rig.step();
    rig.sent();
    rig.sync.forget('b');
    // For an evaluation there is no new roster.
    rig.sync.bring('a', true);
    expect(rig.sent()).toEqual(['parameters of 1 to a', 'statistics of 1 to a']);
    rig.adopt('mesh', 'a', 'c').begin();
    expect(rig.sent()).toEqual(['parameters of 1 to c']);
  });

  it('the same when it is lost with a step that is committed nevertheless', () => {
    const rig = new Rig().adopt('mesh', 'a', 'b');
    const fence = rig.begin();
    for (const bucket of rig.buckets) rig.sum(bucket, fence);
    rig.sync.forget('b');
    rig.sync.commit([]);
    rig.sent();
    rig.sync.bring('a', false);
    expect(rig.sent()).toEqual(['parameters of 1 to a']);
  });

  it('nothing is sent again when one is lost that was no member yet', () => {
    const rig = new Rig().adopt('mesh', 'a', 'b');
    rig.step();
    rig.sync.forget('late');
    rig.sent();
    rig.begin();
    expect(rig.sent()).toEqual([]);
  });

  it('everybody is brought up to date anew when a star takes its place', () => {
    const rig = new Rig().adopt('mesh', 'a', 'b');
    rig.step();
    rig.sent();
    rig.adopt('star', 'a', 'b').begin();
    expect(rig.sent()).toEqual(['parameters of 1 to a', 'parameters of 1 to b']);
    rig.step();
    rig.sent();
    rig.adopt('star', 'a', 'b').begin();
    expect(rig.sent()).toEqual([]);
  });
});
