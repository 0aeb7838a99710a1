import type { Schedule } from './schedule.js';

/** α = α₀ */
export function constant(learningRate: number): Schedule {
  return () => learningRate;
}
