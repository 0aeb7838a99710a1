/**
 * A resolved job: what is trained, on what, how. Everything but `name` and `baselineError` is part of the result; nothing
 * here depends on how many processes do the work, except `cluster`, which never changes a bit of the weights.
 */
import type { WireFormat } from '../common/wire-format.js';

export interface Job {
  readonly name: string;
  /** Every random number of the run is a function of this and of what it is for. Unsigned 32-bit. */
  readonly seed: number;
  /**
   * Error of a person or of the best known system, a share of 0 … 1, that the diagnosis measures the training error against;
   * null: 0. Changes no weights.
   */
  readonly baselineError: number | null;
  readonly data: DataSpec;
  readonly model: ModelSpec;
  readonly training: TrainingSpec;
  readonly cluster: ClusterSpec;
}

/** A job before its data is known: the batch size may still depend on the number of training samples, see `sizeJob`. */
export interface JobDraft extends Omit<Job, 'training'> {
  readonly training: Omit<TrainingSpec, 'batchSize'> & { readonly batchSize: number | 'auto' };
}

// ── data ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

export type SplitName = 'train' | 'dev' | 'test';

/** Where the samples of one split (or of all, before splitting) come from. Paths: see `resolveDataPath`. */
export type DataSource =
  | { readonly format: 'idx'; readonly features: string; readonly labels: string }
  | {
      readonly format: 'csv';
      readonly path: string;
      /** Column with what is to be predicted. */
      readonly label: string;
      readonly delimiter: string;
      /** Columns that are one-hot encoded even where all their values look like numbers; columns with text always are. */
      readonly categorical: readonly string[];
      /** Columns left out. */
      readonly ignore: readonly string[];
    };

export interface DataSpec {
  /** What the label is: a class, or a number to be approximated. */
  readonly task: 'classification' | 'regression';
  readonly train: DataSource;
  readonly dev: DataSource | null;
  readonly test: DataSource | null;
  /** Shares of the train source held out for splits that have no source of their own: 0 ≤ dev + test < 1. */
  readonly split: { readonly dev: number; readonly test: number };
  /** Input normalisation from the training split: per feature, one mean and variance per channel (last dimension), or none. */
  readonly normalize: 'feature' | 'channel' | 'none';
}

// ── model ────────────────────────────────────────────────────────────────────────────────────────────────────────────

export type InitializerSpec = {
  /** he: variance 2/n; xavier: 1/n; zeros. n = inputs of the layer. */
  readonly type: 'he' | 'xavier' | 'zeros';
  /** Factor on the standard deviation. */
  readonly scale: number;
};

interface LayerCommon {
  /** Unique in the model; default `<type><index>`. */
  readonly name: string;
  /** Names of the layers whose outputs this one takes; `input` is the data. Default: the layer before. */
  readonly inputs: readonly string[];
}

export type LayerSpec = LayerCommon &
  (
    | { readonly type: 'dense'; readonly units: number; readonly bias: boolean; readonly initializer: InitializerSpec }
    | {
        readonly type: 'batchNorm';
        readonly momentum: number;
        readonly epsilon: number;
        readonly sync: 'global' | 'shard';
      }
    | { readonly type: 'dropout'; readonly keepProb: number }
    | { readonly type: 'leakyRelu'; readonly slope: number }
    | { readonly type: 'linear' | 'sigmoid' | 'tanh' | 'relu' | 'softmax' | 'flatten' }
  );

export type LayerType = LayerSpec['type'];

export interface ModelSpec {
  /** In execution order; the last one is the output. */
  readonly layers: readonly LayerSpec[];
}

// ── training ─────────────────────────────────────────────────────────────────────────────────────────────────────────

export type LossName = 'softmaxCrossEntropy' | 'binaryCrossEntropy' | 'meanSquaredError';

export type OptimizerSpec =
  | { readonly type: 'gradientDescent'; readonly learningRate: number }
  | { readonly type: 'momentum'; readonly learningRate: number; readonly beta: number }
  | { readonly type: 'rmsprop'; readonly learningRate: number; readonly beta: number; readonly epsilon: number }
  | {
      readonly type: 'adam';
      readonly learningRate: number;
      readonly beta1: number;
      readonly beta2: number;
      readonly epsilon: number;
    };

