/** The scores of a whole split, computed by whoever is there. Pure; a worker's share can be given to others at any time. */
import type { SplitName } from '../src/job/job.js';
import {
  evaluationShards,
  type Evaluate,
  type Evaluated,
  type Misjudged,
  type ShardScore,
} from '../src/protocol/messages.js';
import { dealShards } from '../src/reduce/shards.js';
import { areaUnderCurve } from '../src/scores/area-under-curve.js';
import { classCounts, ConfusionMatrix, overallScores, type ClassCounts } from '../src/scores/confusion.js';
import { EMPTY_SPREAD, mergeSpreads } from '../src/scores/spread.js';
import { worstOf } from '../src/scores/worst.js';
import { addInOrder } from './step-attempt.js';

export interface SplitScore {
  /** Mean over the samples. */
  readonly loss: number;
  /** Share of samples predicted right; 0 for a regression. */
  readonly accuracy: number;
  readonly samples: number;
  readonly classification: ClassificationScore | null;
  readonly regression: RegressionScore | null;
  /** Those with the largest loss, worst first, as many as were asked for. */
  readonly misjudged: readonly Misjudged[];
}

/** See `SplitMetrics`. */
export interface ClassificationScore extends Pick<ClassCounts, 'precision' | 'recall' | 'f1'> {
  readonly auc: number | null;
  readonly classes: readonly ClassCounts[];
  /** Cells of the confusion matrix. */
  readonly confusion: readonly (readonly [number, number, number])[];
}

export interface RegressionScore {
  /** null where all targets are alike. */
  readonly r2: number | null;
  readonly mae: number;
}

export interface EvaluationRequest {
  readonly split: SplitName;
  /** Samples. */
  readonly size: number;
  /** Of the model to score. */
  readonly version: number;
  /** null for a regression. */
  readonly classes: number | null;
  /** Most misjudged samples wanted. */
  readonly mistakes: number;
}

export class SplitEvaluation {
  readonly #wanted: EvaluationRequest;
  readonly #reports = new Map<number, ShardScore>();
  readonly #shards: number;
  readonly #requests = new Set<number>();

  constructor(wanted: EvaluationRequest) {
    this.#wanted = wanted;
    this.#shards = evaluationShards(wanted.size);
  }

  /** Deals the missing shards to these workers; results of an earlier deal still count, since they are the same numbers. */
  requests(workers: readonly string[], request: number): { readonly worker: string; readonly message: Evaluate }[] {
    this.#requests.add(request);
    const missing = Array.from({ length: this.#shards }, (_, shard) => shard).filter(
      (shard) => !this.#reports.has(shard),
    );
    return dealShards(missing.length, workers.length).flatMap(({ first, end }, rank) => {
      const worker = workers[rank];
      if (worker === undefined || end === first) return [];
      return runs(missing.slice(first, end)).map(([firstShard, endShard]) => ({
        worker,
        message: {
          type: 'evaluate',
          request,
          weightsVersion: this.#wanted.version,
          split: this.#wanted.split,
          firstShard,
          endShard,
          mistakes: this.#wanted.mistakes,
        } as const,
      }));
    });
  }

  /** Takes an answer; one to a request of another evaluation is dropped. */
  add({ request, shards }: Evaluated): void {
    if (!this.#requests.has(request)) return;
    for (const report of shards) this.#reports.set(report.shard, report);
  }

  get complete(): boolean {
    return this.#reports.size === this.#shards;
  }

  score(): SplitScore {
    const { size, classes, mistakes } = this.#wanted;
    const shards = [...this.#reports.values()].sort((a, b) => a.shard - b.shard);
    const { loss, correct } = addInOrder(shards);
    return {
      loss: loss / size,
      accuracy: correct / size,
      samples: size,
      classification: classes === null ? null : classificationScore(shards, classes),
      regression: classes === null ? regressionScore(shards, loss, size) : null,
      misjudged: worstOf(
        shards.flatMap(({ misjudged }) => misjudged),
        mistakes,
      ),
    };
  }
}

function classificationScore(shards: readonly ShardScore[], classes: number): ClassificationScore {
  const matrix = new ConfusionMatrix();
  for (const { confusion } of shards)
    for (let i = 0; i < confusion.length; i += 3)
      matrix.add(confusion[i] ?? 0, confusion[i + 1] ?? 0, confusion[i + 2]);
  const byClass = classCounts(matrix, classes);
  const auc = classes === 2 ? areaUnderCurve(joined(shards, 'positiveScores'), joined(shards, 'negativeScores')) : null;
  return { ...overallScores(byClass), auc, classes: byClass, confusion: matrix.cells() };
}

/** @param squaredError Σ (t − y)² */
function regressionScore(shards: readonly ShardScore[], squaredError: number, size: number): RegressionScore {
  const { squares } = shards.reduce((sum, { targets }) => mergeSpreads(sum, targets), EMPTY_SPREAD);
  const absolute = shards.reduce((sum, { absoluteError }) => sum + absoluteError, 0);
  return { r2: squares === 0 ? null : 1 - squaredError / squares, mae: absolute / size };
}

function joined(shards: readonly ShardScore[], key: 'positiveScores' | 'negativeScores'): Float32Array {
  const all = new Float32Array(shards.reduce((sum, shard) => sum + shard[key].length, 0));
  let at = 0;
  for (const shard of shards) {
    all.set(shard[key], at);
    at += shard[key].length;
  }
  return all;
}

/** Consecutive numbers as ranges [first, end). */
function runs(numbers: readonly number[]): [number, number][] {
  const result: [number, number][] = [];
  for (const number of numbers) {
    const last = result.at(-1);
    if (last !== undefined && last[1] === number) last[1] = number + 1;
    else result.push([number, number + 1]);
  }
  return result;
}
