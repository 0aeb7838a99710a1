/**
 * The story of one step: what a coordinator and its two workers say to each other over gRPC, from the first word to the last.
 * Read it next to proto/lockstep/v1/lockstep.proto. How to read a line:
 *
 *   a → m   worker a sends m on its control stream        a ← m   the coordinator sends m to worker a
 *   a ⇒ m   the coordinator has pulled m from worker a    a ⇐ m   worker a has pulled m, from the coordinator or another worker
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { clusterJob, SIZES } from '../support/cluster-job.js';
import { storyBuckets, trainOverGrpc } from '../support/cluster-grpc.js';
import { TestCluster } from '../support/cluster.js';

const WORKERS = ['worker-1', 'worker-2'];

let log: readonly string[];

/** One step: 16 samples in 4 logical shards, two for each worker. At the end the training split, 50 samples in one shard, is scored. */
async function tell(collective: 'star' | 'mesh'): Promise<void> {
  const job = clusterJob('cluster.workers=2', 'cluster.transport=grpc', `cluster.collective=${collective}`);
  expect(storyBuckets(job).buckets).toHaveLength(2);
  ({ log } = await trainOverGrpc(job, { sizes: { train: 50, dev: null, test: null }, maxSteps: 1 }));
}

/** What a worker and the coordinator say on the worker's control stream, which keeps their order. */
function control(worker: string): string[] {
  return log
    .filter((line) => line.startsWith(worker) && /[→←]/.test(line))
    .map((line) => line.slice(worker.length + 1));
}

/** What was pulled, by whom and from whom, whatever the order. */
function pulled(): string[] {
  return log.filter((line) => /[⇒⇐]/.test(line)).toSorted();
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
  beforeAll(() => tell('star'));

  it('as a worker hears it', () => {
    expect(control('worker-1')).toEqual([
      // A worker introduces itself and learns what to load; it is planned for once it has.
      '→ hello',
      '← welcome',
      '→ ready',

      // Who takes part, and how gradients meet: here they all go to the coordinator.
      '← roster: star of worker-1, worker-2',

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
      '← roster: star of worker-1, worker-2',
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
    expectOrder(both('→ ready'), both('← roster: star of worker-1, worker-2'));
    expectOrder(both('← roster: star of worker-1, worker-2'), [
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
      expectOrder([`${worker} ⇐ model 0, all parameters`], [`${worker} → exchange 0: 1:${rank}`]);
    }
  });

  it('hands out the new parameters of a bucket as soon as its gradient is there, and not before', () => {
    for (const bucket of ['bucket 0', 'bucket 1']) {
      expectOrder(
        [`worker-1 ⇒ gradient 1:0, ${bucket}`, `worker-2 ⇒ gradient 1:1, ${bucket}`],
        both(`⇐ model 1, ${bucket}`),
      );
    }
  });

  it('is over when every report, every exchange and every gradient is there', () => {
    const everything = [
      ...both('→ stepReport'),
      'worker-1 → exchange 2: 1:0',
      'worker-2 → exchange 2: 1:1',
      ...['bucket 0', 'bucket 1'].flatMap((bucket) => [
        `worker-1 ⇒ gradient 1:0, ${bucket}`,
        `worker-2 ⇒ gradient 1:1, ${bucket}`,
      ]),
    ];
    expectOrder(everything, ['worker-2 ← evaluate: train, shards 0–1, model 1']);
  });

  it('is told completely by these lines; running statistics are for those who evaluate', () => {
    expect(pulled()).toEqual(
      [
        ...both('⇐ model 0, all parameters'),
        ...['bucket 0', 'bucket 1'].flatMap((bucket) => [
          `worker-1 ⇒ gradient 1:0, ${bucket}`,
          `worker-2 ⇒ gradient 1:1, ${bucket}`,
          ...both(`⇐ model 1, ${bucket}`),
        ]),
        'worker-2 ⇐ model 1, running statistics',
      ].toSorted(),
    );
  });
});

describe('the same step in a mesh', () => {
  beforeAll(() => tell('mesh'));

  it('sounds the same on the control streams, but for the roster', () => {
    expect(control('worker-1').slice(2)).toEqual([
      '→ ready',
      '← roster: mesh of worker-1, worker-2',
      '← plan: step 0, shards 0–2, model 0',
      '→ exchange 0: 1:0',
      '← exchange 0: result',
      '→ exchange 1: 1:0',
      '← exchange 1: result',
      '→ exchange 2: 1:0',
      '→ stepReport',
      '← shutdown: done',
    ]);
  });

  it('has each bucket summed by the worker that owns it; the coordinator gets one sum and sends the new parameters once', () => {
    expect(pulled()).toEqual(
      [
        ...both('⇐ model 0, all parameters'),
        // Worker 1 owns bucket 0, worker 2 bucket 1: each pulls what the other has formed of its own.
        'worker-1 ⇐ gradient 1:1, bucket 0',
        'worker-2 ⇐ gradient 1:0, bucket 1',
        'worker-1 ⇒ sum, bucket 0',
        'worker-2 ⇒ sum, bucket 1',
        // New parameters go to the owner, and from there to the other.
        ...both('⇐ model 1, bucket 0'),
        ...both('⇐ model 1, bucket 1'),
        'worker-2 ⇐ model 1, running statistics',
      ].toSorted(),
    );
    expectOrder(['worker-1 ⇐ gradient 1:1, bucket 0'], ['worker-1 ⇒ sum, bucket 0']);
    expectOrder(['worker-1 ⇒ sum, bucket 0'], both('⇐ model 1, bucket 0'));
    expectOrder(['worker-1 ⇐ model 1, bucket 0'], ['worker-2 ⇐ model 1, bucket 0']);
    expectOrder(['worker-2 ⇐ model 1, bucket 1'], ['worker-1 ⇐ model 1, bucket 1']);
  });
});

describe('a whole run over gRPC', () => {
  it.each(['star', 'mesh'])('ends with the weights of a run by calls within the process: %s', async (collective) => {
    const within = new TestCluster();
    await within.run('a', 'b');
    const job = clusterJob('cluster.workers=3', 'cluster.transport=grpc', `cluster.collective=${collective}`);
    const over = await trainOverGrpc(job, { sizes: SIZES });
    expect(over.weightsSha256).toBe(within.weightsSha256);
  });
});
