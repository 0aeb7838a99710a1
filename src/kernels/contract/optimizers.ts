/**
 * Updates of the weights, one pass over memory each.
 *
 * The gradient used is g = scale·gradient + l2·w + l1·sign(w), with sign(0) = 0. Weights and state are read in one place
 * and written in another, which may be the same place. How an element moves depends on that element alone. The result is
 * Σ g², in float64 and with the bits of `gradientSumSquares`: a function of the n elements of this one call, so whoever
 * cuts a tensor into ranges cuts it in the same way every time.
 */
import type { Offset } from '../arena.js';

export interface Optimizers {
  /** w ← w − rate·g. Returns Σ g². */
  gradientDescent(
    n: number,
    weights: Offset,
    gradient: Offset,
    newWeights: Offset,
    scale: number,
    l2: number,
    l1: number,
    rate: number,
  ): number;
  /** v ← beta·v + (1 − beta)·g; w ← w − rate·v. Returns Σ g². */
  momentum(
    n: number,
    weights: Offset,
    gradient: Offset,
    velocity: Offset,
    newWeights: Offset,
    newVelocity: Offset,
    scale: number,
    l2: number,
    l1: number,
    rate: number,
    beta: number,
  ): number;
  /** s ← beta·s + (1 − beta)·g²; w ← w − rate·g / (√s + epsilon). Returns Σ g². */
  rmsprop(
    n: number,
    weights: Offset,
    gradient: Offset,
    square: Offset,
    newWeights: Offset,
    newSquare: Offset,
    scale: number,
    l2: number,
    l1: number,
    rate: number,
    beta: number,
    epsilon: number,
  ): number;
  /**
   * v ← beta1·v + (1 − beta1)·g; s ← beta2·s + (1 − beta2)·g²; w ← w − rate·(v/correction1) / (√(s/correction2) + epsilon),
   * where correction = 1 − betaᵗ at the t-th update, computed by the caller. Returns Σ g².
   */
  adam(
    n: number,
    weights: Offset,
    gradient: Offset,
    velocity: Offset,
    square: Offset,
    newWeights: Offset,
    newVelocity: Offset,
    newSquare: Offset,
    scale: number,
    l2: number,
    l1: number,
    rate: number,
    beta1: number,
    beta2: number,
    epsilon: number,
    correction1: number,
    correction2: number,
  ): number;
}
