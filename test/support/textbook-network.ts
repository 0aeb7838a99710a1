/**
 * Networks as the textbooks write them: float64, plain loops, one array per sample, the whole batch at once. Shares no code
 * with the product, which is tested against it.
 */
import type { LayerSpec, LossName } from '../../src/job/job.js';

/** One row per sample. */
export type Matrix = readonly (readonly number[])[];

/** Values by tensor name, row-major. */
export type Tensors = Map<string, number[]>;

interface Layer {
  forward(x: Matrix, training: boolean): Matrix;
  /** Gradient with respect to x; leaves the gradients of the parameters in `gradients`. */
  backward(dy: Matrix): Matrix;
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const column = (x: Matrix, j: number): number[] => x.map((row) => row[j] ?? NaN);

export class TextbookNetwork {
  /** Parameters and running statistics; training passes move the latter. */
  readonly tensors: Tensors;
  /** Gradients of the mean loss after a training pass. */
  readonly gradients: Tensors = new Map();
  readonly #layers: readonly Layer[];
  readonly #loss: LossName;

  /** A chain of layers, with tensors named as in `model.safetensors`. */
  constructor(specs: readonly LayerSpec[], loss: LossName, tensors: Tensors) {
    this.tensors = tensors;
    this.#loss = loss;
    this.#layers = specs.map((spec, index) => this.#layer(spec, index));
  }

  /** Mean loss over a batch, on its own statistics; then `gradients` holds the derivatives. */
  train(inputs: Matrix, targets: readonly number[]): number {
    const outputs = this.#layers.reduce((x, layer) => layer.forward(x, true), inputs);
    const { loss, gradient } = lossOf(this.#loss, outputs, targets);
    this.#layers.reduceRight((dy, layer) => layer.backward(dy), gradient);
    return loss;
  }

  /** The outputs with running statistics. */
  infer(inputs: Matrix): Matrix {
    return this.#layers.reduce((x, layer) => layer.forward(x, false), inputs);
  }

  /** Mean loss with running statistics. */
  evaluate(inputs: Matrix, targets: readonly number[]): number {
    return lossOf(this.#loss, this.infer(inputs), targets).loss;
  }

  #layer(spec: LayerSpec, index: number): Layer {
    const name = (tensor: string): string => `${index}.${spec.type}.${tensor}`;
    const read = (tensor: string): readonly number[] => this.tensors.get(name(tensor)) ?? [];
    switch (spec.type) {
      case 'dense':
        return this.#dense(spec.units, spec.bias, name, read);
      case 'batchNorm':
        return this.#batchNorm(spec.momentum, spec.epsilon, name, read);
      case 'relu':
        return elementwise(
          (x) => Math.max(x, 0),
          (y) => (y > 0 ? 1 : 0),
        );
      case 'leakyRelu':
        return elementwise(
          (x) => (x > 0 ? x : spec.slope * x),
          (y) => (y > 0 ? 1 : spec.slope),
        );
      case 'tanh':
        return elementwise(Math.tanh, (y) => 1 - y * y);
      case 'sigmoid':
        return elementwise(
          (x) => 1 / (1 + Math.exp(-x)),
          (y) => y * (1 - y),
        );
      case 'linear':
      case 'flatten':
        return elementwise(
          (x) => x,
          () => 1,
        );
      default:
        throw new Error(`the textbook has no ${spec.type} layer`);
    }
  }

  #dense(units: number, hasBias: boolean, name: (t: string) => string, read: (t: string) => readonly number[]): Layer {
    let input: Matrix = [];
    const weightRow = (unit: number, inputs: number): readonly number[] =>
      read('weight').slice(unit * inputs, (unit + 1) * inputs);
    return {
      forward: (x) => {
        input = x;
        const inputs = x[0]?.length ?? 0;
        const rows = Array.from({ length: units }, (_, unit) => weightRow(unit, inputs));
        return x.map((sample) =>
          rows.map((weights, unit) => {
            return sum(weights.map((w, j) => w * (sample[j] ?? NaN))) + (hasBias ? (read('bias')[unit] ?? NaN) : 0);
          }),
        );
      },
      backward: (dy) => {
        const inputs = input[0]?.length ?? 0;
        const weights = read('weight');
        const gradient = weights.map((_, i) => {
          const [unit, j] = [Math.floor(i / inputs), i % inputs];
          return sum(dy.map((row, sample) => (row[unit] ?? NaN) * (input[sample]?.[j] ?? NaN)));
        });
        this.gradients.set(name('weight'), gradient);
        if (hasBias)
          this.gradients.set(
            name('bias'),
            Array.from({ length: units }, (_, unit) => sum(column(dy, unit))),
          );
        return dy.map((row) =>
          Array.from({ length: inputs }, (_, j) => sum(row.map((g, unit) => g * (weights[unit * inputs + j] ?? NaN)))),
        );
      },
    };
  }

