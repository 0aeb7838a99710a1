/** The running statistics of batch norms, at the end of the model vector. */
import type { Kernels } from '../src/kernels/kernels.js';
import type { Exchange } from '../src/nn/layer.js';
import type { Model } from '../src/nn/model.js';
import type { ModelCopy } from './model-copy.js';
import type { ExchangeOutcome } from './step-attempt.js';

export class RunningStatistics {
  readonly #model: Model;
  readonly #kernels: Kernels;

  constructor(model: Model, kernels: Kernels) {
    this.#model = model;
    this.#kernels = kernels;
  }

  copy(from: ModelCopy, to: ModelCopy): void {
    const { parameterElements: start } = this.#model;
    this.#kernels.copy(this.#count, from.vector + start, to.vector + start);
  }

  /** Writes them as workers get them. */
  publish({ vector, published }: ModelCopy): void {
    const { parameterElements: start } = this.#model;
    if (published !== vector) this.#kernels.copy(this.#count, vector + start, published + start);
  }

  /** running ← momentum·running + (1 − momentum)·batch, with the unbiased variance. */
  move(copy: ModelCopy, exchange: Exchange, { values, count }: ExchangeOutcome): void {
    if (exchange.statistics === null) return;
    const { momentum, mean, variance } = exchange.statistics;
    const features = exchange.width / 2;
    const unbiased = count > 1 ? count / (count - 1) : 1;
    const [runningMean, runningVariance] = [mean, variance].map((name) => this.#find(copy, exchange.layer, name)) as [
      Float32Array,
      Float32Array,
    ];
    for (let j = 0; j < features; j += 1) {
      runningMean[j] = momentum * (runningMean[j] as number) + (1 - momentum) * (values[j] as number);
      runningVariance[j] =
        momentum * (runningVariance[j] as number) + (1 - momentum) * (values[features + j] as number) * unbiased;
    }
  }

  get #count(): number {
    return this.#model.vectorElements - this.#model.parameterElements;
  }

  #find({ vector }: ModelCopy, layer: number, name: string): Float32Array {
    const fullName = `${layer}.${this.#model.nodes[layer]?.layer.type}.${name}`;
    const tensor = this.#model.tensors.find((candidate) => candidate.name === fullName);
    if (tensor === undefined) throw new RangeError(`model has no tensor ${fullName}`);
    return this.#kernels.arena.view(vector + tensor.offset, tensor.size) as Float32Array;
  }
}
