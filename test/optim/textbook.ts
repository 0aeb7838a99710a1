/** The optimizers as the textbooks write them, in float64 on plain arrays: what the product is tested against. */
import type { OptimizerSpec } from '../../src/job/job.js';

export interface TextbookState {
  readonly weights: number[];
  readonly velocity: number[];
  readonly square: number[];
}

export function startAt(weights: readonly number[]): TextbookState {
  return { weights: [...weights], velocity: weights.map(() => 0), square: weights.map(() => 0) };
}

/** Update number t with the gradient g, penalties included. */
export function textbookUpdate(
  spec: OptimizerSpec,
  state: TextbookState,
  g: readonly number[],
  rate: number,
  t: number,
): void {
  g.forEach((gradient, i) => {
    const [w = NaN, v = NaN, s = NaN] = [state.weights[i], state.velocity[i], state.square[i]];
    switch (spec.type) {
      case 'gradientDescent':
        state.weights[i] = w - rate * gradient;
        break;
      case 'momentum': {
        const velocity = spec.beta * v + (1 - spec.beta) * gradient;
        state.velocity[i] = velocity;
        state.weights[i] = w - rate * velocity;
        break;
      }
      case 'rmsprop': {
        const square = spec.beta * s + (1 - spec.beta) * gradient ** 2;
        state.square[i] = square;
        state.weights[i] = w - (rate * gradient) / (Math.sqrt(square) + spec.epsilon);
        break;
      }
      case 'adam': {
        const velocity = spec.beta1 * v + (1 - spec.beta1) * gradient;
        const square = spec.beta2 * s + (1 - spec.beta2) * gradient ** 2;
        state.velocity[i] = velocity;
        state.square[i] = square;
        const correctedVelocity = velocity / (1 - spec.beta1 ** t);
        const correctedSquare = square / (1 - spec.beta2 ** t);
        state.weights[i] = w - (rate * correctedVelocity) / (Math.sqrt(correctedSquare) + spec.epsilon);
        break;
      }
    }
  });
}
