/**
 * A whole cluster in one process, for stories about what happens to it: a real trainer and real agents, joined by calls, that
 * train a small job with a made-up engine. A script says what goes wrong, and when.
 */
import type { ModelState } from '../../coordinator/model-state.js';
import type { BoardMaker } from '../../coordinator/boards.js';
import { CooperationChoice } from '../../coordinator/cooperation.js';
import type { EarlyStopping } from '../../coordinator/early-stopping.js';
import type { Scores } from '../../coordinator/judge.js';
import { Trainer } from '../../coordinator/trainer.js';
import { COORDINATOR, type CoordinatorLink, type WorkerLink } from '../../src/protocol/link.js';
import { LocalConnection } from '../../src/protocol/local-link.js';
import type { CollectiveName, CoordinatorMessage, WorkerMessage } from '../../src/protocol/messages.js';
import type { Piece, PieceKind } from '../../src/protocol/piece.js';
import { cutBuckets } from '../../src/reduce/buckets.js';
import { weightsSha256 } from '../../src/state/weights-hash.js';
import { Agent, type Ending } from '../../worker/agent.js';
import type { AgentEngine } from '../../worker/session.js';
import { ClusterEngine } from './cluster-engine.js';
import { clusterJob, initialState, SIZES, type ClusterJob } from './cluster-job.js';
import { RecordingObserver } from './cluster-observer.js';
import { PeerNetwork } from './cluster-peers.js';

/** Small enough to cut even this model. */
export const BUCKET_ELEMENTS = 16;

/** Something that reaches the coordinator, or a piece that reaches another worker. */
export interface Arrival {
  /** The sender. */
  readonly worker: string;
  readonly kind: WorkerMessage['type'] | PieceKind | `${PieceKind} at a peer`;
  /** The step that it belongs to; of new weights, the step that makes them; of anything else, how many are committed. */
  readonly step: number;
  /** Hands it on to the trainer or the other worker. */
  deliver(): void;
}

/** The moments of a step at which a worker can be lost. */
export const MOMENTS = {
  'during an exchange': 'exchangeNodes',
  'before its gradient': 'gradient',
  'before its report': 'stepReport',
  'during an evaluation': 'evaluated',
} as const satisfies Record<string, Arrival['kind']>;

/** The same in a mesh. */
export const MESH_MOMENTS = {
  'during an exchange': 'exchangeNodes',
  'before its part of a sum of another': 'gradient at a peer',
  'before a sum of its own': 'sum',
  'before its report': 'stepReport',
  'before it passes new weights on': 'weights at a peer',
  'during an evaluation': 'evaluated',
} as const satisfies Record<string, Arrival['kind']>;

export type Moment = keyof typeof MOMENTS | keyof typeof MESH_MOMENTS;

interface Rule {
  matches(arrival: Arrival): boolean;
  act(arrival: Arrival): void | Promise<void>;
}

interface Seat {
  readonly connection: LocalConnection;
  readonly agent: Agent;
}

export interface ClusterOptions {
  readonly cluster?: ClusterJob;
  readonly state?: ModelState;
  readonly maxSteps?: number;
  readonly collective?: CollectiveName;
  readonly earlyStopping?: EarlyStopping;
  /** Another engine than the made-up one, for workers that misbehave. */
  readonly engine?: (worker: string) => AgentEngine | Promise<AgentEngine>;
  /** Then workers say that they share memory, too. */
  readonly makeBoard?: BoardMaker;
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
  /** What lies between the workers of a mesh. */
  readonly network = new PeerNetwork();
  readonly #seats = new Map<string, Seat>();
  readonly #rules: Rule[] = [];
  readonly #sharing: boolean;
  readonly #engine: (worker: string) => AgentEngine | Promise<AgentEngine>;

  constructor(options: ClusterOptions = {}) {
    this.cluster = options.cluster ?? clusterJob();
    this.state = options.state ?? initialState(this.cluster);
    this.#engine = options.engine ?? (() => new ClusterEngine(this.cluster));
    const { job, model, exchanges } = this.cluster;
    const { collective = 'star' } = options;
    this.trainer = new Trainer({
      job,
      model,
      state: this.state,
      cooperation: new CooperationChoice({ collective, bucketElements: BUCKET_ELEMENTS }, model.parameterElements),
      exchanges,
      sizes: SIZES,
      classes: 3,
      earlyStopping: options.earlyStopping ?? null,
      maxSteps: options.maxSteps ?? null,
      observer: this.observer,
      makeBoard: options.makeBoard,
    });
    this.#sharing = options.makeBoard !== undefined;
  }

