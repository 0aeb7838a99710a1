/** Which workers share memory with the coordinator, and where their gradients lie in its own. */
import type { MemoryPart } from '../src/protocol/memory-part.js';
import type { MemoryOffer } from '../src/protocol/messages.js';
import { GradientRooms } from '../src/transport/gradient-rooms.js';

export class HostMemory {
  readonly #rooms: GradientRooms;
  /** By worker: its gradients, as others may map them. Whoever offers them has mapped the model vectors. */
  readonly #offers = new Map<string, MemoryOffer>();

  /** @param rooms Addresses where gradients can be mapped. */
  constructor(rooms: readonly MemoryPart[]) {
    this.#rooms = new GradientRooms(rooms, 'write');
  }

  /** A worker shares its memory; returns where its gradients lie here, or null where they have to be sent. */
  admit(worker: string, gradients: MemoryOffer): MemoryPart | null {
    this.#offers.set(worker, gradients);
    return this.#rooms.take(worker, gradients);
  }

  isShared(worker: string): boolean {
    return this.#offers.has(worker);
  }

  /** The gradients of a worker that shares its memory. */
  offerOf(worker: string): MemoryOffer | undefined {
    return this.#offers.get(worker);
  }

  /** A worker is gone. Its gradients stay mapped until {@link keep}: a sum may lie among them. */
  forget(worker: string): void {
    this.#offers.delete(worker);
  }

  /** Unmaps the gradients of all but these workers. No sum among them may be wanted any more. */
  keep(workers: readonly string[]): void {
    this.#rooms.keep(workers);
  }
}
