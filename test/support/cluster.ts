/**
 * A whole cluster in one process, for stories about what happens to it: a real trainer and real agents, joined by calls, that
 * train a small job with a made-up engine. A script says what goes wrong, and when.
 */
import { StarCollective } from '../../coordinator/collectives/star.js';
import type { ModelState } from '../../coordinator/model-state.js';
import { Trainer, type Scores } from '../../coordinator/trainer.js';
import type { GradientPart } from '../../src/protocol/link.js';
import { LocalConnection } from '../../src/protocol/local-link.js';
import type { CoordinatorMessage, WorkerMessage } from '../../src/protocol/messages.js';
import { weightsSha256 } from '../../src/state/weights-hash.js';
import { Agent, type AgentEngine, type Ending } from '../../worker/agent.js';
import { ClusterEngine } from './cluster-engine.js';
import { clusterJob, initialState, SIZES, type ClusterJob } from './cluster-job.js';
import { RecordingObserver } from './cluster-observer.js';

/** Something that reaches the coordinator. */
export interface Arrival {
  readonly worker: string;
  readonly kind: WorkerMessage['type'] | 'gradient';
  /** Committed steps at the time: the number of the step under way. */
  readonly step: number;
  /** Hands it on to the trainer. */
  deliver(): void;
}

/** The moments of a step at which a worker can be lost. */
export const MOMENTS = {
  'during an exchange': 'exchangeNodes',
  'before its report': 'stepReport',
  'after its report, before its gradient': 'gradient',
  'during an evaluation': 'evaluated',
} as const satisfies Record<string, Arrival['kind']>;

export type Moment = keyof typeof MOMENTS;

interface Rule {
  matches(arrival: Arrival): boolean;
  act(arrival: Arrival): void;
}

interface Seat {
  readonly connection: LocalConnection;
  readonly agent: Agent;
}

export interface ClusterOptions {
  readonly cluster?: ClusterJob;
  readonly state?: ModelState;
  readonly maxSteps?: number;
  /** Another engine than the made-up one, for workers that misbehave. */
  readonly engine?: (worker: string) => AgentEngine | Promise<AgentEngine>;
}

export class TestCluster {
  readonly cluster: ClusterJob;
  readonly state: ModelState;
  readonly trainer: Trainer;
  readonly observer = new RecordingObserver();
  /** Everything the coordinator has sent, in order. */
  readonly sent: { readonly worker: string; readonly message: CoordinatorMessage }[] = [];
  /** How each worker's part ended. */
  readonly endings = new Map<string, Ending>();
  readonly #seats = new Map<string, Seat>();
  readonly #rules: Rule[] = [];
  readonly #engine: (worker: string) => AgentEngine | Promise<AgentEngine>;

  constructor(options: ClusterOptions = {}) {
    this.cluster = options.cluster ?? clusterJob();
    this.state = options.state ?? initialState(this.cluster);
    this.#engine = options.engine ?? (() => new ClusterEngine(this.cluster));
    const { job, model, exchanges } = this.cluster;
    this.trainer = new Trainer({
      job,
      state: this.state,
      collective: new StarCollective(this.state.kernels, this.state.gradientBlocks, model.parameterElements),
      exchanges,
      sizes: SIZES,
      maxSteps: options.maxSteps ?? null,
      observer: this.observer,
    });
  }

  get weightsSha256(): string {
    return weightsSha256(this.state.tensors().model.map(({ values }) => values));
  }

  /** Starts a worker; it becomes ready a few turns later. */
  start(id: string): void {
    const connection = new LocalConnection(id);
    const agent = new Agent({
      link: connection.coordinator,
      startEngine: async () => this.#engine(id),
      observer: { ready: () => undefined, stepDone: () => undefined },
    });
    this.#seats.set(id, { connection, agent });
    void agent.ended.then((ending) => this.endings.set(id, ending));
    connection.connect(agent, {
      message: (message) => {
        this.#arrive({
          worker: id,
          kind: message.type,
          step: this.state.version,
          deliver: () => this.trainer.message(id, message),
        });
      },
      gradient: (part) => {
        const copy: GradientPart = { ...part, bytes: part.bytes.slice() };
        this.#arrive({
          worker: id,
          kind: 'gradient',
          step: this.state.version,
          deliver: () => this.trainer.gradient(copy),
        });
      },
      lost: (reason) => this.trainer.lost(id, reason),
    });
    connection.send({
      type: 'welcome',
      workerId: id,
      runId: 'run',
      job: this.cluster.job,
      baseDir: '/',
      dataFingerprint: 'fingerprint',
      mean: new Float32Array(5),
      inverseDeviation: new Float32Array(5).fill(1),
    });
    const link = {
      id,
      send: (message: CoordinatorMessage) => {
        this.sent.push({ worker: id, message });
        connection.send(message);
      },
      sendModel: connection.sendModel.bind(connection),
      get sending() {
        return connection.sending;
      },
      openGradients: connection.openGradients.bind(connection),
      close: connection.close.bind(connection),
    };
    this.trainer.join(link, 'host');
  }

  /** A worker goes without a word: nothing that is still under way in either direction arrives. */
  kill(id: string): void {
    const seat = this.#seats.get(id);
    if (seat === undefined) return;
    this.#seats.delete(id);
    seat.connection.close();
    seat.agent.lost('killed', false);
    void seat.agent.close();
    this.trainer.lost(id, 'killed');
  }

  /** Has `act` decide, once, about the first arrival that matches; it is not delivered unless `act` does so. */
  once(matches: (arrival: Arrival) => boolean, act: (arrival: Arrival) => void): this {
    this.#rules.push({ matches, act });
    return this;
  }

  /** Kills a worker at a moment of a step. */
  failAt(worker: string, step: number, moment: Moment): this {
    return this.once(
      (arrival) => arrival.worker === worker && arrival.step === step && arrival.kind === MOMENTS[moment],
      () => this.kill(worker),
    );
  }

  /** Starts these workers, trains to the end, lets them go. */
  async run(...workers: readonly string[]): Promise<Scores | null> {
    for (const worker of workers) this.start(worker);
    try {
      const scores = await this.trainer.run();
      this.trainer.shutdown(scores === null ? 'stopped' : 'done', '');
      return scores;
    } finally {
      await this.close();
    }
  }

  /** Waits until whatever was sent has arrived, then closes the agents that are left. */
  async close(): Promise<void> {
    await settled();
    for (const { agent } of this.#seats.values()) await agent.close();
  }

  #arrive(arrival: Arrival): void {
    const index = this.#rules.findIndex((rule) => rule.matches(arrival));
    const [rule] = index < 0 ? [] : this.#rules.splice(index, 1);
    if (rule === undefined) arrival.deliver();
    else rule.act(arrival);
  }
}

/** Resolves when calls within the process have come to rest. */
export function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
