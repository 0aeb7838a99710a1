/**
 * The story of one step: what a coordinator and its two workers say to each other over gRPC, from the first word to the last.
 * Read it next to proto/lockstep/v1/lockstep.proto. How to read a line:
 *
 *   a → m   worker a sends m on its control stream        a ← m   the coordinator sends m to worker a
 *   a ⇒ m   the coordinator has pulled m from worker a    a ⇐ m   worker a has pulled m from the coordinator
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { clusterJob, SIZES } from '../support/cluster-job.js';
import { trainOverGrpc } from '../support/cluster-grpc.js';
import { TestCluster } from '../support/cluster.js';

const WORKERS = ['worker-1', 'worker-2'];

let log: readonly string[];

beforeAll(async () => {
  // 16 samples in 4 logical shards, two for each worker. At the end the training split, 50 samples in one shard, is scored.
  const job = clusterJob('cluster.workers=2');
  ({ log } = await trainOverGrpc(job, { sizes: { train: 50, dev: null, test: null }, maxSteps: 1 }));
});

/** What a worker and the coordinator say on the worker's control stream, which keeps their order. */
function control(worker: string): string[] {
  return log
    .filter((line) => line.startsWith(worker) && /[→←]/.test(line))
    .map((line) => line.slice(worker.length + 1));
}

/** When a line was written. It must be there, and only once. */
function at(line: string): number {
  expect(log.filter((other) => other === line)).toEqual([line]);
  return log.indexOf(line);
}

/** Every line of `earlier` comes before every line of `later`. */
function expectOrder(earlier: readonly string[], later: readonly string[]): void {
  for (const before of earlier)
    for (const after of later) expect(at(before), `${before} before ${after}`).toBeLessThan(at(after));
}

const both = (what: string): string[] => WORKERS.map((worker) => `${worker} ${what}`);

describe('the story of a step', () => {
  it('as a worker hears it', () => {
    expect(control('worker-1')).toEqual([
      // A worker introduces itself and learns what to load; it is planned for once it has.
      '→ hello',
      '← welcome',
      '→ ready',

      // The step. Workers take contiguous ranges of logical shards; node 1:0 of the reduction tree covers shards 0 and 1.
      '← plan: step 0, shards 0–2, model 0',
      // Batch norm, forward: moments of the shards meet at the coordinator, which tells everyone those of the batch.
      '→ exchange 0: 1:0',
      '← exchange 0: result',
      // Batch norm, backward: two sums.
      '→ exchange 1: 1:0',
      '← exchange 1: result',
      // A batch norm over each shard by itself: only the running statistics need the moments, and no worker waits for them.
      '→ exchange 2: 1:0',
      // Losses; gradients are being pulled meanwhile. With the last of both, the step is committed.
      '→ stepReport',

      // Nothing to evaluate for this one: a single shard is dealt to the last rank.
      '← shutdown: done',
    ]);
  });

  it('as the other worker hears it', () => {
    expect(control('worker-2')).toEqual([
      '→ hello',
      '← welcome',
      '→ ready',
      '← plan: step 0, shards 2–4, model 0',
      '→ exchange 0: 1:1',
      '← exchange 0: result',
      '→ exchange 1: 1:1',
      '← exchange 1: result',
      '→ exchange 2: 1:1',
      '→ stepReport',
      '← evaluate: train, shards 0–1, model 1',
      '→ evaluated',
      '← shutdown: done',
    ]);
  });

  it('begins when all workers that the job asks for are ready', () => {
    expectOrder(both('→ ready'), [
      'worker-1 ← plan: step 0, shards 0–2, model 0',
      'worker-2 ← plan: step 0, shards 2–4, model 0',
    ]);
  });

  it('answers an exchange when every part of it has come', () => {
    for (const exchange of [0, 1]) {
      expectOrder(
        [`worker-1 → exchange ${exchange}: 1:0`, `worker-2 → exchange ${exchange}: 1:1`],
        both(`← exchange ${exchange}: result`),
      );
    }
  });

  it('is computed with the model that the plan names, which has been pulled', () => {
    for (const [rank, worker] of WORKERS.entries()) {
      expectOrder([`${worker} → ready`], [`${worker} ⇐ model 0`]);
      expectOrder([`${worker} ⇐ model 0`], [`${worker} → exchange 0: 1:${rank}`]);
    }
  });

  it('hands out the next model when every report, every exchange and every gradient is there, and not before', () => {
    const everything = [
      ...both('→ stepReport'),
      'worker-1 → exchange 2: 1:0',
      'worker-2 → exchange 2: 1:1',
      'worker-1 ⇒ gradient 1:0',
      'worker-2 ⇒ gradient 1:1',
    ];
    expectOrder(everything, [...both('⇐ model 1'), 'worker-2 ← evaluate: train, shards 0–1, model 1']);
  });

  it('is told completely by these lines', () => {
    const streams = log.filter((line) => /[⇒⇐]/.test(line)).toSorted();
    expect(streams).toEqual(
      [...both('⇐ model 0'), ...both('⇐ model 1'), 'worker-1 ⇒ gradient 1:0', 'worker-2 ⇒ gradient 1:1'].toSorted(),
    );
  });
});

describe('a whole run over gRPC', () => {
  it('ends with the weights of a run by calls within the process', async () => {
    const within = new TestCluster();
    await within.run('a', 'b');
    const over = await trainOverGrpc(clusterJob('cluster.workers=3'), { sizes: SIZES });
    expect(over.weightsSha256).toBe(within.weightsSha256);
  });
});
