/**
 * Batch normalisation (Ioffe & Szegedy 2015): x̂ = (x − μ)/√(σ² + ε), y = γ·x̂ + β, per feature (the last dimension of the shape,
 * so that an image is normalised per channel).
 *
 * `sync: global` takes μ and σ² over the whole batch: every shard contributes (mean, Σ(x−mean)²), merged in tree order. `sync: shard`
 * takes them over each logical shard (ghost batch norm, Hoffer et al. 2017) and exchanges nothing that a step waits for.
 * Either way the running averages follow the moments of the whole batch: running ← momentum·running + (1 − momentum)·batch, with the
 * unbiased variance n/(n−1)·σ². Inference uses them.
 *
 * A ReLU that alone takes the output is applied in the same passes. Its derivative needs no more than x̂: y > 0 where γ·x̂ + β > 0.
 *
 * Backward: dγ = Σ dy·x̂, dβ = Σ dy, dx = γ/√(σ²+ε)·(dy − dβ/n − x̂·dγ/n), sums over the n values normalised together.
 */
import { sizeOf, type Shape } from '../../common/shape.js';
import type { Offset } from '../../kernels/arena.js';
import {
  perRow,
  perShard,
  type Layer,
  type LayerBinding,
  type LayerProgram,
  type Operation,
  type Pass,
  type GradientOperation,
} from '../layer.js';
import { sumVectors } from '../shard-sums.js';

export interface BatchNormOptions {
  /** Share of the old running average that is kept at every step. */
  readonly momentum: number;
  readonly epsilon: number;
  readonly sync: 'global' | 'shard';
}

export function batchNorm(options: BatchNormOptions, shape: Shape): Layer {
  const features = shape.at(-1) ?? 1;
  const vector = { shape: [features], fanIn: features, penalized: false } as const;
  return {
    type: 'batchNorm',
    inputShapes: [shape],
    outputShape: shape,
    parameters: [
      { ...vector, name: 'gamma', initializer: { type: 'ones' } },
      { ...vector, name: 'beta', initializer: { type: 'zeros', scale: 1 } },
    ],
    statistics: [
      { name: 'running_mean', shape: [features], initial: 0 },
      { name: 'running_var', shape: [features], initial: 1 },
    ],
    fusesRelu: true,
    compile: (binding) => new BatchNormProgram(binding, options, features, sizeOf(shape) / features),
  };
}

class BatchNormProgram implements LayerProgram {
  readonly forward: readonly Operation[];
  readonly inference: readonly Operation[];
  readonly backward: readonly Operation[];
  readonly gradients: readonly GradientOperation[];

  readonly #binding: LayerBinding;
  readonly #features: number;
  /** Values of a feature in one sample: 1, or the pixels of an image. */
  readonly #repeats: number;
  readonly #epsilon: number;
  /** Places in the model vector. */
  readonly #gamma: number;
  readonly #beta: number;
  readonly #x: Offset;
  readonly #normalized: Offset;
  /** Per shard: [mean | m2], or in the backward pass [Σdy | Σdy·x̂]. */
  readonly #moments: Offset;
  readonly #sums: Offset;
  /** 1/√(σ² + ε): one vector, or one per shard. */
  readonly #inverseDeviation: Offset;

