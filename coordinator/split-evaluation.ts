/** The loss over a whole split, computed by whoever is there. Pure; a worker's share can be given to others at any time. */
import type { SplitName } from '../src/job/job.js';
import { evaluationShards, type Evaluate, type Evaluated, type ShardReport } from '../src/protocol/messages.js';
import { dealShards } from '../src/reduce/shards.js';
import { addInOrder } from './step-attempt.js';

export interface SplitScore {
  /** Mean over the samples. */
  readonly loss: number;
  /** Share of samples predicted right. */
  readonly accuracy: number;
}

export class SplitEvaluation {
  readonly #split: SplitName;
  readonly #size: number;
  readonly #version: number;
  readonly #reports = new Map<number, ShardReport>();
  readonly #shards: number;
  readonly #requests = new Set<number>();

  constructor(split: SplitName, size: number, weightsVersion: number) {
    this.#split = split;
    this.#size = size;
    this.#version = weightsVersion;
    this.#shards = evaluationShards(size);
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
          weightsVersion: this.#version,
          split: this.#split,
          firstShard,
          endShard,
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
    const { loss, correct } = addInOrder([...this.#reports.values()]);
    return { loss: loss / this.#size, accuracy: correct / this.#size };
  }
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
