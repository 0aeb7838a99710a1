import { EpochSampler } from '../../src/data/sampler.js';
import { LockstepError } from '../../src/common/errors.js';
import { createReferenceKernels } from '../../src/kernels/reference/reference-kernels.js';
import type { Exchange } from '../../src/nn/layer.js';
import {
  evaluationShards,
  type NodeValues,
  type Plan,
  type Roster,
  type Evaluate,
  type ShardReport,
  type ShardScore,
} from '../../src/protocol/messages.js';
import type { Bucket, Extent } from '../../src/reduce/buckets.js';
import { mergeMoments, mergeSums, type MomentNode } from '../../src/reduce/moments.js';
import { cutShards } from '../../src/reduce/shards.js';
import { completeSubtrees, coveredShards, foldTree, type TreeNode } from '../../src/reduce/tree.js';
import type { AgentEngine } from '../../worker/session.js';
import type { PassPort, PassResult } from '../../worker/pass-port.js';
import type { GradientNode } from '../../worker/reduction.js';
import { SIZES, type ClusterJob } from './cluster-job.js';
import { scored } from './scored.js';

/** A number between −1 and 1 for a feature of a sample; any fixed function with some variety will do. */
const feature = (sample: number, j: number): number => Math.fround((((sample * 31 + j * 17 + 5) % 23) - 11) / 11);

const addVectors = (left: Float32Array, right: Float32Array): Float32Array =>
  left.map((x, j) => x + (right[j] as number));

interface Leaf {
  readonly shard: number;
  readonly samples: readonly number[];
}

/**
 * An engine whose numbers are made up but depend on everything that real ones do: the weights, the samples of each shard, the
 * outcome of every exchange, and the order of additions. A sample that is seen twice or not at all, a stale model, or a sum in
 * another order changes the final weights.
 */
export class ClusterEngine implements AgentEngine {
  readonly #cluster: ClusterJob;
  readonly #sampler: EpochSampler;
  readonly parts = null;
  readonly vectors: readonly [Float32Array, Float32Array];
  readonly createKernels = createReferenceKernels;
  readonly #gradients: Float32Array[];
  #active: Float32Array;
  #buckets: readonly Bucket[] = [];

  constructor(cluster: ClusterJob) {
    const { job, model } = cluster;
    this.#cluster = cluster;
    this.#sampler = new EpochSampler({ size: SIZES.train ?? 0, seed: job.seed, shuffle: job.training.shuffle });
    // Garbage shows when a pass reads what has not arrived.
    this.vectors = [new Float32Array(model.vectorElements).fill(7), new Float32Array(model.vectorElements).fill(9)];
    this.#active = this.vectors[0];
    // As in a real engine, the sums of a step take the place of those of the step before.
    this.#gradients = Array.from({ length: job.training.shards }, () => new Float32Array(model.parameterElements));
  }

  get parameters(): readonly Extent[] {
    return this.#cluster.model.tensors.filter(({ parameter }) => parameter !== null);
  }

  get parameterElements(): number {
    return this.#cluster.model.parameterElements;
  }

  setBuckets(buckets: readonly Bucket[]): void {
    this.#buckets = buckets;
  }

  setBoard({ board }: Pick<Roster, 'board'>): void {
    if (board !== undefined) throw new LockstepError('unavailable', 'no board is used here');
  }

  callOff(): void {
    // Whatever it waits for comes from its port.
  }