  /** Into how many buckets the gradient is cut. */
  get bucketCount(): number {
    const parameters = this.cluster.model.tensors.filter(({ parameter }) => parameter !== null);
    return cutBuckets(parameters, BUCKET_ELEMENTS, this.cluster.model.parameterElements).length;
  }

  get weightsSha256(): string {
    return weightsSha256(this.state.tensors().model.map(({ values }) => values));
  }

  /** Starts a worker; it becomes ready a few turns later. */
  start(id: string): void {
    const connection = new LocalConnection(id);
    const agent = new Agent({
      link: this.#linkOf(id, connection.coordinator),
      startEngine: async () => this.#engine(id),
      observer: { ready: () => undefined, stepDone: () => undefined },
    });
    this.#seats.set(id, { connection, agent });
    this.network.join(id, agent);
    void agent.ended.then((ending) => this.endings.set(id, ending));
    connection.connect(agent, {
      message: (message) =>
        this.#arrive(id, message.type, 'fence' in message ? message.fence.step : this.state.version, () =>
          this.trainer.message(id, this.#sharing ? sharingMemory(message) : message),
        ),
      piece: (piece) => {
        const copy: Piece = { ...piece, bytes: Uint8Array.from(piece.bytes) };
        this.#arrive(id, piece.kind, piece.fence.step, () => this.trainer.piece(copy));
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
    const link: WorkerLink = {
      id,
      address: null,
      send: (message: CoordinatorMessage) => {
        this.sent.push({ worker: id, message });
        connection.send(message);
      },
      sendPiece: connection.sendPiece.bind(connection),
      get sending() {
        return connection.sending;
      },
      openPieces: connection.openPieces.bind(connection),
      close: connection.close.bind(connection),
    };
    this.trainer.join(link, 'host');
  }

  /** A worker goes without a word: nothing that is still under way in either direction arrives. */
  kill(id: string): void {
    const seat = this.#seats.get(id);
    if (seat === undefined) return;
    this.#seats.delete(id);
    this.network.leave(id);
    seat.connection.close();
    seat.agent.lost('killed', false);
    void seat.agent.close();
    this.trainer.lost(id, 'killed');
  }

  /** Has `act` decide, once, about the first arrival that matches; it is not delivered unless `act` does so. */
  once(matches: (arrival: Arrival) => boolean, act: (arrival: Arrival) => void | Promise<void>): this {
    this.#rules.push({ matches, act });
    return this;
  }

  /** Kills a worker at a moment of a step. */
  failAt(worker: string, step: number, moment: Moment): this {
    return this.once(
      (arrival) => arrival.worker === worker && arrival.step === step && arrival.kind === kindAt(moment),
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

  /** What a worker holds of its connections: pieces for other workers take the network between them. */
  #linkOf(id: string, coordinator: CoordinatorLink): CoordinatorLink {
    return {
      send: (message) => coordinator.send(message),
      sendPiece: (to, piece) => {
        if (to === COORDINATOR) coordinator.sendPiece(to, piece);
        else this.#arrive(id, `${piece.kind} at a peer`, stepOf(piece), () => this.network.send(id, to, piece));
      },
      openPieces: () => coordinator.openPieces(0, null),
      setPeers: (peers) => this.network.setSources(id, peers),
    };
  }

  #arrive(worker: string, kind: Arrival['kind'], step: number, deliver: () => void): void {
    if (!this.#seats.has(worker)) return;
    const arrival: Arrival = { worker, kind, step, deliver };
    const index = this.#rules.findIndex((rule) => rule.matches(arrival));
    const [rule] = index < 0 ? [] : this.#rules.splice(index, 1);
    if (rule === undefined) deliver();
    else void rule.act(arrival);
  }
}

function stepOf({ kind, fence }: Piece): number {
  return kind === 'weights' ? fence.step - 1 : fence.step;
}

/** What of a worker arrives at a moment. */
function kindAt(moment: Moment): Arrival['kind'] {
  return { ...MOMENTS, ...MESH_MOMENTS }[moment];
}

/** Resolves when calls within the process have come to rest. */
export function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** What a worker would say that shares its memory: nobody here looks into it. */
function sharingMemory(message: WorkerMessage): WorkerMessage {
  const gradients = { hostId: '', pid: 0, fd: 0, bytes: 0, nonce: new Uint8Array(0) };
  return message.type === 'ready' ? { ...message, gradients } : message;
}
