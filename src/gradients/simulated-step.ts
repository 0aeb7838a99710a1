import type { Exchange } from '../nn/layer.js';
import { TreeAccumulator } from '../reduce/accumulator.js';
import { mergeMoments, mergeSums, momentsToVariance, type MomentNode } from '../reduce/moments.js';
import { cutShards, type ShardRange } from '../reduce/shards.js';
import type { TreeNode } from '../reduce/tree.js';
import type { Batch, ExchangePart, Floats, PassEnd, PassPart, PassRig, ShardLoss } from './pass-rig.js';

export interface SimulatedWorker {
  readonly rig: PassRig;
  /** Its shards; the ranges of all workers together are the whole batch. */
  readonly range: ShardRange;
}

export interface StepSettings {
  readonly step?: number;
  readonly totalShards: number;
  /** Changes the order in which partial results arrive; must keep every element. */
  readonly arrive?: <T>(parcels: readonly T[]) => readonly T[];
}

export interface StepOutcome {
  /** Sum over the batch. */
  readonly loss: number;
  readonly correct: number;
  /** Sum over the batch, laid out like the parameters. */
  readonly gradient: Floats;
  /** Merged vectors by index, as workers get them: [mean | population variance], or sums. */
  readonly exchanges: readonly ExchangeOutcome[];
}

interface ExchangeOutcome {
  readonly exchange: Exchange;
  readonly values: Floats;
  readonly count: number;
}

/** One training pass over a batch: the workers run from exchange to exchange, and their partial results meet in the tree. */
export function simulateStep(workers: readonly SimulatedWorker[], batch: Batch, settings: StepSettings): StepOutcome {
  const { reports, exchanges, accumulate } = runPasses(workers, batch, settings, 'gradient');
  const gradients = reports.flatMap((report) => report.gradients.map((node) => [node, node.values] as const));
  const shards = shardLosses(reports);
  return {
    loss: shards.reduce((sum, shard) => sum + shard.loss, 0),
    correct: shards.reduce((sum, shard) => sum + shard.correct, 0),
    gradient: accumulate(gradients, addVectors),
    exchanges,
  };
}

/** The loss of a training pass, summed over the batch, without its backward half. */
export function simulateLoss(workers: readonly SimulatedWorker[], batch: Batch, settings: StepSettings): number {
  const { reports } = runPasses(workers, batch, settings, 'loss');
  return shardLosses(reports).reduce((sum, shard) => sum + shard.loss, 0);
}

/** Adds up what arrived for the nodes of the tree. */
type Accumulate = <T>(parcels: readonly (readonly [TreeNode, T])[], combine: (a: T, b: T) => T) => T;

function runPasses(
  workers: readonly SimulatedWorker[],
  batch: Batch,
  { step = 0, totalShards, arrive = (parcels) => parcels }: StepSettings,
  until: PassEnd,
): {
  readonly reports: readonly PassPart[];
  readonly exchanges: readonly ExchangeOutcome[];
  readonly accumulate: Accumulate;
} {
  const shards = cutShards(batch.targets.length, totalShards);
  const holdsSamples = (shard: number): boolean => (shards[shard]?.rows ?? 0) > 0;
  const accumulate: Accumulate = (parcels, combine) => {
    const sum = new TreeAccumulator(totalShards, holdsSamples, combine);
    for (const [node, value] of arrive(parcels)) sum.add(node, value);
    if (sum.sum === undefined) throw new RangeError('partial results are missing');
    return sum.sum;
  };

  const passes = workers
    .filter(({ range }) => range.end > range.first && holdsSamples(range.first))
    .map(({ rig, range }) => rig.train(batch, { step, totalShards, range }, until));
  const exchanges: ExchangeOutcome[] = [];
  const reports: PassPart[] = [];
  let states = passes.map((pass) => pass.next());
  while (reports.length === 0) {
    const parts: ExchangePart[] = [];
    for (const state of states) {
      if (state.done === true) reports.push(state.value);
      else parts.push(state.value);
    }
    const exchange = parts[0]?.exchange;
    if (exchange === undefined) break;
    if (reports.length > 0) throw new RangeError('some workers are done while others wait for an exchange');
    const merge = exchange.merge === 'moments' ? mergeMoments : mergeSums;
    const parcels = parts.flatMap((part) => part.nodes.map((node) => [node, node.value] as const));
    const whole: MomentNode = accumulate(parcels, merge);
    const values = exchange.merge === 'moments' ? momentsToVariance(whole) : whole.values;
    exchanges[exchange.index] = { exchange, values, count: whole.count };
    states = passes.map((pass) => pass.next(values));
  }
  return { reports, exchanges, accumulate };
}

function shardLosses(reports: readonly PassPart[]): readonly ShardLoss[] {
  return reports.flatMap((report) => report.shards).sort((a, b) => a.shard - b.shard);
}

/** left + right, rounded once to the precision of the vectors. */
function addVectors(left: Floats, right: Floats): Floats {
  const sum = left.slice();
  for (let i = 0; i < sum.length; i += 1) sum[i] = (left[i] ?? NaN) + (right[i] ?? NaN);
  return sum;
}
