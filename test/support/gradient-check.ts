import type { Model } from '../../src/nn/model.js';
import type { Batch, Floats, PassRig } from './pass-rig.js';
import { simulateStep } from './simulated-step.js';

/** Steps of the difference quotient: the error of central differences is of the order of its square. */
const DIFFERENCE = 1e-5;

/** A gradient this short is the rounding of zero. */
const ZERO_NORM = 1e-9;

/** The gradient of `cost` by central differences, one element of `point` after the other. */
export function centralDifferences(point: Floats, cost: () => number): Float64Array {
  return Float64Array.from(point, (value, i) => {
    point[i] = value + DIFFERENCE;
    const above = cost();
    point[i] = value - DIFFERENCE;
    const below = cost();
    point[i] = value;
    return (above - below) / (2 * DIFFERENCE);
  });
}

/** ‖a − b‖ / (‖a‖ + ‖b‖); 0 where both vanish. */
export function relativeError(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [difference, lengthA, lengthB] = [0, 0, 0];
  for (let i = 0; i < a.length; i += 1) {
    const [x, y] = [a[i] ?? NaN, b[i] ?? NaN];
    difference += (x - y) ** 2;
    lengthA += x ** 2;
    lengthB += y ** 2;
  }
  const length = Math.sqrt(lengthA) + Math.sqrt(lengthB);
  return length < ZERO_NORM ? 0 : Math.sqrt(difference) / length;
}

/** How far each parameter's gradient is from central differences of the summed loss, by tensor name. */
export function gradientErrors(rig: PassRig, model: Model, batch: Batch, totalShards: number): Record<string, number> {
  const run = () => simulateStep([{ rig, range: { first: 0, end: totalShards } }], batch, { step: 3, totalShards });
  const { gradient } = run();
  const parameters = model.tensors.filter((tensor) => tensor.parameter !== null);
  return Object.fromEntries(
    parameters.map(({ name, offset, size }) => {
      const numeric = centralDifferences(rig.weights.subarray(offset, offset + size), () => run().loss);
      return [name, relativeError(gradient.subarray(offset, offset + size), numeric)];
    }),
  );
}
