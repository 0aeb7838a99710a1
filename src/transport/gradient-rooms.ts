/**
 * Gradients of workers of this host, mapped into the memory of whoever sums: they lie there already when a worker says so. Who has no room,
 * or cannot be mapped, sends its sums.
 */
import { LockstepError } from '../common/errors.js';
import type { MemoryPart } from '../protocol/memory-part.js';
import type { MemoryOffer } from '../protocol/messages.js';
import { mapPart } from './shared-part.js';

interface Guest {
  readonly room: MemoryPart;
  readonly unmap: () => void;
}

export class GradientRooms {
  readonly #access: 'read' | 'write';
  readonly #free: MemoryPart[];
  readonly #guests = new Map<string, Guest>();

  /** @param access `read`: a write into a room ends the process. */
  constructor(rooms: readonly MemoryPart[], access: 'read' | 'write') {
    this.#free = [...rooms].reverse();
    this.#access = access;
  }

  /** Maps a worker's gradients, unless they are; null when that is not possible. @param access where it differs for this worker. */
  take(worker: string, offer: MemoryOffer, access = this.#access): MemoryPart | null {
    const known = this.#guests.get(worker);
    if (known !== undefined) return known.room;
    const room = this.#free.pop();
    if (room === undefined) return null;
    try {
      this.#guests.set(worker, { room, unmap: mapPart(offer, room, access) });
      return room;
    } catch (error) {
      this.#free.push(room);
      if (error instanceof LockstepError && error.code === 'unavailable') return null;
      throw error;
    }
  }

  /** Lets the rooms go of all but these workers. No sum in one of them may be wanted any more. */
  keep(workers: readonly string[]): void {
    for (const [worker, { room, unmap }] of this.#guests) {
      if (workers.includes(worker)) continue;
      unmap();
      this.#guests.delete(worker);
      this.#free.push(room);
    }
  }
}
