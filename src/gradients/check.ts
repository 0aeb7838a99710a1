/**
 * Gradient checking: the gradient that backpropagation gives, in float64, against central differences of the cost; and the gradient
 * of the kernels that train, in float32, against the former. Tensor by tensor, so that a mistake has an address.
 */
import type { KernelFactory } from '../kernels/kernels.js';
import { createReferenceKernels } from '../kernels/reference/reference-kernels.js';
import type { TensorSpec } from '../nn/model.js';
import { Cost, type CostOptions } from './cost.js';
import { derivative, distance, norm, relativeError } from './differences.js';
import type { Floats } from './pass-rig.js';
import { Probes } from './probes.js';
import { EXACT, judge, SINGLE, worse, type Verdict } from './verdict.js';

export interface GradientCheckOptions extends CostOptions {
  /** The model vector to check at, or its parameters; default: the initial weights of the seed. */
  readonly weights?: Floats;
  /** Kernels to check in float32; default: none. */
  readonly kernels?: KernelFactory;
  /** Elements of a tensor to compare one by one; default: 8. */
  readonly elements?: number;
}

export interface TensorReport {
  readonly name: string;
  readonly size: number;
  /** Elements compared one by one, and random directions over the whole tensor. */
  readonly elements: number;
  readonly directions: number;
  /** Elements and directions left out, because the cost has a kink there at every step. */
  readonly leftOut: number;
  /** ‖a − n‖/(‖a‖ + ‖n‖) of backpropagation and differences: of the elements or of the directions, whichever is worse. */
  readonly error: number;
  readonly verdict: Verdict;
  /** The same of the whole tensor in float32 and float64; null when no kernels were given. */
  readonly single: { readonly error: number; readonly verdict: Verdict } | null;
}

export interface GradientReport {
  /** J at the point of the check. */
  readonly cost: number;
  readonly tensors: readonly TensorReport[];
  /** The worst of all. */
  readonly verdict: Verdict;
}

/** Roundings of a cost in float64, as a multiple of 2⁻⁵² of the largest number that goes into it. */
const COST_ROUNDINGS = 4;

/** Float32 noise of a tensor whose gradient cancels to 0, as a share of the length of the whole gradient. */
const SINGLE_NOISE = 1e-5;

/**
 * Compares the gradients of every parameter. Costs two evaluations of the cost for each element and direction, more near kinks.
 *
 * @throws RangeError when model and batch do not fit memory in float64.
 */
export function checkGradients(options: GradientCheckOptions): GradientReport {
  const cost = new Cost(options, createReferenceKernels, 'float64');
  if (options.weights === undefined) roundToSingle(cost.weights);
  else cost.weights.set(options.weights);
  const gradient = cost.gradient();
  const single = options.kernels === undefined ? null : singleGradient(options, options.kernels, cost.weights);
  const origin = cost.value();
  const rounding = COST_ROUNDINGS * Number.EPSILON * Math.max(1, Math.abs(origin), largest(cost.outputs));
  const parameters = options.model.tensors.filter(({ parameter }) => parameter !== null);
  const noise = SINGLE_NOISE * norm(gradient);
  const tensors = parameters.map((tensor, index): TensorReport => {
    const found = compareTensor(cost, tensor, gradient, new Probes(options.seed, index, options.elements), {
      origin,
      rounding,
    });
    return { ...found, single: single === null ? null : compareSingle(tensor, single, gradient, noise) };
  });
  const verdict = tensors.reduce<Verdict>(
    (worst, tensor) => worse(worse(worst, tensor.verdict), tensor.single?.verdict ?? 'unseen'),
    'unseen',
  );
  return { cost: origin, tensors, verdict };
}

function largest(values: Floats): number {
  let size = 0;
  for (let i = 0; i < values.length; i += 1) size = Math.max(size, Math.abs(values[i] as number));
  return size;
}

/** Weights are float32 in training: the point must be one for both precisions. */
function roundToSingle(weights: Floats): void {
  for (let i = 0; i < weights.length; i += 1) weights[i] = Math.fround(weights[i] as number);
}

function singleGradient(options: CostOptions, kernels: KernelFactory, weights: Floats): Float64Array {
  const cost = new Cost(options, kernels, 'float32');
  cost.weights.set(weights);
  return cost.gradient();
}

interface Level {
  /** J at the point of the check, and a bound on its rounding error. */
  readonly origin: number;
  readonly rounding: number;
}

function compareTensor(
  cost: Cost,
  { name, offset, size }: TensorSpec,
  gradient: Float64Array,
  probes: Probes,
  level: Level,
): Omit<TensorReport, 'single'> {
  const point = cost.weights.subarray(offset, offset + size);
  const analytic = gradient.subarray(offset, offset + size);
  const base = point.slice();

  const elements = new Comparison();
  for (const element of probes.elements(size)) {
    const start = base[element] as number;
    const along = (t: number): number => {
      point[element] = start + t;
      return cost.value();
    };
    elements.add(analytic[element] as number, along, level);
    point[element] = start;
  }

  const directions = new Comparison();
  for (const direction of probes.directions(size)) {
    const along = (t: number): number => {
      for (let i = 0; i < size; i += 1) point[i] = (base[i] as number) + t * (direction[i] as number);
      return cost.value();
    };
    const slope = direction.reduce((sum, d, i) => sum + d * (analytic[i] as number), 0);
    directions.add(slope, along, level);
    point.set(base);
  }

  const parts = [elements.result(), directions.result()];
  const verdict = worse(parts[0]?.verdict ?? 'unseen', parts[1]?.verdict ?? 'unseen');
  const errors = parts.filter((part) => part.verdict === verdict).map(({ error }) => error);
  return {
    name,
    size,
    elements: elements.count,
    directions: directions.count,
    leftOut: elements.leftOut + directions.leftOut,
    error: Math.max(0, ...errors),
    verdict,
  };
}

/** Derivatives of both kinds, to be compared as two vectors. */
class Comparison {
  leftOut = 0;
  readonly #analytic: number[] = [];
  readonly #numeric: number[] = [];
  #rounding = 0;

  get count(): number {
    return this.#numeric.length;
  }

  add(analytic: number, along: (t: number) => number, { origin, rounding }: Level): void {
    const numeric = derivative(along, { origin, rounding, expected: analytic });
    if (numeric === null) {
      this.leftOut += 1;
      return;
    }
    this.#analytic.push(analytic);
    this.#numeric.push(numeric.value);
    this.#rounding += numeric.rounding ** 2;
  }

  result(): { readonly error: number; readonly verdict: Verdict } {
    if (this.count === 0) return { error: 0, verdict: 'unseen' };
    const lengths = norm(this.#analytic) + norm(this.#numeric);
    const rounding = Math.sqrt(this.#rounding);
    // The gradient vanishes, as that of a bias in front of batch norm does.
    if (lengths <= rounding) return { error: 0, verdict: 'right' };
    const error = relativeError(this.#analytic, this.#numeric);
    return { error, verdict: judge(error, EXACT, rounding / lengths) };
  }
}

function compareSingle(
  { offset, size }: TensorSpec,
  single: Float64Array,
  gradient: Float64Array,
  noise: number,
): { readonly error: number; readonly verdict: Verdict } {
  const [a, b] = [single.subarray(offset, offset + size), gradient.subarray(offset, offset + size)];
  const error = relativeError(a, b);
  return { error, verdict: distance(a, b) <= noise ? 'right' : judge(error, SINGLE, 0) };
}
