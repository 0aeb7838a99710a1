/**
 * The board (see src/collective/exchange-board.ts) as a thread of one worker uses it: posts this worker's part of an exchange, waits for
 * the others', merges all in tree order.
 *
 * A part is written before its tag, and a reader takes only what is tagged with its own step and attempt.
 */
import { BoardLayout, holdersOf, mergeOrder, type Holder, type Merge } from '../src/collective/exchange-board.js';
import type { Arena, Offset } from '../src/kernels/arena.js';
import type { Exchange, Pass } from '../src/nn/layer.js';
import type { Program } from '../src/nn/program.js';
import type { NodeValues } from '../src/protocol/messages.js';
import { addMoments, addSums, momentsToVariance } from '../src/reduce/moments.js';
import { coveredShards, rootLevel } from '../src/reduce/tree.js';
import { futexOf, type Futex } from '../src/transport/futex.js';
import type { Control } from './control.js';
import type { BoardPass } from './pass-words.js';

/** Looks at what others have posted before a thread goes to sleep: they are microseconds behind as a rule. */
const LOOKS = 2_000;
/** Sleeps at most so long: whatever may have gone wrong with a bell, a thread looks again (ms). */
const LONGEST_SLEEP_MS = 50;

export interface BoardSurroundings {
  readonly arena: Arena;
  /** Where the board lies, in elements. */
  readonly at: Offset;
  readonly shards: number;
  /** Every exchange of a training pass, by index. */
  readonly exchanges: readonly Exchange[];
  /** How threads sleep on the words of the board. */
  readonly futex: (words: Int32Array) => Futex;
}

/** What a worker's layout says of its board: where it lies, and for which exchanges. */
export interface BoardPlace {
  readonly board: Offset;
  readonly program: Pick<Program, 'exchanges'>;
}

/** Who holds what of a batch. */
interface Deal {
  readonly batchCount: number;
  readonly workers: number;
  readonly holders: readonly Holder[];
  readonly merges: readonly Merge[];
}

/** How the board is laid out for these exchanges of a training pass. */
export function boardLayout(shards: number, exchanges: readonly Exchange[]): BoardLayout {
  // With one shard, or where nobody waits for an answer, there is nothing to post.
  const isUsed = shards > 1 && exchanges.some(({ result }) => result !== null);
  return new BoardLayout(shards, isUsed ? exchanges.map(({ width }) => width) : []);
}

/** The board of a worker, in its memory. @throws LockstepError `unavailable` where threads cannot sleep on shared memory. */
export function openBoardOf({ board, program }: BoardPlace, arena: Arena, shards: number): ExchangeBoard {
  return new ExchangeBoard({ arena, at: board, shards, exchanges: program.exchanges, futex: futexOf });
}

export class ExchangeBoard {
  readonly #options: BoardSurroundings;
  readonly #layout: BoardLayout;
  readonly #words: Int32Array;
  readonly #futex: Futex;
  /** Copies of what was posted, by exchange and first shard. */
  readonly #copies: Float32Array[][];
  #deal: Deal | null = null;

  constructor(options: BoardSurroundings) {
    const { arena, at, shards, exchanges } = options;
    this.#options = options;
    this.#layout = boardLayout(shards, exchanges);
    this.#words = new Int32Array(arena.memory.buffer, at * arena.elementBytes, this.#layout.words);
    this.#futex = options.futex(this.#words);
    this.#copies = exchanges.map(() => []);
  }