  constructor(binding: LayerBinding, options: BatchNormOptions, features: number, repeats: number) {
    const { allocator, kernels, maxRows, maxShards } = binding;
    const [x = 0] = binding.inputs;
    const width = 2 * features;
    this.#binding = binding;
    this.#features = features;
    this.#repeats = repeats;
    this.#epsilon = options.epsilon;
    this.#gamma = binding.tensor('gamma');
    this.#beta = binding.tensor('beta');
    this.#x = x;
    this.#normalized = allocator.allocate(maxRows * repeats * features);
    this.#moments = allocator.allocate(maxShards * width);
    this.#sums = allocator.allocate(maxShards * width);
    this.#inverseDeviation = allocator.allocate(maxShards * features);
    const batchMoments = allocator.allocate(width);
    const global = options.sync === 'global';

    const moments = perShard((shard, index) => {
      const at = this.#moments + index * width;
      kernels.columnMoments(shard.rows * repeats, features, this.#at(x, shard.start), at, at + features);
    });
    const momentsExchange = binding.exchange({
      merge: 'moments',
      width,
      slots: this.#moments,
      valuesPerSample: repeats,
      result: global ? batchMoments : null,
      statistics: { momentum: options.momentum, mean: 'running_mean', variance: 'running_var' },
    });
    const exchangeMoments: Operation = { kind: 'exchange', exchange: momentsExchange };

    const sums = perShard((shard, index, pass) => {
      const at = this.#sums + index * width;
      const rows = shard.rows * repeats;
      const dy = this.#at(binding.outputGradient, shard.start);
      const normalized = this.#at(this.#normalized, shard.start);
      if (binding.relu) {
        const [gamma, beta] = [pass.weights + this.#gamma, pass.weights + this.#beta];
        kernels.batchNormReluDots(rows, features, dy, normalized, gamma, beta, at, at + features);
      } else {
        kernels.columnDots(rows, features, dy, normalized, at, at + features);
      }
    });
    this.gradients = [
      sumVectors(kernels, this.#sums, width, features, this.#beta, binding.treeScratch, binding.gradientFormat),
      sumVectors(
        kernels,
        this.#sums + features,
        width,
        features,
        this.#gamma,
        binding.treeScratch,
        binding.gradientFormat,
      ),
    ];
    const [inputGradient = null] = binding.inputGradients;

    if (global) {
      this.forward = [
        moments,
        exchangeMoments,
        this.#deviation(() => batchMoments + features),
        this.#normalize(() => batchMoments),
      ];
      this.backward = [
        sums,
        ...(inputGradient === null ? [] : this.#globalBackward(inputGradient, allocator.allocate(width))),
      ];
    } else {
      this.forward = [moments, exchangeMoments, this.#shardForward()];
      this.backward = [sums, ...(inputGradient === null ? [] : [this.#shardBackward(inputGradient)])];
    }
    const runningMean = binding.tensor('running_mean');
    const runningVariance = binding.tensor('running_var');
    this.inference = [
      this.#deviation((pass) => pass.weights + runningVariance),
      this.#normalize((pass) => pass.weights + runningMean),
    ];
  }

  #at(tensor: Offset, row: number): Offset {
    return tensor + row * this.#repeats * this.#features;
  }

  /** 1/√(variance + ε) once for all shards. */
  #deviation(variance: (pass: Pass) => Offset): Operation {
    return {
      kind: 'tasks',
      count: 1,
      run: (pass) => this.#invert(variance(pass), 1, this.#inverseDeviation),
    };
  }

  #invert(variance: Offset, factor: number, to: Offset): void {
    const { floats } = this.#binding.kernels.arena;
    for (let j = 0; j < this.#features; j += 1) {
      floats[to + j] = 1 / Math.sqrt((floats[variance + j] as number) * factor + this.#epsilon);
    }
  }

  #normalize(mean: (pass: Pass) => Offset): Operation {
    return perRow((start, rows, pass) => {
      this.#normalizeRows(start, rows, mean(pass), this.#inverseDeviation, pass);
    });
  }

  #normalizeRows(start: number, rows: number, mean: Offset, inverseDeviation: Offset, pass: Pass): void {
    const { kernels, output, relu } = this.#binding;
    const count = rows * this.#repeats;
    const [gamma, beta] = [pass.weights + this.#gamma, pass.weights + this.#beta];
    const [x, normalized, y] = [this.#at(this.#x, start), this.#at(this.#normalized, start), this.#at(output, start)];
    if (relu) kernels.batchNormRelu(count, this.#features, x, mean, inverseDeviation, gamma, beta, normalized, y);
    else kernels.batchNorm(count, this.#features, x, mean, inverseDeviation, gamma, beta, normalized, y);
  }

  /** The two sums over the whole batch, and what follows from them. */
  #globalBackward(dx: Offset, batchSums: Offset): Operation[] {
    const exchange = this.#binding.exchange({
      merge: 'sums',
      width: 2 * this.#features,
      slots: this.#sums,
      valuesPerSample: this.#repeats,
      result: batchSums,
      statistics: null,
    });
    const inputGradient = perRow((start, rows, pass) => {
      this.#backwardRows(start, rows, this.#inverseDeviation, batchSums, pass.batchCount * this.#repeats, dx, pass);
    });
    return [{ kind: 'exchange', exchange }, inputGradient];
  }

  #backwardRows(
    start: number,
    rows: number,
    inverseDeviation: Offset,
    sums: Offset,
    count: number,
    dx: Offset,
    pass: Pass,
  ): void {
    const { kernels, outputGradient, relu } = this.#binding;
    const features = this.#features;
    const values = rows * this.#repeats;
    const [gamma, beta] = [pass.weights + this.#gamma, pass.weights + this.#beta];
    const [dy, normalized] = [this.#at(outputGradient, start), this.#at(this.#normalized, start)];
    const [dBeta, dGamma, to] = [sums, sums + features, this.#at(dx, start)];
    if (relu) {
      kernels.batchNormReluBackward(
        values,
        features,
        dy,
        normalized,
        gamma,
        beta,
        inverseDeviation,
        dBeta,
        dGamma,
        count,
        to,
      );
    } else {
      kernels.batchNormBackward(values, features, dy, normalized, gamma, inverseDeviation, dBeta, dGamma, count, to);
    }
  }

  #shardForward(): Operation {
    return perShard((shard, index, pass) => {
      const moments = this.#moments + index * 2 * this.#features;
      const inverse = this.#inverseDeviation + index * this.#features;
      this.#invert(moments + this.#features, 1 / (shard.rows * this.#repeats), inverse);
      this.#normalizeRows(shard.start, shard.rows, moments, inverse, pass);
    });
  }

  #shardBackward(dx: Offset): Operation {
    return perShard((shard, index, pass) => {
      const sums = this.#sums + index * 2 * this.#features;
      const inverse = this.#inverseDeviation + index * this.#features;
      this.#backwardRows(shard.start, shard.rows, inverse, sums, shard.rows * this.#repeats, dx, pass);
    });
  }
}
