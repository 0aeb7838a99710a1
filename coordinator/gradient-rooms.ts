/**
 * Gradients of workers of this host, mapped into the coordinator's memory: what such a worker sums lies there already when it says so. Who
 * has no room, or cannot be mapped, sends its sums.
 */
import { LockstepError } from '../src/common/errors.js';
import type { MemoryPart } from '../src/protocol/memory-part.js';
import type { MemoryOffer } from '../src/protocol/messages.js';
import { mapPart } from '../src/transport/shared-part.js';

interface Guest {
  readonly room: MemoryPart;
  readonly unmap: () => void;
}

export class GradientRooms {
  readonly #free: MemoryPart[];
  readonly #guests = new Map<string, Guest>();

  constructor(rooms: readonly MemoryPart[]) {
    this.#free = [...rooms].reverse();
  }

  /** Maps a worker's gradients; null when that is not possible. */
  take(worker: string, offer: MemoryOffer): MemoryPart | null {
    const room = this.#free.pop();
    if (room === undefined) return null;
    try {
      this.#guests.set(worker, { room, unmap: mapPart(offer, room, 'write') });
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
