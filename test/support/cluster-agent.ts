/** An agent alone: its link and its engine are played by the test. */
import { LockstepError } from '../../src/common/errors.js';
import { createReferenceKernels } from '../../src/kernels/reference/reference-kernels.js';
import type {
  CollectiveName,
  CoordinatorMessage,
  Fence,
  NodeValues,
  Plan,
  Roster,
  Evaluate,
  ShardReport,
  ShardScore,
  WorkerMessage,
} from '../../src/protocol/messages.js';
import { ROOT, type Piece, type PieceKind } from '../../src/protocol/piece.js';
import type { Bucket } from '../../src/reduce/buckets.js';
import { Agent } from '../../worker/agent.js';
import type { AgentEngine } from '../../worker/session.js';
import type { PassPort, PassResult } from '../../worker/pass-port.js';
import { clusterJob } from './cluster-job.js';
import { settled } from './cluster.js';
import { scored } from './scored.js';

const ELEMENTS = 4;
export const NODES: readonly NodeValues[] = [{ level: 0, index: 0, values: Float32Array.of(1) }];
/** What a report says of layers that nobody asks about. */
export const HEALTHY = { activeUnits: [], nonFiniteLayer: null };
export const SHARDS: readonly ShardReport[] = [{ shard: 0, loss: 2, correct: 1 }];

/** An engine that exchanges twice and keeps a diary. */
class DiaryEngine implements AgentEngine {
  readonly diary: string[] = [];
  readonly parts = null;
  readonly vectors = [new Float32Array(ELEMENTS), new Float32Array(ELEMENTS)] as const;
  readonly parameters = [{ offset: 0, size: ELEMENTS }];
  readonly parameterElements = ELEMENTS;
  readonly createKernels = createReferenceKernels;
  /** Replaces the training pass, but for the wait for weights. */
  pass: ((plan: Plan, port: PassPort) => Promise<void>) | null = null;
  buckets: readonly Bucket[] = [];

  setBuckets(buckets: readonly Bucket[]): void {
    this.buckets = buckets;
  }

  setBoard({ board }: Pick<Roster, 'board'>): void {
    if (board !== undefined) throw new LockstepError('unavailable', 'no board is used here');
  }

  callOff(): void {
    // Whatever it waits for comes from its port.
  }

  async train(plan: Plan, weights: 0 | 1, port: PassPort): Promise<PassResult> {
    await port.weights(ELEMENTS);
    const name = `step ${plan.fence.step} attempt ${plan.fence.attempt}`;
    this.diary.push(`train ${name} with ${this.vectors[weights].join(' ')}`);
    if (this.pass !== null) await this.pass(plan, port);
    else {
      for (const exchange of [0, 1]) this.diary.push(`${name} got ${(await port.exchange(exchange, NODES)).join(' ')}`);
      const values = new Float32Array(ELEMENTS);
      for (const bucket of this.buckets) port.bucket(bucket, [{ level: 2, index: 0, values }]);
    }
    return { shards: SHARDS, computeMs: 3, waitMs: 1, dataWaitMs: 0, activeUnits: [], nonFiniteLayer: null };
  }

  evaluate(
    { split, firstShard, endShard }: Pick<Evaluate, 'split' | 'firstShard' | 'endShard'>,
    weights: 0 | 1,
    report: (shards: readonly ShardScore[]) => void,
  ): Promise<void> {
    this.diary.push(`evaluate ${split} ${firstShard}–${endShard} with ${this.vectors[weights].join(' ')}`);
    report(SHARDS.map(scored));
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.diary.push('closed');
    return Promise.resolve();
  }
}

/** What an agent sends: a message, a piece, or a word to its own link. */
type Sent =
  | WorkerMessage
  | { readonly type: 'piece'; readonly to: string; readonly piece: Piece }
  | { readonly type: 'openPieces' }
  | { readonly type: 'setPeers'; readonly peers: readonly string[] };

