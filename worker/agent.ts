/**
 * A worker's side of the protocol: takes the coordinator's messages in order, drives the engine, sends back what it finds.
 * One thing runs at a time; a new plan calls off the one before.
 */
import { LockstepError } from '../src/common/errors.js';
import { stepArgs, type Tracer } from '../src/common/trace.js';
import {
  sameFence,
  type CoordinatorMessage,
  type Evaluate,
  type Fence,
  type Plan,
  type Welcome,
} from '../src/protocol/messages.js';
import type { CoordinatorLink, CoordinatorLinkEvents, WeightsPart } from '../src/protocol/link.js';
import { AgentTrace } from './agent-trace.js';
import type { Engine, ExchangePort, PassResult } from './engine.js';

/** Why an attempt did not come to its end: not an error. */
class CalledOff extends Error {}

/** What an agent needs of whatever does the computing. */
export type AgentEngine = Pick<Engine, 'spare' | 'swap' | 'train' | 'gradients' | 'evaluate' | 'close'>;

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

interface PendingExchange {
  readonly fence: Fence;
  readonly exchange: number;
  resolve(values: Float32Array): void;
  reject(reason: Error): void;
}

const NONE = -1;

export class Agent implements CoordinatorLinkEvents {
  /** Resolves when the worker's part is over. */
  readonly ended: Promise<Ending>;
  readonly #options: AgentOptions;
  readonly #trace: AgentTrace;
  #end: (ending: Ending) => void = () => undefined;
  #engine: AgentEngine | null = null;
  /** Work in progress; the next begins when it has settled. */
  #work: Promise<void> = Promise.resolve();
  #current: Fence | null = null;
  #exchange: PendingExchange | null = null;
  #activeVersion = NONE;
  #spareVersion = NONE;
  #versionArrived: (() => void) | null = null;
  /** When the first part of the model under way came. */
  #modelBegan: number | null = null;
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
      case 'plan':
        this.#callOff();
        this.#current = message.fence;
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

  weights(part: WeightsPart): void {
    if (this.#engine === null) return;
    const began = (this.#modelBegan ??= performance.now());
    const { spare } = this.#engine;
    const start = spare.byteOffset + part.offset * 4;
    const isThere = part.bytes.buffer === spare.buffer && part.bytes.byteOffset === start;
    if (!isThere) new Uint8Array(spare.buffer, start, part.bytes.length).set(part.bytes);
    this.#spareVersion = part.last ? part.version : NONE;
    if (!part.last) return;
    this.#modelBegan = null;
    this.#trace.tracer.span('network', 'receive weights', began, performance.now(), { step: part.version });
    this.#versionArrived?.();
  }

  lost(reason: string, final: boolean): void {
    this.#end({ reason: 'lost', message: reason, final });
  }

  async close(): Promise<void> {
    this.#over = true;
    this.#callOff();
    await this.#work;
    await this.#engine?.close();
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
    this.#versionArrived?.();
  }

  async #prepare(welcome: Welcome): Promise<void> {
    this.#trace.welcome(welcome.trace);
    this.#engine = await this.#options.startEngine(
      welcome,
      welcome.trace === undefined ? undefined : this.#trace.tracer,
    );
    this.#options.link.openModels();
    this.#options.link.send({ type: 'ready', dataFingerprint: welcome.dataFingerprint });
    this.#options.observer.ready(welcome.workerId);
  }

  async #train(plan: Plan): Promise<void> {
    const current = (): boolean => this.#current !== null && sameFence(this.#current, plan.fence);
    if (!current()) return;
    const { link } = this.#options;
    const { fence } = plan;
    const { tracer } = this.#trace;
    tracer.begin(fence.step);
    const began = performance.now();
    const engine = await this.#engineAt(plan.weightsVersion, current);
    tracer.span('event loop', 'wait for weights', began, performance.now(), stepArgs(fence));
    const port: ExchangePort = {
      post: (exchange, nodes) => {
        if (!current()) throw new CalledOff();
        link.send({ type: 'exchangeNodes', fence, exchange, nodes });
      },
      exchange: (exchange, nodes) => {
        if (!current()) return Promise.reject(new CalledOff());
        return new Promise((resolve, reject) => {
          this.#exchange = { fence, exchange, resolve, reject };
          link.send({ type: 'exchangeNodes', fence, exchange, nodes });
        });
      },
    };
    const result = await engine.train(plan, port);
    if (!current()) return;
    link.send({ type: 'stepReport', fence, ...result });
    link.sendGradients(fence, engine.gradients());
    tracer.span('event loop', 'step', began, performance.now(), stepArgs(fence));
    this.#options.observer.stepDone(plan, result);
    this.#trace.flush();
  }

  async #evaluate(message: Evaluate): Promise<void> {
    // A plan means that others have answered in this worker's place.
    const engine = await this.#engineAt(message.weightsVersion, () => !this.#over && this.#current === null);
    const began = performance.now();
    const shards = await engine.evaluate(message.split, message.firstShard, message.endShard);
    this.#trace.tracer.span('event loop', 'evaluate', began, performance.now());
    this.#trace.flush();
    if (!this.#over) this.#options.link.send({ type: 'evaluated', request: message.request, shards });
  }

  /** The engine, with a certain model in use; waits until that model has arrived. */
  async #engineAt(version: number, wanted: () => boolean): Promise<AgentEngine> {
    const engine = this.#engine;
    if (engine === null)
      throw new LockstepError('internal', 'the coordinator planned work for a worker that is not ready');
    while (this.#activeVersion !== version) {
      if (!wanted()) throw new CalledOff();
      if (this.#spareVersion === version) {
        engine.swap();
        [this.#activeVersion, this.#spareVersion] = [version, NONE];
      } else {
        await new Promise<void>((resolve) => {
          this.#versionArrived = resolve;
        });
      }
    }
    return engine;
  }
}
