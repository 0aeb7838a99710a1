/**
 * A worker's side of the protocol: takes the coordinator's messages in order, drives the engine, sends back what it finds.
 * One thing runs at a time; a new plan calls off the one before.
 */
import { LockstepError } from '../src/common/errors.js';
import { stepArgs, type Tracer } from '../src/common/trace.js';
import {
  compareFences,
  sameFence,
  type CoordinatorMessage,
  type Evaluate,
  type Fence,
  type Plan,
  type Roster,
  type Welcome,
} from '../src/protocol/messages.js';
import type { CoordinatorLink, CoordinatorLinkEvents } from '../src/protocol/link.js';
import type { Piece } from '../src/protocol/piece.js';
import { cutBuckets } from '../src/reduce/buckets.js';
import { AgentTrace } from './agent-trace.js';
import { CalledOff } from './called-off.js';
import type { Engine } from './engine.js';
import { ModelSlots } from './model-slots.js';
import type { PassPort, PassResult } from './pass-port.js';
import { Reduction } from './reduction.js';

/** What an agent needs of whatever does the computing. */
export type AgentEngine = Pick<
  Engine,
  | 'vectors'
  | 'parts'
  | 'parameters'
  | 'parameterElements'
  | 'createKernels'
  | 'setBuckets'
  | 'setBoard'
  | 'callOff'
  | 'train'
  | 'evaluate'
  | 'close'
>;

export interface AgentOptions {
  readonly link: CoordinatorLink;
  /** Loads the data and lays out the model. A tracer is given when the run is traced. */
  startEngine(welcome: Welcome, tracer: Tracer | undefined): Promise<AgentEngine>;
  readonly observer: AgentObserver;
}

/** What others may want to know of a worker's life. */
export interface AgentObserver {
  ready(workerId: string): void;
  stepDone(plan: Plan, result: PassResult): void;
}

/** How a worker's part in a run ended. */
export type Ending =
  | { readonly reason: 'done' | 'stopped' | 'failed' | 'rejected'; readonly message: string }
  /** This worker itself cannot go on. */
  | { readonly reason: 'broken'; readonly message: string; readonly error: LockstepError }
  | { readonly reason: 'lost'; readonly message: string; readonly final: boolean };

function isOlder(fence: Fence, than: Fence | null): boolean {
  return than !== null && compareFences(fence, than) < 0;
}

interface PendingExchange {
  readonly fence: Fence;
  readonly exchange: number;
  resolve(values: Float32Array): void;
  reject(reason: Error): void;
}

/** What a worker holds once it has been welcomed. */
interface Session {
  readonly id: string;
  readonly engine: AgentEngine;
  readonly slots: ModelSlots;
  readonly reduction: Reduction;
}

export class Agent implements CoordinatorLinkEvents {
  /** Resolves when the worker's part is over. */
  readonly ended: Promise<Ending>;
  readonly #options: AgentOptions;
  readonly #trace: AgentTrace;
  #end: (ending: Ending) => void = () => undefined;
  #session: Session | null = null;
  /** Work in progress; the next begins when it has settled. */
  #work: Promise<void> = Promise.resolve();
  #current: Fence | null = null;
  /** Of the last roster, and of the last plan. */
  #epoch = 0;
  #latest: Fence | null = null;
  #exchange: PendingExchange | null = null;
  #over = false;

