/** What a training pass has to do with the rest of the cluster, and what it comes to. */
import type { ActiveUnits, NodeValues, ShardReport } from '../src/protocol/messages.js';
import type { Bucket } from '../src/reduce/buckets.js';
import type { GradientNode } from './reduction.js';

/** How a pass reaches the rest of the cluster. */
export interface PassPort {
  /** Sends partial results that nobody here waits for; none, when the attempt is called off. */
  post(exchange: number, nodes: readonly NodeValues[]): void;
  /** Sends partial results and resolves with the merged vector; rejects when the attempt is called off. */
  exchange(exchange: number, nodes: readonly NodeValues[]): Promise<Float32Array>;
  /** Resolves when elements [0, end) of the model in use are there; rejects when the attempt is called off. */
  weights(end: number): Promise<void>;
  /** Whether they are there now. */
  hasWeights(end: number): boolean;
  /** The gradient sums of a bucket are formed; they stay unchanged until the next pass. */
  bucket(bucket: Bucket, nodes: readonly GradientNode[]): void;
}

export interface PassResult {
  readonly shards: readonly ShardReport[];
  readonly computeMs: number;
  readonly waitMs: number;
  /** Time in which threads had nothing to do because samples were not in place yet. */
  readonly dataWaitMs: number;
  /** See `StepReport`. */
  readonly activeUnits: readonly ActiveUnits[];
  readonly nonFiniteLayer: number | null;
}
