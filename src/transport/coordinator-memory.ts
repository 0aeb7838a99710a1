/** What a worker and a coordinator of one host share: its model vectors, and the worker's gradients. */
import { LockstepError } from '../common/errors.js';
import type { SharedParts } from '../protocol/memory-part.js';
import type { MemoryOffer } from '../protocol/messages.js';
import { mapPart, offerPart, type OfferedMemory } from './shared-part.js';

export class CoordinatorMemory {
  readonly parts: SharedParts;
  readonly #gradients: OfferedMemory;
  readonly #unmap: () => void;

  private constructor(parts: SharedParts, gradients: OfferedMemory, unmap: () => void) {
    this.parts = parts;
    this.#gradients = gradients;
    this.#unmap = unmap;
  }

  /** Maps the coordinator's vectors and offers the gradients; null where one or the other is not possible. */
  static share(vectors: MemoryOffer, parts: SharedParts): CoordinatorMemory | null {
    try {
      // A worker only reads the model; whatever would write to it is a defect, and must not reach the others.
      const unmap = mapPart(vectors, parts.vectors, 'read');
      try {
        return new CoordinatorMemory(parts, offerPart(parts.gradients), unmap);
      } catch (error) {
        unmap();
        throw error;
      }
    } catch (error) {
      if (error instanceof LockstepError && error.code === 'unavailable') return null;
      throw error;
    }
  }

  /** The gradients, as the coordinator may map them. */
  get offer(): MemoryOffer {
    return this.#gradients.offer;
  }

  /** Gives the vectors back to this process alone. */
  unmapVectors(): void {
    this.#unmap();
  }

  /** Ends the offer. The vectors stay mapped for those who still read them, until their memory goes. */
  close(): void {
    this.#gradients.seal();
  }
}
