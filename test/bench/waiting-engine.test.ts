/** A worker that only waits must talk to the cluster exactly as one that computes. */
import { describe, expect, it } from 'vitest';
import { scaleJob, phaseOf } from '../../src/bench/scale/plan.js';
import { WaitingEngine } from '../../src/bench/scale/waiting-engine.js';
import { buildModel } from '../../src/nn/model.js';
import type { Plan, Welcome } from '../../src/protocol/messages.js';
import { cutBuckets } from '../../src/reduce/buckets.js';
import { trainingExchanges } from '../../coordinator/exchanges.js';

const WIDTHS = [64, 128, 64, 10];
const phases = [
  { steps: 2, waitMs: 0 },
  { steps: 3, waitMs: 5 },
];
const job = scaleJob({ widths: WIDTHS, workers: 4, collective: 'star', carrier: 'auto', phases });
const welcome: Welcome = {
  type: 'welcome',
  workerId: 'worker-1',
  runId: 'run',
  job,
  baseDir: '/',
  dataFingerprint: '',
  mean: new Float32Array(64),
  inverseDeviation: new Float32Array(64),
};
const plan: Plan = {
  type: 'plan',
  fence: { epoch: 1, step: 0, attempt: 1 },
  ahead: false,
  weightsVersion: 0,
  dataEpoch: 0,
  firstPosition: 0,
  batchCount: 64,
  firstShard: 16,
  endShard: 32,
  lossScale: 1,
};

describe('waiting engine', () => {
  const model = buildModel(job.model, [64]);

  it('takes part in every exchange, and hands over every bucket once, first the last layer', async () => {
    const engine = new WaitingEngine(welcome, () => 0);
    const buckets = cutBuckets(engine.parameters, 2_000, engine.parameterElements);
    engine.setBuckets(buckets);
    const log: string[] = [];
    for (let pass = 0; pass < 2; pass += 1) {
      log.length = 0;
      const { shards } = await engine.train(plan, 0, {
        post: (exchange, nodes) => void log.push(`post ${exchange} ${nodes.length}`),
        exchange: (exchange, nodes) => {
          log.push(`exchange ${exchange} ${nodes.length}`);
          return Promise.resolve(new Float32Array(nodes[0]?.values.length ?? 0));
        },
        hasWeights: () => true,
        weights: (end) => {
          log.push(`weights ${end}`);
          return Promise.resolve();
        },
        bucket: (bucket, nodes) => {
          expect(nodes).toMatchObject([{ level: 4, index: 1 }]);
          log.push(`bucket ${bucket.index}`);
        },
      });
      expect(shards.map(({ shard }) => shard)).toEqual(Array.from({ length: 16 }, (_, index) => 16 + index));
      const told = (what: string): number[] =>
        log.filter((line) => line.startsWith(what)).map((line) => Number(line.split(' ')[1]));
      const exchanges = trainingExchanges({ job, model });
      expect([...told('exchange'), ...told('post')].sort()).toEqual(exchanges.map(({ index }) => index));
      expect(told('bucket').sort((a, b) => a - b)).toEqual(buckets.map(({ index }) => index));
      expect(told('bucket')[0]).toBe(0);
      const weights = told('weights');
      expect(weights).toEqual([...weights].sort((a, b) => a - b));
    }
  });

  it('gives up with the attempt', async () => {
    const engine = new WaitingEngine(welcome, () => 0);
    engine.setBuckets(cutBuckets(engine.parameters, 2_000, engine.parameterElements));
    const calledOff = new Error('called off');
    const port = {
      post: () => undefined,
      exchange: () => Promise.reject(calledOff),
      weights: () => Promise.resolve(),
      hasWeights: () => true,
      bucket: () => undefined,
    };
    await expect(engine.train(plan, 0, port)).rejects.toBe(calledOff);
  });
});

describe('phases', () => {
  it('follow each other, and the last one stays', () => {
    expect([0, 1, 2, 4, 5, 100].map((step) => phaseOf(phases, step))).toEqual([0, 0, 1, 1, 1, 1]);
  });
});
