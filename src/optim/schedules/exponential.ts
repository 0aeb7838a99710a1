import { power } from '../power.js';
import type { Schedule } from './schedule.js';

/**
 * Exponential decay: α = α₀·base^epoch.
 *
 * @param base factor from one epoch to the next, 0 < base ≤ 1
 */
export function exponential(learningRate: number, base: number): Schedule {
  return ({ epoch }) => learningRate * power(base, epoch);
}