  /** Puts this worker's part of an exchange on the board, and wakes who waits for it. */
  post(exchange: number, nodes: readonly NodeValues[], pass: Pass, { attempt }: BoardPass): void {
    const [words, layout] = [this.#words, this.#layout];
    const tag = layout.tag(exchange, pass.step, pass.firstShard);
    // So that no reader takes the new step with the attempt of the last one.
    Atomics.store(words, tag + 1, 0);
    for (const { values, ...node } of nodes)
      this.#values(exchange, pass.step, coveredShards(node, pass.totalShards).first).set(values);
    Atomics.store(words, tag, pass.step);
    Atomics.store(words, tag + 1, attempt);
    this.#ring(layout.bell(pass.firstShard), false);
  }

  /** Waits until everybody has posted; false when the attempt is called off. */
  wait(exchange: number, pass: Pass, board: BoardPass, control: Pick<Control, 'isCalledOff'>): boolean {
    for (const holder of this.#dealOf(pass, board).holders) {
      if (!this.#waitFor(exchange, holder, pass.step, board.attempt, control)) return false;
    }
    return true;
  }

  /** Merges what everybody has posted and writes the answer to where the next operations look for it. */
  answer({ index, result, merge, width, valuesPerSample }: Exchange, pass: Pass, board: BoardPass): void {
    if (result === null) throw new RangeError('nobody waits for the answer of this exchange');
    const { values } = this.root(index, pass, board);
    const target = this.#options.arena.view(result, width) as Float32Array;
    if (merge === 'moments') momentsToVariance({ count: pass.batchCount * valuesPerSample, values }, target);
    else target.set(values);
  }

  /** What everybody has posted, merged; the values are a view, which holds until the exchange comes round again. */
  root(exchange: number, pass: Pass, board: BoardPass): NodeValues {
    const { merge, width, valuesPerSample } = this.#exchange(exchange);
    const { holders, merges } = this.#dealOf(pass, board);
    const copies = this.#copies[exchange] ?? [];
    const copy = (shard: number): Float32Array => (copies[shard] ??= new Float32Array(width));
    for (const { nodes } of holders) {
      for (const node of nodes) {
        const { first } = coveredShards(node, pass.totalShards);
        copy(first).set(this.#values(exchange, pass.step, first));
      }
    }
    const add = merge === 'moments' ? addMoments : addSums;
    for (const { left, right } of merges)
      add(copy(left.shard), left.rows * valuesPerSample, copy(right.shard), right.rows * valuesPerSample);
    return { level: rootLevel(pass.totalShards), index: 0, values: copy(0) };
  }

  /** Has everybody who sleeps on the board look again. */
  rouse(): void {
    for (let shard = 0; shard < this.#options.shards; shard += 1) this.#ring(this.#layout.bell(shard), true);
  }

  #waitFor(
    exchange: number,
    { first }: Holder,
    step: number,
    attempt: number,
    control: Pick<Control, 'isCalledOff'>,
  ): boolean {
    const words = this.#words;
    const [tag, bell] = [this.#layout.tag(exchange, step, first), this.#layout.bell(first)];
    // The step first: its writer sets it last but one.
    const isPosted = (): boolean => Atomics.load(words, tag) === step && Atomics.load(words, tag + 1) === attempt;
    for (let look = 0; look < LOOKS; look += 1) if (isPosted()) return true;
    for (;;) {
      const rung = Atomics.load(words, bell);
      if (control.isCalledOff) return false;
      if (isPosted()) return true;
      Atomics.add(words, bell + 1, 1);
      // Falls through when the bell was rung since.
      this.#futex.wait(bell, rung, LONGEST_SLEEP_MS);
      Atomics.sub(words, bell + 1, 1);
    }
  }

  #ring(bell: number, always: boolean): void {
    Atomics.add(this.#words, bell, 1);
    // Who counts itself after this look finds the bell rung.
    if (always || Atomics.load(this.#words, bell + 1) !== 0) this.#futex.wake(bell);
  }

  #values(exchange: number, step: number, shard: number): Float32Array {
    const { arena, at } = this.#options;
    return arena.view(at + this.#layout.values(exchange, step, shard), this.#exchange(exchange).width) as Float32Array;
  }

  #exchange(index: number): Exchange {
    const exchange = this.#options.exchanges[index];
    if (exchange === undefined) throw new RangeError(`no exchange ${index}`);
    return exchange;
  }

  #dealOf({ batchCount, totalShards, firstShard, shards }: Pass, { workers }: BoardPass): Deal {
    if (this.#deal?.batchCount === batchCount && this.#deal.workers === workers) return this.#deal;
    const holders = holdersOf(batchCount, totalShards, workers);
    if (!holders.some(({ first, end }) => first === firstShard && end === firstShard + shards.length))
      throw new RangeError(`shards from ${firstShard} on are not dealt to one of ${workers} workers`);
    return (this.#deal = { batchCount, workers, holders, merges: mergeOrder(batchCount, totalShards, holders) });
  }
}
