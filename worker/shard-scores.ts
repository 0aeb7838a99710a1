/** What an inference pass says about each of its shards: read from the outputs, targets and losses that it has left in memory. */
import { sizeOf } from '../src/common/shape.js';
import type { Arena } from '../src/kernels/arena.js';
import type { Pass } from '../src/nn/layer.js';
import type { Loss } from '../src/nn/losses/loss.js';
import type { Model } from '../src/nn/model.js';
import type { Program } from '../src/nn/program.js';
import { UNSCORED, type Misjudged, type ShardReport, type ShardScore } from '../src/protocol/messages.js';
import type { Shard } from '../src/reduce/shards.js';
import { spreadOf } from '../src/scores/spread.js';
import { worstOf } from '../src/scores/worst.js';

export class ShardScores {
  readonly #arena: Arena;
  readonly #program: Program;
  readonly #loss: Loss;
  /** Outputs per sample. */
  readonly #width: number;

  constructor(arena: Arena, program: Program, loss: Loss, model: Model) {
    this.#arena = arena;
    this.#program = program;
    this.#loss = loss;
    this.#width = sizeOf(model.outputShape);
  }

  /** Losses and right predictions of each shard: of a training pass, too. */
  reports(pass: Pass): ShardReport[] {
    const { losses, predictions, targets } = this.#program;
    const { floats } = this.#arena;
    return pass.shards.map(({ start, rows }, index) => {
      let loss = 0;
      let correct = 0;
      for (let row = start; row < start + rows; row += 1) {
        loss += floats[losses + row] as number;
        if (this.#loss.classifies && floats[predictions + row] === floats[targets + row]) correct += 1;
      }
      return { shard: pass.firstShard + index, loss, correct };
    });
  }

  /**
   * @param firstSample number, in the split, of the first sample of the pass
   * @param mistakes most misjudged samples wanted of each shard
   */
  scores(pass: Pass, firstSample: number, mistakes: number): ShardScore[] {
    return this.reports(pass).map((report, index): ShardScore => {
      const shard = pass.shards[index] ?? { start: 0, rows: 0 };
      const misjudged = mistakes === 0 ? [] : this.#misjudged(shard, firstSample, mistakes);
      if (this.#loss.classifies) {
        const ranked = this.#classes === 2 ? this.#rank(shard) : {};
        const confusion = this.#confusion(shard);
        return { ...report, ...UNSCORED, ...ranked, confusion, misjudged };
      }
      return { ...report, ...UNSCORED, ...this.#distances(shard), misjudged };
    });
  }

  /** Of a classification: a single output tells two classes apart. */
  get #classes(): number {
    return this.#width === 1 ? 2 : this.#width;
  }

  #confusion({ start, rows }: Shard): number[] {
    const { predictions, targets } = this.#program;
    const { floats } = this.#arena;
    const classes = this.#classes;
    const cells = new Map<number, number>();
    for (let row = start; row < start + rows; row += 1) {
      const cell = (floats[targets + row] as number) * classes + (floats[predictions + row] as number);
      cells.set(cell, (cells.get(cell) ?? 0) + 1);
    }
    return [...cells].flatMap(([cell, samples]) => [Math.floor(cell / classes), cell % classes, samples]);
  }

  /** The logit of class 1, or by how much it is above that of class 0, of every sample. */
  #rank({ start, rows }: Shard): Pick<ShardScore, 'positiveScores' | 'negativeScores'> {
    const { outputs, targets } = this.#program;
    const { floats } = this.#arena;
    const scores = { 0: [] as number[], 1: [] as number[] };
    for (let row = start; row < start + rows; row += 1) {
      const at = outputs + row * this.#width;
      const score = this.#width === 1 ? (floats[at] as number) : (floats[at + 1] as number) - (floats[at] as number);
      scores[floats[targets + row] === 1 ? 1 : 0].push(score);
    }
    return { positiveScores: Float32Array.from(scores[1]), negativeScores: Float32Array.from(scores[0]) };
  }

  #distances({ start, rows }: Shard): Pick<ShardScore, 'absoluteError' | 'targets'> {
    const { predictions, targets } = this.#program;
    const { floats } = this.#arena;
    let absoluteError = 0;
    for (let row = start; row < start + rows; row += 1)
      absoluteError += Math.abs((floats[targets + row] as number) - (floats[predictions + row] as number));
    return { absoluteError, targets: spreadOf(floats, targets + start, targets + start + rows) };
  }

  #misjudged({ start, rows }: Shard, firstSample: number, most: number): Misjudged[] {
    const { losses, predictions, targets } = this.#program;
    const { floats } = this.#arena;
    const found: Misjudged[] = [];
    for (let row = start; row < start + rows; row += 1) {
      const [target, predicted] = [floats[targets + row] as number, floats[predictions + row] as number];
      if (this.#loss.classifies && target === predicted) continue;
      found.push({ sample: firstSample + row, loss: floats[losses + row] as number, target, predicted });
    }
    return worstOf(found, most);
  }
}
