/**
 * The board: memory that the workers of one host share, in which they answer each other's exchanges. Pure: where what lies, who has a
 * part in a batch, and in which order parts are merged.
 *
 * Everything is found by a logical shard: what a worker owns by its first one, the values of a node by the first one that it covers. So
 * the board looks the same for any number of workers.
 *
 *   V lines    bell: posts so far; sleepers on it
 *   for each exchange, twice: for steps of even and of odd number
 *     V lines  tag: step and attempt of what was posted last
 *     V × width floats, each on lines of its own
 */
import { PAGE_BYTES } from '../kernels/arena.js';
import { TreeAccumulator } from '../reduce/accumulator.js';
import { cutShards, dealShards } from '../reduce/shards.js';
import { completeSubtrees, coveredShards, type TreeNode } from '../reduce/tree.js';

/** Words of 4 bytes on a cache line: what one worker writes shares no line with what another one does. */
const LINE_WORDS = 16;

/** Places on the board, in words (elements of float32) from its start. */
export class BoardLayout {
  /** Of the whole board: whole pages. 0 where there is nothing to exchange. */
  readonly words: number;
  readonly #shards: number;
  readonly #exchanges: readonly { readonly start: number; readonly stride: number; readonly size: number }[];

  /**
   * @param shards Logical shards of a batch.
   * @param widths Floats in a vector of each exchange.
   */
  constructor(shards: number, widths: readonly number[]) {
    this.#shards = shards;
    let next = shards * LINE_WORDS;
    this.#exchanges = widths.map((width) => {
      const start = next;
      const stride = Math.ceil(width / LINE_WORDS) * LINE_WORDS;
      const size = shards * (LINE_WORDS + stride);
      next += 2 * size;
      return { start, stride, size };
    });
    const page = PAGE_BYTES / 4;
    this.words = widths.length === 0 ? 0 : Math.ceil(next / page) * page;
  }

  get bytes(): number {
    return 4 * this.words;
  }

  /** The bell of the worker whose first shard this is: a word that counts its posts, and behind it one that counts who sleeps on it. */
  bell(shard: number): number {
    return this.#checked(shard) * LINE_WORDS;
  }

  /** Step and attempt that a worker's part of an exchange belongs to, by the worker's first shard: two words. */
  tag(exchange: number, step: number, shard: number): number {
    return this.#of(exchange, step).start + this.#checked(shard) * LINE_WORDS;
  }

  /** The vector of a node, by the first shard that it covers. */
  values(exchange: number, step: number, shard: number): number {
    const { start, stride } = this.#of(exchange, step);
    return start + this.#shards * LINE_WORDS + this.#checked(shard) * stride;
  }

  #of(exchange: number, step: number): { readonly start: number; readonly stride: number } {
    const found = this.#exchanges[exchange];
    if (found === undefined) throw new RangeError(`the board has no exchange ${exchange}`);
    return { start: found.start + (step % 2) * found.size, stride: found.stride };
  }

  #checked(shard: number): number {
    if (shard < 0 || shard >= this.#shards) throw new RangeError(`the board has no shard ${shard}`);
    return shard;
  }
}

/** A worker with samples of a batch. */
export interface Holder {
  /** Its shards, [first, end). */
  readonly first: number;
  readonly end: number;
  /** The sums that it can form alone. */
  readonly nodes: readonly TreeNode[];
}

/** Who holds samples of a batch of `batchCount` when its shards are dealt to so many workers, in the order of their rank. */
export function holdersOf(batchCount: number, shards: number, workers: number): Holder[] {
  const cut = cutShards(batchCount, shards);
  const holdsSamples = (shard: number): boolean => (cut[shard]?.rows ?? 0) > 0;
  return dealShards(shards, workers)
    .filter(({ first, end }) => first < end && holdsSamples(first))
    .map(({ first, end }) => {
      const nodes = completeSubtrees(first, end, shards);
      return { first, end, nodes: nodes.filter((node) => holdsSamples(coveredShards(node, shards).first)) };
    });
}

/** A vector of a node that was posted, or of nodes that have been merged. */
export interface Part {
  /** The first shard that it covers. */
  readonly shard: number;
  /** Samples below it. */
  readonly rows: number;
}

/** The right part is merged into the left one. */
export interface Merge {
  readonly left: Part;
  readonly right: Part;
}

/** The merges that make one vector of what the holders of a batch have posted, at the place of shard 0: those of the reduction tree. */
export function mergeOrder(batchCount: number, shards: number, holders: readonly Holder[]): Merge[] {
  const cut = cutShards(batchCount, shards);
  const merges: Merge[] = [];
  const tree = new TreeAccumulator<Part>(
    shards,
    (shard) => (cut[shard]?.rows ?? 0) > 0,
    (left, right) => {
      merges.push({ left, right });
      return { shard: left.shard, rows: left.rows + right.rows };
    },
  );
  for (const node of holders.flatMap(({ nodes }) => nodes)) {
    const { first, end } = coveredShards(node, shards);
    tree.add(node, { shard: first, rows: cut.slice(first, end).reduce((sum, { rows }) => sum + rows, 0) });
  }
  if (tree.sum === undefined) throw new RangeError('the holders of a batch do not hold all of it');
  return merges;
}