/** An agent, what it has sent, and shorthands for what it is told. */
export class Stage {
  readonly engine = new DiaryEngine();
  readonly sent: Sent[] = [];
  readonly observed: string[] = [];
  readonly agent: Agent;

  constructor(startEngine: () => Promise<AgentEngine> = () => Promise.resolve(this.engine)) {
    this.agent = new Agent({
      link: {
        send: (message) => this.sent.push(message),
        sendPiece: (to, piece) => this.sent.push({ type: 'piece', to, piece }),
        openPieces: () => {
          this.sent.push({ type: 'openPieces' });
          return null;
        },
        setPeers: (peers) => this.sent.push({ type: 'setPeers', peers: peers.map(({ id }) => id) }),
      },
      startEngine,
      observer: {
        ready: (id) => this.observed.push(`ready ${id}`),
        stepDone: (plan, { computeMs }) => this.observed.push(`step ${plan.fence.step} in ${computeMs} ms`),
      },
    });
  }

  get types(): string[] {
    return this.sent.map(({ type }) => type);
  }

  async tell(...messages: readonly CoordinatorMessage[]): Promise<void> {
    for (const message of messages) this.agent.message(message);
    await settled();
  }

  /** Part of a model arrives. */
  async part(version: number, start: number, ...values: readonly number[]): Promise<void> {
    const bytes = new Uint8Array(Float32Array.from(values).buffer);
    const fence = { epoch: 0, step: version, attempt: 0 };
    this.agent.piece({ kind: 'weights', fence, node: ROOT, start, count: values.length, format: 'float32', bytes });
    await settled();
  }

  /** A model arrives. */
  async weights(version: number, ...values: readonly number[]): Promise<void> {
    await this.part(version, 0, ...values);
  }

  /** The pieces of one kind that were sent. */
  pieces(kind: PieceKind): { readonly to: string; readonly piece: Piece }[] {
    return this.sent.flatMap((sent) => (sent.type === 'piece' && sent.piece.kind === kind ? [sent] : []));
  }
}

export const WELCOME: CoordinatorMessage = {
  type: 'welcome',
  workerId: 'worker-7',
  runId: 'run',
  job: clusterJob().job,
  baseDir: '/',
  dataFingerprint: 'abc',
  mean: new Float32Array(5),
  inverseDeviation: new Float32Array(5),
};

export const fence = (step: number, attempt = 1): Fence => ({ epoch: 1, step, attempt });

export function plan(step: number, attempt = 1): Plan {
  return {
    type: 'plan',
    fence: fence(step, attempt),
    ahead: false,
    weightsVersion: step,
    dataEpoch: 0,
    firstPosition: 0,
    batchCount: 16,
    firstShard: 0,
    endShard: 4,
    lossScale: 1,
  };
}

export function result(of: Fence, exchange: number, ...values: readonly number[]): CoordinatorMessage {
  return { type: 'exchangeResult', fence: of, exchange, values: Float32Array.from(values) };
}

export const evaluate = (version: number, request = 1): CoordinatorMessage => ({
  type: 'evaluate',
  request,
  weightsVersion: version,
  split: 'dev',
  mistakes: 0,
  firstShard: 2,
  endShard: 5,
});

/** The worker's own membership epoch; in a mesh it shares the work with `worker-8`. */
export function roster(collective: CollectiveName = 'star'): Roster {
  const members = (collective === 'mesh' ? ['worker-7', 'worker-8'] : ['worker-7']).map((id) => ({
    id,
    address: null,
  }));
  return { type: 'roster', epoch: 1, collective, bucketElements: ELEMENTS, members };
}

/** A worker that is ready, knows who takes part, and holds the model of version 0. */
export async function readyStage(collective: CollectiveName = 'star'): Promise<Stage> {
  const stage = new Stage();
  await stage.tell(WELCOME, roster(collective));
  await stage.weights(0, 1, 2, 3, 4);
  stage.sent.length = 0;
  return stage;
}
