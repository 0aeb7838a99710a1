/**
 * What a training pass exchanges with the rest of the cluster. Where the compute threads answer exchanges themselves, the coordinator
 * only hears of the sums, for its running statistics.
 */
import type { Exchange, Pass } from '../src/nn/layer.js';
import type { Stage } from '../src/nn/program.js';
import type { BoardShare } from './board-share.js';
import { holdsWholeBatch, type ExchangeSums } from './exchange-sums.js';
import type { PassPort } from './pass-port.js';
import type { BoardPass } from './pass-words.js';

export interface ExchangeSurroundings {
  /** Of this worker, by the index of the exchange. */
  readonly exchanges: readonly ExchangeSums[];
  readonly board: BoardShare;
}

export class PassExchanges {
  readonly #sums: readonly ExchangeSums[];
  readonly #share: BoardShare;
  readonly #pass: Pass;
  readonly #port: PassPort;
  readonly #holdsAll: boolean;
  /** Null where nobody else has a part in the batch, too. */
  readonly #board: BoardPass | null;
  #answer: Promise<Float32Array> | null = null;

  constructor({ exchanges, board: share }: ExchangeSurroundings, pass: Pass, board: BoardPass | null, port: PassPort) {
    this.#sums = exchanges;
    this.#share = share;
    this.#pass = pass;
    this.#port = port;
    this.#holdsAll = holdsWholeBatch(pass);
    this.#board = this.#holdsAll ? null : board;
  }

  /** Whether the compute threads answer exchanges, alone or with those of other workers at the board. */
  get areAnsweredByThreads(): boolean {
    return this.#holdsAll || this.#board !== null;
  }

  /** What the coordinator answers to the stage that was sent last; null where it need not. */
  get answer(): Promise<Float32Array> | null {
    return this.#answer;
  }

  /** Sends what a stage has formed. */
  send({ posts, awaits }: Stage): void {
    this.#answer = null;
    for (const exchange of posts) this.#port.post(exchange.index, this.#sumsOf(exchange).merge(this.#pass));
    if (awaits === null || this.#board !== null) return;
    const nodes = this.#sumsOf(awaits).merge(this.#pass);
    if (this.#holdsAll) {
      this.#port.post(awaits.index, nodes);
      return;
    }
    this.#answer = this.#port.exchange(awaits.index, nodes);
    // An attempt that is called off meanwhile must not become an unhandled rejection.
    this.#answer.catch(() => undefined);
  }

  /** After the last stage: of those at a board, one tells the coordinator what all have come to. */
  tellOfBoard(stages: readonly Stage[]): void {
    const board = this.#board;
    if (board === null || this.#pass.firstShard > 0) return;
    for (const { awaits } of stages)
      if (awaits !== null) this.#port.post(awaits.index, [this.#share.root(awaits, this.#pass, board)]);
  }

  #sumsOf({ index }: Exchange): ExchangeSums {
    const sums = this.#sums[index];
    if (sums === undefined) throw new RangeError(`no exchange ${index}`);
    return sums;
  }
}
