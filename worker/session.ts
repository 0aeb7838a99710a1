/** What a worker holds once it has been welcomed: the engine, the model on its way to it, the sums that it has a part in. */
import { LockstepError } from '../src/common/errors.js';
import type { StepTracer } from '../src/common/trace.js';
import type { CoordinatorLink } from '../src/protocol/link.js';
import type { Roster, Welcome } from '../src/protocol/messages.js';
import type { Piece } from '../src/protocol/piece.js';
import { cutBuckets } from '../src/reduce/buckets.js';
import { CalledOff } from './called-off.js';
import type { Engine } from './engine.js';
import { ModelSlots } from './model-slots.js';
import { Reduction } from './reduction.js';

/** What is needed of whatever does the computing. */
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

export class Session {
  readonly engine: AgentEngine;
  readonly slots: ModelSlots;
  readonly reduction: Reduction;
  readonly #welcome: Welcome;
  readonly #link: CoordinatorLink;
  readonly #tracer: StepTracer;

  constructor(welcome: Welcome, engine: AgentEngine, link: CoordinatorLink, tracer: StepTracer) {
    this.#welcome = welcome;
    this.#link = link;
    this.#tracer = tracer;
    this.engine = engine;
    this.slots = new ModelSlots(engine.vectors);
    this.reduction = new Reduction({
      self: welcome.workerId,
      createKernels: engine.createKernels,
      gradients: engine.parts?.gradients ?? null,
      parameterElements: engine.parameterElements,
      shards: welcome.job.training.shards,
      gradientFormat: welcome.job.training.wireFormat.gradients,
      send: (to, piece) => link.sendPiece(to, piece),
      tracer,
    });
  }

  /** Lets pieces come, and tells the coordinator that there is room for them. */
  open(): void {
    const { engine } = this;
    const gradients = this.#link.openPieces(engine.parameterElements, engine.parts);
    const offer = gradients === null ? {} : { gradients };
    this.#link.send({ type: 'ready', dataFingerprint: this.#welcome.dataFingerprint, ...offer });
  }

  /** Takes part in a membership epoch. No pass may be under way. */
  adopt(roster: Roster): void {
    const { engine, reduction } = this;
    const buckets = cutBuckets(engine.parameters, roster.bucketElements, engine.parameterElements);
    engine.setBuckets(buckets);
    this.#shareBoard(roster);
    reduction.adopt(roster, buckets);
    const { workerId } = this.#welcome;
    const peers = roster.collective === 'mesh' ? roster.members.filter(({ id }) => id !== workerId) : [];
    this.#link.setPeers(peers.map((peer) => ({ ...peer, mapped: reduction.mappedOf(peer.id) })));
  }

  /** Takes in part of a gradient or model; weights for buckets of this worker go on to the other members. */
  receive(piece: Piece): void {
    if (piece.kind !== 'weights') {
      this.reduction.receive(piece);
      return;
    }
    const began = performance.now();
    if (!this.slots.receive(piece)) return;
    if (this.#tracer.enabled) {
      const bucket = this.reduction.bucketOf(piece.start);
      this.#tracer.span('network', 'receive weights', began, performance.now(), {
        step: piece.fence.step,
        bytes: piece.bytes.byteLength,
        ...(bucket === undefined ? {} : { bucket }),
      });
    }
    const vector = this.slots.vectorOf(piece.fence.step);
    if (vector !== null) this.reduction.passOn(piece, vector);
  }

  /** Has the pass under way, if there is one, end early, and whoever waits for weights go on with {@link CalledOff}. */
  callOff(): void {
    this.slots.cancel(new CalledOff());
    this.engine.callOff();
  }

  /** Whoever cannot use the board says so: the others would wait for it there. */
  #shareBoard(roster: Roster): void {
    try {
      this.engine.setBoard(roster);
    } catch (thrown) {
      const { code, message } = LockstepError.from(thrown);
      if (code !== 'unavailable') throw thrown;
      this.#link.send({ type: 'boardRefused', epoch: roster.epoch, reason: message });
    }
  }
}