  /** Forward and backward in the steps of Ioffe & Szegedy 2015, section 3, one feature after the other. */
  #batchNorm(
    momentum: number,
    epsilon: number,
    name: (t: string) => string,
    read: (t: string) => readonly number[],
  ): Layer {
    let cache: { x: number[]; mean: number; variance: number }[] = [];
    const transpose = (columns: readonly (readonly number[])[], samples: number): Matrix =>
      Array.from({ length: samples }, (_, sample) => column(columns, sample));
    const normalize = (x: number, mean: number, variance: number): number => (x - mean) / Math.sqrt(variance + epsilon);
    return {
      forward: (input, training) => {
        const [gamma, beta] = [read('gamma'), read('beta')];
        const n = input.length;
        cache = gamma.map((_, j) => {
          const x = column(input, j);
          if (!training) return { x, mean: read('running_mean')[j] ?? NaN, variance: read('running_var')[j] ?? NaN };
          const mean = sum(x) / n;
          return { x, mean, variance: sum(x.map((value) => (value - mean) ** 2)) / n };
        });
        if (training) {
          const move = (tensor: string, batch: readonly number[]): void => {
            this.tensors.set(
              name(tensor),
              read(tensor).map((old, j) => momentum * old + (1 - momentum) * (batch[j] ?? NaN)),
            );
          };
          move(
            'running_mean',
            cache.map(({ mean }) => mean),
          );
          move(
            'running_var',
            cache.map(({ variance }) => (variance * n) / (n - 1)),
          );
        }
        const outputs = cache.map(({ x, mean, variance }, j) => {
          return x.map((value) => (gamma[j] ?? NaN) * normalize(value, mean, variance) + (beta[j] ?? NaN));
        });
        return transpose(outputs, n);
      },
      backward: (dy) => {
        const n = dy.length;
        const gamma = read('gamma');
        const columns = cache.map(({ x, mean, variance }, j) => {
          const g = column(dy, j);
          const normalized = g.map((value) => value * (gamma[j] ?? NaN));
          const dVariance =
            sum(normalized.map((d, i) => d * ((x[i] ?? NaN) - mean))) * -0.5 * (variance + epsilon) ** -1.5;
          const dMean = -sum(normalized) / Math.sqrt(variance + epsilon);
          return normalized.map((d, i) => {
            return d / Math.sqrt(variance + epsilon) + (dVariance * 2 * ((x[i] ?? NaN) - mean)) / n + dMean / n;
          });
        });
        const dGamma = cache.map(({ x, mean, variance }, j) => {
          return sum(column(dy, j).map((g, i) => g * normalize(x[i] ?? NaN, mean, variance)));
        });
        this.gradients.set(name('gamma'), dGamma);
        this.gradients.set(
          name('beta'),
          cache.map((_, j) => sum(column(dy, j))),
        );
        return transpose(columns, n);
      },
    };
  }
}

function elementwise(f: (x: number) => number, derivative: (y: number) => number): Layer {
  let outputs: Matrix = [];
  return {
    forward(x) {
      outputs = x.map((row) => row.map(f));
      return outputs;
    },
    backward: (dy) => dy.map((row, i) => row.map((g, j) => g * derivative(outputs[i]?.[j] ?? NaN))),
  };
}

/** Mean loss and its gradient with respect to the outputs. */
function lossOf(loss: LossName, outputs: Matrix, targets: readonly number[]): { loss: number; gradient: Matrix } {
  const n = outputs.length;
  const perSample = outputs.map((y, i): { loss: number; gradient: number[] } => {
    const target = targets[i] ?? NaN;
    const [first = NaN] = y;
    if (loss === 'meanSquaredError') return { loss: (first - target) ** 2, gradient: [2 * (first - target)] };
    if (loss === 'binaryCrossEntropy') {
      const p = 1 / (1 + Math.exp(-first));
      return { loss: -(target * Math.log(p) + (1 - target) * Math.log(1 - p)), gradient: [p - target] };
    }
    const powers = y.map((logit) => Math.exp(logit));
    const p = powers.map((power) => power / sum(powers));
    return { loss: -Math.log(p[target] ?? NaN), gradient: p.map((share, k) => share - (k === target ? 1 : 0)) };
  });
  return {
    loss: sum(perSample.map((sample) => sample.loss)) / n,
    gradient: perSample.map((sample) => sample.gradient.map((g) => g / n)),
  };
}
