import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { StepAttempt } from '../../coordinator/step-attempt.js';
import { DenseDataset } from '../../src/data/dense.js';
import type { LoadedData } from '../../src/data/load.js';
import { EpochSampler } from '../../src/data/sampler.js';
import { createWasmKernels } from '../../src/kernels/wasm/wasm-kernels.js';
import { buildModel, initializeModel } from '../../src/nn/model.js';
import { evaluationShards, type Plan, type ShardReport } from '../../src/protocol/messages.js';
import { cutBuckets } from '../../src/reduce/buckets.js';
import { offerFile, type OfferedMemory } from '../../src/transport/shared-part.js';
import { boardLayout } from '../../worker/exchange-board.js';
import type { Engine } from '../../worker/engine.js';
import { layoutOptions, measureLayout } from '../../worker/layout.js';
import type { PassPort } from '../../worker/pass-port.js';
import { scoresOf } from '../support/scored.js';
import { builtEngine } from '../support/built-engine.js';
import { batchNorm, dense, modelSpec } from '../support/model-spec.js';
import { PassRig } from '../../src/gradients/pass-rig.js';
import { normalValues, wholeValues } from '../support/random-values.js';
import { simulateStep } from '../../src/gradients/simulated-step.js';
import { tinyJob } from '../support/tiny-job.js';

const FEATURES = 6;
const SAMPLES = 300;
const BATCH = 45;
const SHARDS = 8;

const spec = modelSpec(dense(20, false), batchNorm(), { type: 'relu' }, { type: 'dropout', keepProb: 0.8 }, dense(3));
const model = buildModel(spec, [FEATURES]);
const job = tinyJob(spec, { batchSize: BATCH, shards: SHARDS });
const shared = (values: ArrayLike<number>): Float32Array<SharedArrayBuffer> => {
  const result = new Float32Array(new SharedArrayBuffer(values.length * 4));
  result.set(values);
  return result;
};
const features = shared(normalValues(SAMPLES * FEATURES, 51));
const labels = new Float64Array(new SharedArrayBuffer(SAMPLES * 8));
labels.set(wholeValues(SAMPLES, 3, 52));
const data: LoadedData = {
  splits: { train: new DenseDataset([FEATURES], features, labels), dev: null, test: null },
  featureShape: [FEATURES],
  classes: ['a', 'b', 'c'],
  labelName: null,
  featureNames: null,
  fingerprint: '',
};
const mean = Float32Array.from(normalValues(FEATURES, 53));
const inverseDeviation = Float32Array.from(normalValues(FEATURES, 54), (value) => 1 + value * value);
const vector = new Float32Array(model.vectorElements);
initializeModel(model, job.seed, vector);

/** Some tensors to a bucket. */
const buckets = cutBuckets(
  model.tensors.filter(({ parameter }) => parameter !== null),
  50,
  model.parameterElements,
);

/** The batch of a step as any worker sees it: in the order of the epoch, normalised. */
function batchAt(epoch: number, first: number, count: number) {
  const ids = new Uint32Array(count);
  new EpochSampler({ size: SAMPLES, seed: job.seed, shuffle: true }).fill(epoch, first, count, ids);
  const inputs = Array.from(ids).flatMap((id) =>
    Array.from({ length: FEATURES }, (_, j) => {
      const centred = Math.fround((features[id * FEATURES + j] ?? NaN) - (mean[j] ?? NaN));
      return Math.fround(centred * (inverseDeviation[j] ?? NaN));
    }),
  );
  return { inputs, targets: Array.from(ids, (id) => labels[id] ?? NaN) };
}

/** Has engines answer exchanges among themselves from now on, or not. */
function share(engines: readonly Engine[], board: OfferedMemory | null): void {
  const members = engines.map((_, index) => ({ id: `w${index}`, address: null }));
  for (const engine of engines)
    engine.setBoard({ epoch: 1, members, ...(board === null ? {} : { board: board.offer }) });
}

