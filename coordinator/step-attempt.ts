/**
 * One attempt at one step, decided purely: which exchanges are complete, which reports are missing. Knows no sockets and no
 * clock; tests build it by hand.
 */
import type { Exchange } from '../src/nn/layer.js';
import type { Fence, NodeValues, Plan, ShardReport, StepReport } from '../src/protocol/messages.js';
import { TreeAccumulator } from '../src/reduce/accumulator.js';
import { mergeMoments, mergeSums, momentsToVariance, type MomentNode } from '../src/reduce/moments.js';
import { cutShards, dealShards, type Shard, type ShardRange } from '../src/reduce/shards.js';
import { coveredShards, type TreeNode } from '../src/reduce/tree.js';

/** What a step computes, whoever computes it. */
export interface StepWork {
  readonly step: number;
  readonly weightsVersion: number;
  readonly dataEpoch: number;
  readonly firstPosition: number;
  readonly batchCount: number;
  readonly lossScale: number;
}

export interface Assignment {
  readonly worker: string;
  readonly range: ShardRange;
}

export interface ExchangeOutcome {
  /** The merged vector as workers want it: [mean | population variance], or sums. */
  readonly values: Float32Array;
  /** Values merged per feature. */
  readonly count: number;
}

export class StepAttempt {
  readonly fence: Fence;
  readonly work: StepWork;
  readonly shards: readonly Shard[];
  readonly assignments: readonly Assignment[];
  /** Those who are sent a plan and owe a report: workers with shards, or everybody. */
  readonly participants: readonly string[];
  readonly totalShards: number;
  readonly #exchanges: readonly Exchange[];
  readonly #sums: readonly TreeAccumulator<MomentNode>[];
  readonly #outcomes = new Map<number, ExchangeOutcome>();
  readonly #reports = new Map<string, StepReport>();

  /** Deals the shards to the workers in the order given; workers beyond the number of shards get none. */
  constructor(
    fence: Fence,
    work: StepWork,
    totalShards: number,
    workers: readonly string[],
    exchanges: readonly Exchange[],
    everyoneTakesPart = false,
  ) {
    this.fence = fence;
    this.work = work;
    this.shards = cutShards(work.batchCount, totalShards);
    this.totalShards = totalShards;
    this.#exchanges = exchanges;
    const ranges = dealShards(totalShards, workers.length);
    this.assignments = workers
      .map((worker, rank) => ({ worker, range: ranges[rank] ?? { first: 0, end: 0 } }))
      .filter(({ range }) => this.holdsSamples(range.first) && range.end > range.first);
    this.participants = everyoneTakesPart ? workers : this.assignments.map(({ worker }) => worker);
    this.#sums = exchanges.map(({ merge }) => this.accumulator(merge === 'moments' ? mergeMoments : mergeSums));
  }

  /** Whether any sample falls into a shard. */
  holdsSamples(shard: number): boolean {
    return (this.shards[shard]?.rows ?? 0) > 0;
  }

  accumulator<Value>(combine: (left: Value, right: Value) => Value): TreeAccumulator<Value> {
    return new TreeAccumulator(this.totalShards, (shard) => this.holdsSamples(shard), combine);
  }

  /** @param ahead Whether the step before is still under way. */
  plans(ahead: boolean): { readonly worker: string; readonly plan: Plan }[] {
    const { step: _step, ...work } = this.work;
    return this.participants.map((worker) => {
      const range = this.assignments.find((assignment) => assignment.worker === worker)?.range;
      const { first, end } = range ?? { first: 0, end: 0 };
      return { worker, plan: { type: 'plan', fence: this.fence, ahead, ...work, firstShard: first, endShard: end } };
    });
  }

  /** Takes one worker's part of an exchange; returns the outcome when this was the last part. */
  addExchange(exchange: number, nodes: readonly NodeValues[]): ExchangeOutcome | null {
    const sum = this.#sums[exchange];
    const shape = this.#exchanges[exchange];
    if (sum === undefined || shape === undefined || this.#outcomes.has(exchange)) return null;
    for (const node of nodes)
      sum.add(node, { count: this.#rowsBelow(node) * shape.valuesPerSample, values: node.values });
    if (sum.sum === undefined) return null;
    const values = (shape.merge === 'moments' ? momentsToVariance(sum.sum) : sum.sum.values) as Float32Array;
    const outcome = { values, count: sum.sum.count };
    this.#outcomes.set(exchange, outcome);
    return outcome;
  }

  /** The outcome of a complete exchange. */
  outcome(exchange: number): ExchangeOutcome | undefined {
    return this.#outcomes.get(exchange);
  }

  addReport(worker: string, report: StepReport): void {
    this.#reports.set(worker, report);
  }

  /** Whether every report and every exchange is in; gradients are counted by the collective. */
  get complete(): boolean {
    return this.#reports.size === this.participants.length && this.#outcomes.size === this.#exchanges.length;
  }

  get reports(): ReadonlyMap<string, StepReport> {
    return this.#reports;
  }

  /** Loss and right predictions over the batch, added in the order of the shards. */
  totals(): { readonly loss: number; readonly correct: number } {
    const shards = [...this.#reports.values()].flatMap((report) => report.shards);
    return addInOrder(shards);
  }

  #rowsBelow(node: TreeNode): number {
    const { first, end } = coveredShards(node, this.totalShards);
    let rows = 0;
    for (let shard = first; shard < end; shard += 1) rows += this.shards[shard]?.rows ?? 0;
    return rows;
  }
}

/** Sums reports in the order of their shards, so that the order of arrival leaves no trace. */
export function addInOrder(shards: readonly ShardReport[]): { readonly loss: number; readonly correct: number } {
  return [...shards]
    .sort((a, b) => a.shard - b.shard)
    .reduce((sum, { loss, correct }) => ({ loss: sum.loss + loss, correct: sum.correct + correct }), {
      loss: 0,
      correct: 0,
    });
}
