/** Which samples a pass is about. */
import type { Tracer } from '../src/common/trace.js';
import { stepPosition } from '../src/data/sampler.js';
import type { Job, SplitName } from '../src/job/job.js';
import type { Plan } from '../src/protocol/messages.js';
import { cutShards, type Shard } from '../src/reduce/shards.js';
import type { Batch, SlotNumber, Staging } from './staging.js';

/** The samples of consecutive shards of a split whose first sample stands at `start`. */
export function shardBatch(
  split: SplitName,
  epoch: number | null,
  start: number,
  shards: readonly Pick<Shard, 'start' | 'rows'>[],
): Batch {
  const rows = shards.reduce((sum, shard) => sum + shard.rows, 0);
  return { split, epoch, first: start + (shards[0]?.start ?? 0), rows };
}

/** The samples of a plan. @param totalShards logical shards of a batch */
export function planBatch(
  plan: Pick<Plan, 'dataEpoch' | 'firstPosition' | 'batchCount' | 'firstShard' | 'endShard'>,
  totalShards: number,
): Batch {
  const shards = cutShards(plan.batchCount, totalShards).slice(plan.firstShard, plan.endShard);
  return shardBatch('train', plan.dataEpoch, plan.firstPosition, shards);
}

/** What the step after a plan's will ask for if this worker keeps its shards. @param size samples of the training split */
export function nextBatch(
  { fence, ...plan }: Plan,
  size: number,
  { batchSize, shards }: Pick<Job['training'], 'batchSize' | 'shards'>,
): Batch {
  const { epoch, first, count } = stepPosition(fence.step + 1, size, batchSize);
  return planBatch({ ...plan, dataEpoch: epoch, firstPosition: first, batchCount: count }, shards);
}

/** The slot that holds a batch, when it does; see {@link Staging.use}. */
export async function slotOf(batch: Batch, staging: Staging, tracer: Tracer): Promise<SlotNumber> {
  const slot = staging.use(batch);
  if (typeof slot === 'number') return slot;
  const start = performance.now();
  const number = await slot;
  tracer.span('event loop', 'wait for samples', start, performance.now());
  return number;
}