/** A step over several engines, their partial results merged by the coordinator's own decision code. */
async function trainStep(
  engines: readonly Engine[],
  place: { step: number; epoch: number; first: number; count: number },
  number = 1,
) {
  const { exchanges } = measureLayout(layoutOptions(job, model, SAMPLES, 1)).program;
  const work = {
    step: place.step,
    weightsVersion: 0,
    dataEpoch: place.epoch,
    firstPosition: place.first,
    batchCount: place.count,
    lossScale: 1,
  };
  const workers = engines.map((_, index) => `w${index}`);
  const attempt = new StepAttempt({ epoch: 1, step: place.step, attempt: number }, work, SHARDS, workers, exchanges);
  const asked = new Set<number>();
  const waiting = new Map<number, ((values: Float32Array) => void)[]>();
  const add = (exchange: number, nodes: Parameters<PassPort['post']>[1]): void => {
    const outcome = attempt.addExchange(exchange, nodes);
    if (outcome !== null) for (const answer of waiting.get(exchange) ?? []) answer(outcome.values);
  };
  const port: Omit<PassPort, 'bucket'> = {
    post: add,
    weights: () => Promise.resolve(),
    hasWeights: () => true,
    exchange: (exchange, nodes) =>
      new Promise((resolve) => {
        asked.add(exchange);
        waiting.set(exchange, [...(waiting.get(exchange) ?? []), resolve]);
        add(exchange, nodes);
      }),
  };
  const parts = await Promise.all(
    attempt.plans(false).map(async ({ worker, plan }: { worker: string; plan: Plan }) => {
      const engine = engines[workers.indexOf(worker)];
      if (engine === undefined) throw new Error(`no ${worker}`);
      const gradients = new Map<string, { readonly level: number; readonly index: number; values: Float32Array }>();
      const order: number[] = [];
      const { shards } = await engine.train(plan, 0, {
        ...port,
        bucket({ index: bucket, start, end }, nodes) {
          order.push(bucket);
          for (const { level, index, values } of nodes) {
            const key = `${level}:${index}`;
            const whole = gradients.get(key) ?? { level, index, values: new Float32Array(values.length).fill(NaN) };
            whole.values.set(values.subarray(start, end), start);
            gradients.set(key, whole);
          }
        },
      });
      // Every bucket once.
      expect(order.toSorted((a, b) => a - b)).toEqual(buckets.map(({ index }) => index));
      return { shards, gradients: [...gradients.values()] };
    }),
  );
  const sum = attempt.accumulator<Float32Array>((left, right) => left.map((value, i) => value + (right[i] ?? NaN)));
  for (const { gradients } of parts) for (const node of gradients) sum.add(node, node.values);
  const shards: readonly ShardReport[] = parts.flatMap((part) => part.shards);
  return {
    shards,
    gradient: sum.sum,
    asked: asked.size,
    complete: exchanges.every(({ index }) => attempt.outcome(index)),
  };
}

