import type { Schedule } from './schedule.js';

/**
 * Inverse time decay: α = α₀ / (1 + rate·epoch). The first epoch runs at α₀, and with rate = 1 the second at half of
 * it.
 *
 * @param rate per epoch, ≥ 0
 */
export function inverse(learningRate: number, rate: number): Schedule {
  return ({ epoch }) => learningRate / (1 + rate * epoch);
}
