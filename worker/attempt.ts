/**
 * A worker's part in one attempt at a step: how its pass reaches the rest of the cluster, for as long as the attempt counts. Once it is called
 * off nothing more is sent, and whoever waits goes on with {@link CalledOff}.
 */
import type { CoordinatorLink } from '../src/protocol/link.js';
import { sameFence, type ExchangeResult, type Fence } from '../src/protocol/messages.js';
import { CalledOff } from './called-off.js';
import type { ModelSlots } from './model-slots.js';
import type { PassPort } from './pass-port.js';
import type { Reduction } from './reduction.js';

/** An exchange that the coordinator has yet to answer. */
interface Pending {
  readonly exchange: number;
  resolve(values: Float32Array): void;
  reject(reason: Error): void;
}

export class Attempt {
  readonly fence: Fence;
  readonly #link: Pick<CoordinatorLink, 'send'>;
  /** At most one: the next stage of the pass needs the answer. */
  #pending: Pending | null = null;
  #calledOff = false;

  constructor(fence: Fence, link: Pick<CoordinatorLink, 'send'>) {
    this.fence = fence;
    this.#link = link;
  }

  get isCalledOff(): boolean {
    return this.#calledOff;
  }

  /** Its exchanges will not be answered. */
  callOff(): void {
    this.#calledOff = true;
    this.#pending?.reject(new CalledOff());
    this.#pending = null;
  }

  /** Hands the coordinator's answer to who waits for it; any other is of the past. */
  answer({ fence, exchange, values }: ExchangeResult): void {
    const pending = this.#pending;
    if (pending?.exchange !== exchange || !sameFence(this.fence, fence)) return;
    this.#pending = null;
    pending.resolve(values);
  }

  /** @param slots with the model of the attempt in use */
  port(slots: ModelSlots, reduction: Reduction): PassPort {
    return {
      post: (exchange, nodes) => {
        if (!this.#calledOff) this.#link.send({ type: 'exchangeNodes', fence: this.fence, exchange, nodes });
      },
      exchange: (exchange, nodes) => {
        if (this.#calledOff) return Promise.reject(new CalledOff());
        return new Promise((resolve, reject) => {
          this.#pending = { exchange, resolve, reject };
          this.#link.send({ type: 'exchangeNodes', fence: this.fence, exchange, nodes });
        });
      },
      weights: (end) => (this.#calledOff ? Promise.reject(new CalledOff()) : slots.arrived(0, end)),
      hasWeights: (end) => slots.has(0, end),
      bucket: (bucket, nodes) => {
        if (!this.#calledOff) reduction.ready(bucket, nodes);
      },
    };
  }
}