/** How the learning rate changes: a factor on `optimizer.learningRate`, a pure function of the step. */
export type DecaySpec =
  | { readonly type: 'constant' }
  /** 1 / (1 + rate·epoch), epoch counted from 0. */
  | { readonly type: 'inverse'; readonly rate: number }
  /** base^epoch */
  | { readonly type: 'exponential'; readonly base: number }
  /** 1 / √(epoch + 1), so that the first epoch runs at the full rate. */
  | { readonly type: 'inverseSqrt' }
  /** factor^⌊epoch / every⌋ */
  | { readonly type: 'staircase'; readonly factor: number; readonly every: number }
  /** Learning rates written by hand; each holds from its epoch until the next. Absolute values, not factors. */
  | { readonly type: 'table'; readonly entries: readonly { readonly epoch: number; readonly learningRate: number }[] };

export interface EarlyStoppingSpec {
  /** error: 1 − accuracy; loss. */
  readonly metric: 'error' | 'loss';
  /** Evaluations in a row without an improvement after which training ends. */
  readonly patience: number;
  /** An improvement by less than this is none; in the unit of the metric. */
  readonly minChange: number;
}

export interface TrainingSpec {
  readonly epochs: number;
  /** Samples per step over the whole cluster; 0 stands for the whole training split. */
  readonly batchSize: number;
  /** Logical shards V that every batch is cut into. Part of the result: a different V rounds differently. */
  readonly shards: number;
  readonly shuffle: boolean;
  readonly loss: LossName;
  readonly optimizer: OptimizerSpec;
  readonly decay: DecaySpec;
  /** Steps over which the rate rises linearly from 1/warmupSteps of its value; 0: none. */
  readonly warmupSteps: number;
  /** Penalties λ added to the cost: λ/(2m)·‖W‖² and λ/(2m)·‖W‖₁, weights only, m = the batch size. */
  readonly regularization: { readonly l2: number; readonly l1: number };
  /** Largest global norm of the gradient of the cost; null: not clipped. */
  readonly clipNorm: number | null;
  /**
   * What numbers travel in between processes. Gradients are rounded at every node of the reduction tree, workers compute with
   * rounded weights: a lossy format changes the result, in the same way for every number of workers.
   */
  readonly wireFormat: { readonly gradients: WireFormat; readonly weights: 'float32' | 'bfloat16' };
  /** Batches of which the gradients are added before the weights move. */
  readonly accumulate: number;
  /** Dev split evaluated after every so many epochs; 0: only at the end. */
  readonly evaluateEveryEpochs: number;
  /** Ends training when the dev split stops getting better, and keeps the best weights; null: never. */
  readonly earlyStopping: EarlyStoppingSpec | null;
  /** What follows a step whose loss or gradient is not finite: the run ends, or the step changes nothing. */
  readonly onNonFinite: 'stop' | 'skip';
  /** Norms of each layer are recorded at the first step and after every so many; 0: never. */
  readonly healthEverySteps: number;
  readonly checkpoint: {
    /** A checkpoint after every so many steps; 0: only at the end and on SIGTERM. */
    readonly everySteps: number;
    /** How many of the newest are kept. */
    readonly keep: number;
  };
}

// ── cluster ──────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface ClusterSpec {
  /** Worker processes that `lockstep train` starts, and that `lockstep coordinator` waits for before the first step. */
  readonly workers: number;
  /** Compute threads per worker. */
  readonly threads: number;
  /** How gradients meet. `local`: in this process, one worker only; `star`: at the coordinator; `mesh`: among the workers. */
  readonly collective: 'auto' | 'local' | 'star' | 'mesh';
  /** What carries tensors: `shm`: shared memory between processes of one host; `grpc`; `auto`: whichever is possible. */
  readonly transport: 'auto' | 'grpc' | 'shm';
  /** Bytes of a bucket of gradients, the unit in which they are shipped and summed; null: found at the start of the run. */
  readonly bucketBytes: number | null;
  /** gRPC connections for tensors between two processes. */
  readonly connections: number;
  /** How long to wait for `workers` workers at the start, and for any worker after the last one was lost (ms). */
  readonly joinTimeoutMs: number;
  /** Silence of a worker after which it is given up (ms). */
  readonly heartbeatTimeoutMs: number;
}
