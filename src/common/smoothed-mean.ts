/** Where a {@link SmoothedMean} stands. */
export interface SmoothedState {
  readonly sum: number;
  readonly weight: number;
}

/**
 * Exponentially weighted average with bias correction, so that the first value counts in full:
 * v ← β·v + (1 − β)·x, and v / (1 − βᵗ) after t values. The denominator is summed up alongside, as the same average of ones.
 */
export class SmoothedMean {
  readonly #beta: number;
  #sum: number;
  #weight: number;

  /** @param beta share of the old average that each value leaves, 0 ≤ β < 1; about 1/(1 − β) values count */
  constructor(beta: number, { sum, weight }: SmoothedState = { sum: 0, weight: 0 }) {
    this.#beta = beta;
    this.#sum = sum;
    this.#weight = weight;
  }

  add(value: number): void {
    this.#sum = this.#beta * this.#sum + (1 - this.#beta) * value;
    this.#weight = this.#beta * this.#weight + (1 - this.#beta);
  }

  /** null before the first value. */
  get value(): number | null {
    return this.#weight === 0 ? null : this.#sum / this.#weight;
  }

  get state(): SmoothedState {
    return { sum: this.#sum, weight: this.#weight };
  }
}
