import type { Schedule } from './schedule.js';

/**
 * Inverse square root decay: α = α₀ / √(epoch + 1).
 *
 * Where it differs: often given as k/√epoch with epochs from 1; counted from 0 as everywhere here, that is the same
 * with k = α₀.
 */
export function inverseSqrt(learningRate: number): Schedule {
  return ({ epoch }) => learningRate / Math.sqrt(epoch + 1);
}
