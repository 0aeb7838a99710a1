/** One of the two copies of everything that a step changes: where it lies. */
import type { Offset } from '../src/kernels/arena.js';

export interface ModelCopy {
  /** The model vector: parameters, then running statistics. */
  readonly vector: Offset;
  /** The vector as workers get it: with the parameters rounded where they travel in fewer bits, else the vector itself. */
  readonly published: Offset;
  /** What the optimizer remembers, each slot as long as the parameters. */
  readonly slots: readonly Offset[];
}