describe('an engine with real compute threads', () => {
  const engines: Engine[] = [];
  let teams: Readonly<Record<string, readonly Engine[]>> = {};
  const shared = (): OfferedMemory => {
    const { exchanges } = measureLayout(layoutOptions(job, model, SAMPLES, 1)).program;
    return offerFile(boardLayout(SHARDS, exchanges).bytes);
  };

  beforeAll(async () => {
    const { Engine: Built } = await builtEngine();
    for (const threads of [1, 2, 3]) {
      const engine = await Built.start({ job, model, data, backend: 'wasm', threads });
      engine.normalizeBy(mean, inverseDeviation);
      engine.vectors[0].set(vector);
      engine.setBuckets(buckets);
      engines.push(engine);
    }
    const [one, two, three] = engines;
    if (one === undefined || two === undefined || three === undefined) throw new Error('three engines were started');
    teams = {
      '1 thread': [one],
      '2 threads': [two],
      '3 threads': [three],
      'three workers of 1, 2 and 3 threads': engines,
      'the same at a board': engines,
    };
  });

  afterAll(async () => {
    await Promise.all(engines.map((engine) => engine.close()));
  });

  for (const [name, place] of Object.entries({
    'a full batch': { step: 0, epoch: 0, first: 0, count: BATCH },
    'the short last batch of a later epoch': { step: 13, epoch: 1, first: 270, count: 30 },
    'fewer samples than shards': { step: 4, epoch: 0, first: 180, count: 5 },
  })) {
    it(`${name}: the same reports and gradient bits, with any threads, as without threads at all`, async () => {
      const rig = new PassRig({
        model,
        loss: 'softmaxCrossEntropy',
        factory: createWasmKernels,
        maxRows: BATCH,
        maxShards: SHARDS,
      });
      rig.weights.set(vector);
      const batch = batchAt(place.epoch, place.first, place.count);
      const alone = { rig, range: { first: 0, end: SHARDS } };
      const expected = simulateStep([alone], batch, { step: place.step, totalShards: SHARDS });
      const reports: unknown[] = [];
      for (const [team, members] of Object.entries(teams)) {
        const atBoard = team === 'the same at a board';
        const board = atBoard ? shared() : null;
        share(members, board);
        const { shards, gradient, asked, complete } = await trainStep(members, place);
        board?.seal();
        expect(complete, team).toBe(true);
        expect(asked > 0, team).toBe(members.length > 1 && !atBoard);
        // Buffer.compare, since equality of numbers does not tell 0 from −0.
        const bits = (values: ArrayLike<number> | undefined) => Buffer.from(Float32Array.from(values ?? []).buffer);
        expect(Buffer.compare(bits(gradient), bits(expected.gradient)), team).toBe(0);
        expect(
          shards.reduce((sum, shard) => sum + shard.loss, 0),
          team,
        ).toBe(expected.loss);
        expect(
          shards.reduce((sum, shard) => sum + shard.correct, 0),
          team,
        ).toBe(expected.correct);
        reports.push([...shards].sort((a, b) => a.shard - b.shard).filter(({ shard }) => shard < place.count));
      }
      for (const report of reports) expect(report).toEqual(reports[0]);
    });
  }

  it.each([
    ['before it begins', () => Promise.resolve()],
    ['while it waits for the others', () => setTimeout(100)],
  ])('ends a pass at a board that is called off %s, and is ready for the next', async (_when, moment) => {
    const [, two, three] = engines;
    if (two === undefined || three === undefined) throw new Error('three engines were started');
    const members = [two, three];
    const place = { step: 2, epoch: 0, first: 90, count: BATCH };
    share(members, null);
    const expected = await trainStep(members, place);
    const board = shared();
    share(members, board);
    const plan: Plan = {
      type: 'plan',
      fence: { epoch: 1, step: place.step, attempt: 1 },
      ahead: false,
      weightsVersion: 0,
      dataEpoch: place.epoch,
      firstPosition: place.first,
      batchCount: place.count,
      lossScale: 1,
      firstShard: 0,
      endShard: 4,
    };
    const port: PassPort = {
      post: () => undefined,
      exchange: () => Promise.reject(new Error('answered at the board')),
      weights: () => Promise.resolve(),
      hasWeights: () => true,
      bucket: () => undefined,
    };
    const training = two.train(plan, 0, port);
    await moment();
    two.callOff();
    await expect(training).rejects.toThrow();
    const { gradient, shards } = await trainStep(members, place, 2);
    expect(gradient).toEqual(expected.gradient);
    expect(shards).toEqual(expected.shards);
    board.seal();
    share(members, null);
  });

  it('evaluates every shard of a split alike, together or one by one', async () => {
    const total = evaluationShards(SAMPLES);
    expect(total).toBe(2);
    const [one, two] = engines;
    if (one === undefined || two === undefined) throw new Error('two engines were started');
    const part = (firstShard: number, endShard: number) =>
      ({ split: 'train', firstShard, endShard, mistakes: 5 }) as const;
    const whole = await scoresOf(one, 0, part(0, total));
    expect(whole.map(({ shard }) => shard)).toEqual([0, 1]);
    expect(await scoresOf(two, 0, part(0, total))).toEqual(whole);
    expect([...(await scoresOf(two, 0, part(0, 1))), ...(await scoresOf(one, 0, part(1, 2)))]).toEqual(whole);
  });

  it('refuses a split that the job does not have', async () => {
    const [engine] = engines;
    if (engine === undefined) throw new Error('an engine was started');
    await expect(scoresOf(engine, 0, { split: 'dev', firstShard: 0, endShard: 1 })).rejects.toThrow(
      'this job has no dev split',
    );
  });

  it('uses the model vector that it is told to use', async () => {
    const [engine] = engines;
    if (engine === undefined) throw new Error('an engine was started');
    const first = { split: 'train', firstShard: 0, endShard: 1 } as const;
    const before = await scoresOf(engine, 0, first);
    engine.vectors[1].fill(0);
    // All outputs equal: log 3 for each of the 150 samples of the shard.
    const [zero] = await scoresOf(engine, 1, first);
    expect((zero?.loss ?? NaN) / 150).toBeCloseTo(Math.log(3), 6);
    expect(await scoresOf(engine, 0, first)).toEqual(before);
  });
});
