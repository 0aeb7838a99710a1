/** The words by which a worker's event-loop thread tells its compute threads what the pass under way is. */
import type { SplitName } from '../src/job/job.js';
import type { Offset } from '../src/kernels/arena.js';
import type { Pass } from '../src/nn/layer.js';
import { passShards } from '../src/nn/pass-shards.js';
import type { SlotNumber } from './staging.js';

const SPLITS: readonly SplitName[] = ['train', 'dev', 'test'];

const Word = {
  training: 0,
  step: 1,
  weights: 2,
  firstShard: 3,
  endShard: 4,
  totalShards: 5,
  batchCount: 6,
  split: 7,
  /** Binary logarithm of the loss scale. */
  lossScale: 8,
  slot: 9,
  /** Workers that share a board, 0 where there is none, and the attempt by which their posts are told. */
  boardWorkers: 10,
  attempt: 11,
  /** Counts passes, so that each side knows when to look at the words above again. */
  number: 12,
} as const;

export const PASS_WORDS = 13;

/** How a pass uses the board: how many workers share it, and by which attempt their posts are told. */
export interface BoardPass {
  readonly workers: number;
  readonly attempt: number;
}

/** What to compute: rows of a split, cut into shards. */
export interface PassRequest {
  readonly mode: Pass['mode'];
  readonly split: SplitName;
  readonly step: number;
  /** A power of two. */
  readonly lossScale: number;
  /** Which of the two model vectors. */
  readonly weights: 0 | 1;
  readonly firstShard: number;
  readonly endShard: number;
  readonly totalShards: number;
  readonly batchCount: number;
  /** Where its samples are staged. */
  readonly slot: SlotNumber;
  /** Where the exchanges of several workers are answered; null where it is not by their threads. */
  readonly board: BoardPass | null;
}

/** Where the passes of a worker find the model and leave gradients: the same for all its threads. */
export interface PassMemory {
  /** The model in use and the one being received, by turns. */
  readonly vectors: readonly [Offset, Offset];
  /** The gradient sums, one after the other. */
  readonly gradients: Offset;
  readonly gradientStride: number;
}

export class PassWords {
  readonly #words: Int32Array;
  #known: { readonly number: number; readonly pass: Pass } | null = null;

  /** @param words {@link PASS_WORDS} of them, the same for all threads of a worker */
  constructor(words: Int32Array) {
    this.#words = words;
  }

  /** For the event loop, while no thread is at a pass. */
  write(request: PassRequest): void {
    const words = this.#words;
    words[Word.training] = request.mode === 'training' ? 1 : 0;
    words[Word.split] = SPLITS.indexOf(request.split);
    words[Word.step] = request.step;
    words[Word.lossScale] = Math.log2(request.lossScale);
    words[Word.weights] = request.weights;
    words[Word.firstShard] = request.firstShard;
    words[Word.endShard] = request.endShard;
    words[Word.totalShards] = request.totalShards;
    words[Word.batchCount] = request.batchCount;
    words[Word.slot] = request.slot;
    words[Word.boardWorkers] = request.board?.workers ?? 0;
    words[Word.attempt] = request.board?.attempt ?? 0;
    Atomics.add(words, Word.number, 1);
  }

  /** The pass as the operations see it; the argument is the same at every call. */
  read(memory: PassMemory): Pass {
    const number = Atomics.load(this.#words, Word.number);
    if (this.#known?.number !== number) this.#known = { number, pass: this.#pass(memory) };
    return this.#known.pass;
  }

  get slot(): SlotNumber {
    return this.#word(Word.slot) === 1 ? 1 : 0;
  }

  get split(): SplitName {
    return SPLITS[this.#word(Word.split)] ?? 'train';
  }

  /** Null where there is none. */
  get board(): BoardPass | null {
    const workers = this.#word(Word.boardWorkers);
    return workers === 0 ? null : { workers, attempt: this.#word(Word.attempt) };
  }

  #word(index: number): number {
    return this.#words[index] ?? 0;
  }

  #pass({ vectors, gradients, gradientStride }: PassMemory): Pass {
    const range = { first: this.#word(Word.firstShard), end: this.#word(Word.endShard) };
    return {
      mode: this.#word(Word.training) === 1 ? 'training' : 'inference',
      step: this.#word(Word.step),
      lossScale: 2 ** this.#word(Word.lossScale),
      weights: vectors[this.#word(Word.weights) === 1 ? 1 : 0],
      ...passShards(this.#word(Word.batchCount), this.#word(Word.totalShards), range),
      gradients,
      gradientStride,
    };
  }
}