  constructor(options: AgentOptions) {
    this.#options = options;
    this.#trace = new AgentTrace(options.link);
    this.ended = new Promise((resolve) => {
      this.#end = (ending) => {
        this.#over = true;
        this.#callOff();
        resolve(ending);
      };
    });
  }

  message(message: CoordinatorMessage): void {
    switch (message.type) {
      case 'welcome':
        this.#enqueue(() => this.#prepare(message));
        break;
      case 'roster':
        // A new membership epoch: what belongs to the one before will not be finished.
        this.#callOff();
        this.#epoch = message.epoch;
        this.#enqueue(() => this.#adopt(message));
        break;
      case 'plan':
        // Plans take another way than rosters, and may be overtaken.
        if (message.fence.epoch < this.#epoch || isOlder(message.fence, this.#latest)) return;
        this.#callOff();
        [this.#current, this.#latest] = [message.fence, message.fence];
        this.#enqueue(() => this.#train(message));
        break;
      case 'evaluate':
        // No step is under way while the coordinator evaluates; what this worker still waits for will not come.
        this.#callOff();
        this.#enqueue(() => this.#evaluate(message));
        break;
      case 'exchangeResult': {
        const pending = this.#exchange;
        if (pending === null || pending.exchange !== message.exchange || !sameFence(pending.fence, message.fence))
          return;
        this.#exchange = null;
        pending.resolve(message.values);
        break;
      }
      case 'clockPing':
        this.#trace.answer(message);
        break;
      case 'shutdown':
        this.#trace.flush();
        this.#end({ reason: message.reason, message: message.message });
        break;
    }
  }

  piece(piece: Piece): void {
    const session = this.#session;
    if (session === null) return;
    const { slots, reduction } = session;
    if (piece.kind !== 'weights') {
      reduction.receive(piece);
      return;
    }
    const began = performance.now();
    if (!slots.receive(piece)) return;
    const { tracer } = this.#trace;
    if (tracer.enabled) {
      const bucket = reduction.bucketOf(piece.start);
      tracer.span('network', 'receive weights', began, performance.now(), {
        step: piece.fence.step,
        bytes: piece.bytes.byteLength,
        ...(bucket === undefined ? {} : { bucket }),
      });
    }
    const vector = slots.vectorOf(piece.fence.step);
    if (vector !== null) reduction.passOn(piece, vector);
  }

  peerLost(peer: string, reason: string): void {
    if (!this.#over) this.#options.link.send({ type: 'peerLost', peer, reason });
  }

  lost(reason: string, final: boolean): void {
    this.#end({ reason: 'lost', message: reason, final });
  }

  async close(): Promise<void> {
    this.#over = true;
    this.#callOff();
    await this.#work;
    await this.#session?.engine.close();
  }

  #enqueue(work: () => Promise<void>): void {
    this.#work = this.#work.then(work).catch((thrown: unknown) => {
      if (thrown instanceof CalledOff || this.#over) return;
      const error = LockstepError.from(thrown);
      const message = error.hint === undefined ? error.message : `${error.message}. ${error.hint}`;
      this.#options.link.send({ type: 'failed', code: error.code, message });
      this.#end({ reason: 'broken', message: error.message, error });
    });
  }

  /** Makes the attempt under way end early; its exchanges will not be answered. */
  #callOff(): void {
    this.#current = null;
    this.#exchange?.reject(new CalledOff());
    this.#exchange = null;
    this.#session?.slots.cancel(new CalledOff());
    this.#session?.engine.callOff();
  }

  async #prepare(welcome: Welcome): Promise<void> {
    const { link, observer } = this.#options;
    this.#trace.welcome(welcome.trace);
    const engine = await this.#options.startEngine(
      welcome,
      welcome.trace === undefined ? undefined : this.#trace.tracer,
    );
    this.#session = {
      id: welcome.workerId,
      engine,
      slots: new ModelSlots(engine.vectors),
      reduction: new Reduction({
        self: welcome.workerId,
        createKernels: engine.createKernels,
        gradients: engine.parts?.gradients ?? null,
        parameterElements: engine.parameterElements,
        shards: welcome.job.training.shards,
        gradientFormat: welcome.job.training.wireFormat.gradients,
        send: (to, piece) => link.sendPiece(to, piece),
        tracer: this.#trace.tracer,
      }),
    };
    const gradients = link.openPieces(engine.parameterElements, engine.parts);
    const offer = gradients === null ? {} : { gradients };
    link.send({ type: 'ready', dataFingerprint: welcome.dataFingerprint, ...offer });
    observer.ready(welcome.workerId);
  }

  #ready(): Session {
    if (this.#session === null)
      throw new LockstepError('internal', 'the coordinator planned work for a worker that is not ready');
    return this.#session;
  }

  async #adopt(roster: Roster): Promise<void> {
    const { id, engine, reduction } = this.#ready();
    const buckets = cutBuckets(engine.parameters, roster.bucketElements, engine.parameterElements);
    engine.setBuckets(buckets);
    this.#shareBoard(engine, roster);
    reduction.adopt(roster, buckets);
    const peers = roster.collective === 'mesh' ? roster.members.filter((member) => member.id !== id) : [];
    this.#options.link.setPeers(peers.map((peer) => ({ ...peer, mapped: reduction.mappedOf(peer.id) })));
    return Promise.resolve();
  }

  /** Whoever cannot use the board says so: the others would wait for it there. */
  #shareBoard(engine: AgentEngine, roster: Roster): void {
    try {
      engine.setBoard(roster);
    } catch (thrown) {
      const { code, message } = LockstepError.from(thrown);
      if (code !== 'unavailable') throw thrown;
      this.#options.link.send({ type: 'boardRefused', epoch: roster.epoch, reason: message });
    }
  }

  async #train(plan: Plan): Promise<void> {
    const current = (): boolean => this.#current !== null && sameFence(this.#current, plan.fence);
    if (!current()) return;
    const { engine, slots, reduction } = this.#ready();
    const { link } = this.#options;
    const { fence } = plan;
    const { tracer } = this.#trace;
    tracer.begin(fence.step);
    const began = performance.now();
    reduction.begin(plan);
    if (plan.firstShard === plan.endShard) {
      link.send({
        type: 'stepReport',
        fence,
        shards: [],
        computeMs: 0,
        waitMs: 0,
        activeUnits: [],
        nonFiniteLayer: null,
      });
      this.#trace.flush();
      return;
    }
    await slots.use(plan.weightsVersion);
    if (!current()) return;
    const port: PassPort = {
      post: (exchange, nodes) => {
        if (current()) link.send({ type: 'exchangeNodes', fence, exchange, nodes });
      },
      exchange: (exchange, nodes) => {
        if (!current()) return Promise.reject(new CalledOff());
        return new Promise((resolve, reject) => {
          this.#exchange = { fence, exchange, resolve, reject };
          link.send({ type: 'exchangeNodes', fence, exchange, nodes });
        });
      },
      weights: (end) => (current() ? slots.arrived(0, end) : Promise.reject(new CalledOff())),
      hasWeights: (end) => slots.has(0, end),
      bucket: (bucket, nodes) => {
        if (current()) reduction.ready(bucket, nodes);
      },
    };
    const result = await engine.train(plan, slots.active, port);
    if (!current()) return;
    const { dataWaitMs: _dataWaitMs, ...report } = result;
    link.send({ type: 'stepReport', fence, ...report });
    tracer.span('event loop', 'step', began, performance.now(), stepArgs(fence));
    this.#options.observer.stepDone(plan, result);
    this.#trace.flush();
  }

  async #evaluate(message: Evaluate): Promise<void> {
    // A plan means that others have answered in this worker's place.
    if (this.#over || this.#current !== null) return;
    const { engine, slots } = this.#ready();
    await slots.use(message.weightsVersion);
    await slots.arrived(0, engine.vectors[0].length);
    const began = performance.now();
    const { request } = message;
    await engine.evaluate(message, slots.active, (shards) => {
      if (!this.#over) this.#options.link.send({ type: 'evaluated', request, shards });
    });
    this.#trace.tracer.span('event loop', 'evaluate', began, performance.now());
    this.#trace.flush();
  }
}
