/** Scores shards of a split, with running statistics: as many at a time as memory holds. */
import type { Tracer } from '../src/common/trace.js';
import type { Splits } from '../src/data/dataset.js';
import { evaluationShards, type Evaluate, type ShardScore } from '../src/protocol/messages.js';
import { cutShards } from '../src/reduce/shards.js';
import { shardBatch, slotOf } from './batches.js';
import type { ComputePool } from './compute-pool.js';
import type { Control } from './control.js';
import type { EngineTrace } from './engine-trace.js';
import type { WorkerLayout } from './layout.js';
import { inferenceSegment } from './segment-runner.js';
import type { ShardScores } from './shard-scores.js';
import type { Batch, Staging } from './staging.js';

/** Shards of an evaluation that are reported together: a message of at most some hundred kilobytes. */
const REPORTED_SHARDS = 64;

/** What the evaluations of an engine have in common. */
export interface EvaluationSurroundings {
  readonly splits: Splits;
  /** Rows that one pass can hold. */
  readonly maxRows: number;
  readonly layout: WorkerLayout;
  readonly control: Control;
  readonly pool: ComputePool;
  readonly staging: Staging;
  readonly scores: ShardScores;
  readonly tracer: Tracer;
  readonly trace: EngineTrace | null;
}

/** The shards to score: those of an `Evaluate`. */
export type EvaluationRange = Pick<Evaluate, 'split' | 'firstShard' | 'endShard' | 'mistakes'>;

/**
 * @param weights which of the two model vectors is in use
 * @param report takes the scores as they come, some at a time
 * @throws RangeError when there is no such split
 */
export async function evaluate(
  { splits, maxRows, layout, control, pool, staging, scores: shardScores, tracer, trace }: EvaluationSurroundings,
  { split, firstShard: first, endShard: end, mistakes }: EvaluationRange,
  weights: 0 | 1,
  report: (shards: readonly ShardScore[]) => void,
): Promise<void> {
  const dataset = splits[split];
  if (dataset === null) throw new RangeError(`this job has no ${split} split`);
  const totalShards = evaluationShards(dataset.size);
  const cut = cutShards(dataset.size, totalShards);
  const atOnce = Math.max(1, Math.floor(maxRows / Math.ceil(dataset.size / totalShards)));
  const endOf = (firstShard: number): number => Math.min(end, firstShard + atOnce);
  /** The samples of the shards from `firstShard` on that fit one pass. */
  const batchFrom = (firstShard: number): Batch => shardBatch(split, null, 0, cut.slice(firstShard, endOf(firstShard)));
  let scores: ShardScore[] = [];
  trace?.begin({});
  for (let firstShard = first; firstShard < end; firstShard += atOnce) {
    control.setPass({
      mode: 'inference',
      split,
      slot: await slotOf(batchFrom(firstShard), staging, tracer),
      step: 0,
      lossScale: 1,
      weights,
      firstShard,
      endShard: endOf(firstShard),
      totalShards,
      batchCount: dataset.size,
      board: null,
    });
    const running = pool.run(inferenceSegment(layout.program));
    staging.prepare(batchFrom(firstShard + atOnce));
    await running;
    scores.push(...shardScores.scores(control.pass.read(layout), cut[firstShard]?.start ?? 0, mistakes));
    if (scores.length < REPORTED_SHARDS && firstShard + atOnce < end) continue;
    report(scores);
    scores = [];
  }
  trace?.end();
}
