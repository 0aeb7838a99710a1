/** The blocks of memory that coordinator and workers of one host share, as both lay them out. */
import { allocationSize } from '../kernels/arena.js';
import { maxSubtrees } from '../reduce/tree.js';
import type { Model } from './model.js';

/** Elements from the first of two model vectors to the second. */
export function vectorStride(model: Model): number {
  return allocationSize(model.vectorElements);
}

/** Elements of a worker's gradient sums: as many of them as the most scattered range of shards needs, one after the other. */
export function gradientElements(model: Model, shards: number): number {
  return maxSubtrees(shards) * model.parameterElements;
}