  async train(plan: Plan, weights: 0 | 1, port: PassPort): Promise<PassResult> {
    this.#active = this.vectors[weights];
    await port.weights(this.#cluster.model.parameterElements);
    const leaves = this.#leaves(plan);
    const nodes = this.#nodes(plan);
    const merged: Float32Array[] = [];
    for (const exchange of this.#cluster.exchanges) {
      const partials = nodes.map((node) => this.#partial(node, leaves, exchange));
      if (exchange.result === null) port.post(exchange.index, partials);
      else merged.push(await port.exchange(exchange.index, partials));
    }
    const sums = nodes.map((node, index) => {
      const values = this.#gradients[index] as Float32Array;
      values.set(this.#fold(node, (shard) => this.#gradient(leaves, shard, merged), addVectors));
      return { ...node, values };
    });
    for (const bucket of this.#buckets) {
      this.hand(bucket, sums, port);
      // The next bucket is ready a little later.
      await Promise.resolve();
    }
    return {
      shards: leaves.map((leaf) => this.#report(leaf.shard, leaf.samples)),
      computeMs: 1,
      waitMs: 0,
      dataWaitMs: 0,
      activeUnits: [],
      nonFiniteLayer: null,
    };
  }

  /** Hands a bucket over. */
  hand(bucket: Bucket, nodes: readonly GradientNode[], port: PassPort): void {
    port.bucket(bucket, nodes);
  }

  evaluate(
    { split, firstShard: first, endShard: end }: Pick<Evaluate, 'split' | 'firstShard' | 'endShard'>,
    weights: 0 | 1,
    report: (shards: readonly ShardScore[]) => void,
  ): Promise<void> {
    this.#active = this.vectors[weights];
    const size = SIZES[split] ?? 0;
    const shards = cutShards(size, evaluationShards(size)).slice(first, end);
    const reports = shards.map(({ start, rows }, index) => {
      const samples = Array.from({ length: rows }, (_, row) => start + row);
      return scored(this.#report(first + index, samples, this.#statistics()));
    });
    report(reports);
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** The samples of each shard of the plan. */
  #leaves({ dataEpoch, firstPosition, batchCount, firstShard, endShard }: Plan): Leaf[] {
    return cutShards(batchCount, this.#cluster.job.training.shards)
      .slice(firstShard, endShard)
      .map(({ start, rows }, index) => ({
        shard: firstShard + index,
        samples: Array.from({ length: rows }, (_, row) =>
          this.#sampler.sampleId(dataEpoch, firstPosition + start + row),
        ),
      }));
  }

  #nodes({ batchCount, firstShard, endShard }: Plan): TreeNode[] {
    const { shards } = this.#cluster.job.training;
    const rows = cutShards(batchCount, shards);
    return completeSubtrees(firstShard, endShard, shards).filter(
      (node) => (rows[coveredShards(node, shards).first]?.rows ?? 0) > 0,
    );
  }

  #fold<Value>(
    node: TreeNode,
    leaf: (shard: number) => Value | null,
    combine: (left: Value, right: Value) => Value,
  ): Value {
    const known = (child: TreeNode): Value | null | undefined => (child.level === 0 ? leaf(child.index) : undefined);
    const value = foldTree(node, this.#cluster.job.training.shards, known, combine);
    if (value === null) throw new RangeError(`node ${node.level}:${node.index} holds no samples`);
    return value;
  }

  #partial(node: TreeNode, leaves: readonly Leaf[], { merge, width, index }: Exchange): NodeValues {
    const leaf = (shard: number): MomentNode | null => {
      const samples = samplesOf(leaves, shard);
      if (samples.length === 0) return null;
      const features = merge === 'moments' ? width / 2 : width;
      const values = new Float32Array(width);
      for (let j = 0; j < features; j += 1) {
        const column = samples.map((sample) => feature(sample, j) * (1 + (this.#active[j] as number)) + index);
        const total = column.reduce((sum, x) => sum + x, 0);
        const mean = total / samples.length;
        values[j] = merge === 'moments' ? mean : total;
        if (merge === 'moments') values[features + j] = column.reduce((sum, x) => sum + (x - mean) ** 2, 0);
      }
      return { count: samples.length, values };
    };
    const { values } = this.#fold(node, leaf, merge === 'moments' ? mergeMoments : mergeSums);
    return { ...node, values: values as Float32Array };
  }

  #gradient(leaves: readonly Leaf[], shard: number, merged: readonly Float32Array[]): Float32Array | null {
    const samples = samplesOf(leaves, shard);
    if (samples.length === 0) return null;
    return new Float32Array(this.#cluster.model.parameterElements).map((_, j) => {
      const exchanged = merged.reduce((sum, values) => sum + (values[j % values.length] as number), 0);
      return samples.reduce(
        (sum, sample) => sum + feature(sample, j) * (0.1 + exchanged + (this.#active[j] as number)),
        0,
      );
    });
  }

  /** What running statistics contribute to an evaluation. */
  #statistics(): number {
    const { model } = this.#cluster;
    return this.#active.subarray(model.parameterElements).reduce((sum, value, j) => sum + value * (j + 1), 0);
  }

  #report(shard: number, samples: readonly number[], offset = 0): ShardReport {
    const loss = samples.reduce(
      (sum, sample) => sum + Math.abs(feature(sample, 1) - (this.#active[sample % 7] as number)),
      offset,
    );
    return {
      shard,
      loss,
      correct: samples.filter((sample) => feature(sample, 2) > (this.#active[0] as number)).length,
    };
  }
}

function samplesOf(leaves: readonly Leaf[], shard: number): readonly number[] {
  return leaves.find((leaf) => leaf.shard === shard)?.samples ?? [];
}
