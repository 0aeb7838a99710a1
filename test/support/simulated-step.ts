import type { Exchange } from '../../src/nn/layer.js';
import { TreeAccumulator } from '../../src/reduce/accumulator.js';
import { mergeMoments, mergeSums, momentsToVariance, type MomentNode } from '../../src/reduce/moments.js';
import { cutShards, type ShardRange } from '../../src/reduce/shards.js';
import type { Batch, ExchangePart, Floats, PassPart, PassRig } from './pass-rig.js';

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
  readonly exchanges: readonly { readonly exchange: Exchange; readonly values: Floats; readonly count: number }[];
}

/** One training pass over a batch: the workers run from exchange to exchange, and their partial results meet in the tree. */
export function simulateStep(workers: readonly SimulatedWorker[], batch: Batch, settings: StepSettings): StepOutcome {
  const { step = 0, totalShards, arrive = (parcels) => parcels } = settings;
  const shards = cutShards(batch.targets.length, totalShards);
  const holdsSamples = (shard: number): boolean => (shards[shard]?.rows ?? 0) > 0;
  const accumulate = <T>(
    parcels: readonly (readonly [{ level: number; index: number }, T])[],
    combine: (a: T, b: T) => T,
  ): T => {
    const sum = new TreeAccumulator<T>(totalShards, holdsSamples, combine);
    for (const [node, value] of arrive(parcels)) sum.add(node, value);
    if (sum.sum === undefined) throw new Error('partial results are missing');
    return sum.sum;
  };

  const passes = workers
    .filter(({ range }) => range.end > range.first && holdsSamples(range.first))
    .map(({ rig, range }) => rig.train(batch, { step, totalShards, range }));
  const exchanges: { exchange: Exchange; values: Floats; count: number }[] = [];
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
    if (reports.length > 0) throw new Error('some workers are done while others wait for an exchange');
    const merge = exchange.merge === 'moments' ? mergeMoments : mergeSums;
    const parcels = parts.flatMap((part) => part.nodes.map((node) => [node, node.value] as const));
    const whole: MomentNode = accumulate(parcels, merge);
    const values = exchange.merge === 'moments' ? momentsToVariance(whole) : whole.values;
    exchanges[exchange.index] = { exchange, values, count: whole.count };
    states = passes.map((pass) => pass.next(values));
  }
  const lossShards = reports.flatMap((report) => report.shards).sort((a, b) => a.shard - b.shard);
  const gradients = reports.flatMap((report) => report.gradients.map((node) => [node, node.values] as const));
  return {
    loss: lossShards.reduce((sum, shard) => sum + shard.loss, 0),
    correct: lossShards.reduce((sum, shard) => sum + shard.correct, 0),
    gradient: accumulate(gradients, addVectors),
    exchanges,
  };
}

/** left + right, rounded once to the precision of the vectors. */
function addVectors(left: Floats, right: Floats): Floats {
  const sum = left.slice();
  for (let i = 0; i < sum.length; i += 1) sum[i] = (left[i] ?? NaN) + (right[i] ?? NaN);
  return sum;
}
