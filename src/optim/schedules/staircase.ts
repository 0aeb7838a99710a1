import { power } from '../power.js';
import type { Schedule } from './schedule.js';

/**
 * Discrete staircase: α = α₀·factor^⌊epoch / every⌋.
 *
 * @param factor from one stair to the next, 0 < factor ≤ 1
 * @param every epochs per stair, ≥ 1
 */
export function staircase(learningRate: number, factor: number, every: number): Schedule {
  return ({ epoch }) => learningRate * power(factor, Math.floor(epoch / every));
}
