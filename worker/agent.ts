/**
 * A worker's side of the protocol: takes the coordinator's messages in order, drives the engine, sends back what it finds.
 * One thing runs at a time; a new plan calls off the one before.
 */
import { LockstepError } from '../src/common/errors.js';
import { stepArgs, type Tracer } from '../src/common/trace.js';
import {
  compareFences,
  type CoordinatorMessage,
  type Evaluate,
  type Fence,
  type Plan,
  type StepReport,
  type Welcome,
} from '../src/protocol/messages.js';
import type { CoordinatorLink, CoordinatorLinkEvents } from '../src/protocol/link.js';
import type { Piece } from '../src/protocol/piece.js';
import { AgentTrace } from './agent-trace.js';
import { Attempt } from './attempt.js';
import { CalledOff } from './called-off.js';
import type { PassResult } from './pass-port.js';
import { Session, type AgentEngine } from './session.js';

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

function isNextTo(fence: Fence, before: Fence | null): boolean {
  return before !== null && fence.epoch === before.epoch && fence.step === before.step + 1;
}

/** What a worker without shards has to report of a step. */
const NOTHING_DONE: Omit<StepReport, 'type' | 'fence'> = {
  shards: [],
  computeMs: 0,
  waitMs: 0,
  activeUnits: [],
  nonFiniteLayer: null,
};

export class Agent implements CoordinatorLinkEvents {
  /** Resolves when the worker's part is over. */
  readonly ended: Promise<Ending>;
  readonly #options: AgentOptions;
  readonly #trace: AgentTrace;
  #end: (ending: Ending) => void = () => undefined;
  #session: Session | null = null;
  /** Work in progress; the next begins when it has settled. */
  #work: Promise<void> = Promise.resolve();
  /** Of the last plan and the one before it, unless they are called off: a plan may be made ahead. */
  #attempts: readonly Attempt[] = [];
  /** Of the last roster, and of the last plan. */
  #epoch = 0;
  #latest: Fence | null = null;
  /** A plan ahead that has overtaken the one before it. */
  #overtaking: Plan | null = null;
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
        this.#enqueue(() => this.#ready().adopt(message));
        break;
      case 'plan':
        this.#plan(message);
        break;
      case 'evaluate':
        // No step is under way while the coordinator evaluates; what this worker still waits for will not come.
        this.#callOff();
        this.#enqueue(() => this.#evaluate(message));
        break;
      case 'exchangeResult':
        for (const attempt of this.#attempts) attempt.answer(message);
        break;
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
    this.#session?.receive(piece);
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

  #enqueue(work: () => Promise<void> | void): void {
    this.#work = this.#work.then(work).catch((thrown: unknown) => {
      if (thrown instanceof CalledOff || this.#over) return;
      const error = LockstepError.from(thrown);
      const message = error.hint === undefined ? error.message : `${error.message}. ${error.hint}`;
      this.#options.link.send({ type: 'failed', code: error.code, message });
      this.#end({ reason: 'broken', message: error.message, error });
    });
  }

  /** Plans may take another way than rosters, and one plan another than the next: they may be overtaken. */
  #plan(plan: Plan): void {
    if (plan.fence.epoch < this.#epoch || isOlder(plan.fence, this.#latest)) return;
    if (plan.ahead && !isNextTo(plan.fence, this.#latest)) {
      this.#overtaking = plan;
      return;
    }
    if (!plan.ahead) this.#callOff();
    const attempt = new Attempt(plan.fence, this.#options.link);
    this.#attempts = [...this.#attempts.slice(-1), attempt];
    this.#latest = plan.fence;
    this.#enqueue(() => this.#train(plan, attempt));
    const overtaking = this.#overtaking;
    this.#overtaking = null;
    if (overtaking !== null) this.#plan(overtaking);
  }

  /** Makes the attempt under way end early, and one that is planned after it not begin. */
  #callOff(): void {
    for (const attempt of this.#attempts) attempt.callOff();
    this.#attempts = [];
    this.#session?.callOff();
  }

  async #prepare(welcome: Welcome): Promise<void> {
    const { link, observer } = this.#options;
    this.#trace.welcome(welcome.trace);
    const { tracer } = this.#trace;
    const engine = await this.#options.startEngine(welcome, welcome.trace === undefined ? undefined : tracer);
    this.#session = new Session(welcome, engine, link, tracer);
    // Meanwhile the coordinator may have gone, and nobody is told that this worker is ready.
    if (this.#over) return;
    this.#session.open();
    observer.ready(welcome.workerId);
  }

  #ready(): Session {
    if (this.#session === null)
      throw new LockstepError('internal', 'the coordinator planned work for a worker that is not ready');
    return this.#session;
  }

  async #train(plan: Plan, attempt: Attempt): Promise<void> {
    if (attempt.isCalledOff) return;
    const { engine, slots, reduction } = this.#ready();
    const { link, observer } = this.#options;
    const { fence } = plan;
    const { tracer } = this.#trace;
    tracer.begin(fence.step);
    const began = performance.now();
    reduction.begin(plan);
    // Also without shards: the step may have to be done again with them, and what it makes must not take the place of what it starts from.
    await slots.use(plan.weightsVersion);
    if (attempt.isCalledOff) return;
    if (plan.firstShard === plan.endShard) {
      link.send({ type: 'stepReport', fence, ...NOTHING_DONE });
      this.#trace.flush();
      return;
    }
    const result = await engine.train(plan, slots.active, attempt.port(slots, reduction));
    if (attempt.isCalledOff) return;
    const { dataWaitMs: _dataWaitMs, ...report } = result;
    link.send({ type: 'stepReport', fence, ...report });
    tracer.span('event loop', 'step', began, performance.now(), stepArgs(fence));
    observer.stepDone(plan, result);
    this.#trace.flush();
  }

  async #evaluate(message: Evaluate): Promise<void> {
    // A plan means that others have answered in this worker's place.
    if (this.#over || this.#attempts.length > 0) return;
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
