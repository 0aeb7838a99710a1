/** An agent alone: its link and its engine are played by the test. */
import type {
  CoordinatorMessage,
  Fence,
  NodeValues,
  Plan,
  ShardReport,
  WorkerMessage,
} from '../../src/protocol/messages.js';
import { Agent, type AgentEngine } from '../../worker/agent.js';
import type { ExchangePort, PassResult } from '../../worker/engine.js';
import { clusterJob } from './cluster-job.js';
import { settled } from './cluster.js';

const ELEMENTS = 4;
export const NODES: readonly NodeValues[] = [{ level: 0, index: 0, values: Float32Array.of(1) }];
export const SHARDS: readonly ShardReport[] = [{ shard: 0, loss: 2, correct: 1 }];

/** An engine that exchanges twice and keeps a diary. */
class DiaryEngine implements AgentEngine {
  readonly diary: string[] = [];
  /** Replaces the training pass. */
  pass: ((plan: Plan, port: ExchangePort) => Promise<void>) | null = null;
  active = new Float32Array(ELEMENTS);
  spare = new Float32Array(ELEMENTS);

  swap(): void {
    [this.active, this.spare] = [this.spare, this.active];
    this.diary.push(`swap to ${this.active.join(' ')}`);
  }

  async train(plan: Plan, port: ExchangePort): Promise<PassResult> {
    const name = `step ${plan.fence.step} attempt ${plan.fence.attempt}`;
    this.diary.push(`train ${name}`);
    if (this.pass !== null) await this.pass(plan, port);
    else
      for (const exchange of [0, 1]) this.diary.push(`${name} got ${(await port.exchange(exchange, NODES)).join(' ')}`);
    return { shards: SHARDS, computeMs: 3, waitMs: 1 };
  }

  gradients() {
    return [{ level: 1, index: 0, values: new Float32Array(ELEMENTS) }];
  }

  evaluate(split: string, first: number, end: number): Promise<ShardReport[]> {
    this.diary.push(`evaluate ${split} ${first}–${end}`);
    return Promise.resolve([...SHARDS]);
  }

  close(): Promise<void> {
    this.diary.push('closed');
    return Promise.resolve();
  }
}

/** An agent, what it has sent, and shorthands for what it is told. */
export class Stage {
  readonly engine = new DiaryEngine();
  readonly sent: (
    WorkerMessage | { readonly type: 'gradients'; readonly fence: Fence } | { readonly type: 'openModels' }
  )[] = [];
  readonly observed: string[] = [];
  readonly agent: Agent;

  constructor(startEngine: () => Promise<AgentEngine> = () => Promise.resolve(this.engine)) {
    this.agent = new Agent({
      link: {
        send: (message) => this.sent.push(message),
        sendGradients: (fence) => this.sent.push({ type: 'gradients', fence }),
        openModels: () => this.sent.push({ type: 'openModels' }),
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

  async weights(version: number, ...values: readonly number[]): Promise<void> {
    const bytes = new Uint8Array(Float32Array.from(values).buffer);
    this.agent.weights({ version, offset: 0, bytes, last: true });
    await settled();
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
    weightsVersion: step,
    dataEpoch: 0,
    firstPosition: 0,
    batchCount: 16,
    firstShard: 0,
    endShard: 4,
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
  firstShard: 2,
  endShard: 5,
});

/** A worker that is ready and holds the model of version 0. */
export async function readyStage(): Promise<Stage> {
  const stage = new Stage();
  await stage.tell(WELCOME);
  await stage.weights(0, 1, 2, 3, 4);
  stage.sent.length = 0;
  return stage;
}
