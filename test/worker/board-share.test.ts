import { describe, expect, it } from 'vitest';
import { Arena } from '../../src/kernels/arena.js';
import type { MemoryOffer } from '../../src/protocol/messages.js';
import { offerFile } from '../../src/transport/shared-part.js';
import { BoardShare } from '../../worker/board-share.js';
import { boardLayout } from '../../worker/exchange-board.js';
import { exchangeAt } from '../support/exchanges.js';

const SHARDS = 4;
const EXCHANGES = [exchangeAt('sums', 0, 0)];
const BYTES = boardLayout(SHARDS, EXCHANGES).bytes;

/** A share, and the first word of where its board is mapped. */
function rig() {
  const arena = Arena.create(2 * BYTES);
  const board = arena.allocateAligned(BYTES / 4);
  const share = new BoardShare({ board, program: { exchanges: EXCHANGES } }, arena, SHARDS);
  const word = new Int32Array(arena.memory.buffer, board * arena.elementBytes, 1);
  return { share, word };
}

const members = ['a', 'b'].map((id) => ({ id, address: null }));
const roster = (epoch: number, board?: MemoryOffer) =>
  board === undefined ? { epoch, members } : { epoch, members, board };
const fence = (epoch: number) => ({ epoch, step: 0, attempt: 2 });

describe.runIf(process.platform === 'linux')("a worker's share in a board", () => {
  it('is used by the attempts of its membership epoch', () => {
    const { share } = rig();
    expect(share.of(fence(3))).toBeNull();
    const { offer, seal } = offerFile(BYTES);
    share.adopt(roster(3, offer));
    expect(share.of(fence(3))).toEqual({ workers: 2, attempt: 2 });
    expect(share.of(fence(4))).toBeNull();
    seal();
  });

  it('is the same memory for all, and ends with its epoch', () => {
    const [one, other] = [rig(), rig()];
    const { offer, seal } = offerFile(BYTES);
    for (const { share } of [one, other]) share.adopt(roster(1, offer));
    one.word[0] = 5;
    expect(other.word[0]).toBe(5);
    seal();
    other.share.adopt(roster(2));
    expect(other.share.of(fence(1))).toBeNull();
    expect(other.word[0]).toBe(0);
    expect(one.word[0]).toBe(5);
    one.share.close();
    one.share.close();
    expect([one.word[0], one.share.of(fence(1))]).toEqual([0, null]);
  });

  it('is another one in the next epoch', () => {
    const { share, word } = rig();
    const [first, second] = [offerFile(BYTES), offerFile(BYTES)];
    share.adopt(roster(1, first.offer));
    word[0] = 5;
    share.adopt(roster(2, second.offer));
    expect(word[0]).toBe(0);
    expect([share.of(fence(1)), share.of(fence(2))]).toEqual([null, { workers: 2, attempt: 2 }]);
    first.seal();
    second.seal();
  });

  it('is none where the board cannot be mapped, and may be had in the next epoch', () => {
    const { share, word } = rig();
    const [small, good] = [offerFile(BYTES / 2), offerFile(BYTES)];
    share.adopt(roster(1, good.offer));
    word[0] = 5;
    expect(() => share.adopt(roster(2, small.offer))).toThrow(expect.objectContaining({ code: 'unavailable' }));
    expect(word[0]).toBe(0);
    expect([share.of(fence(1)), share.of(fence(2))]).toEqual([null, null]);
    share.adopt(roster(3, good.offer));
    expect(share.of(fence(3))).not.toBeNull();
    expect(word[0]).toBe(5);
    small.seal();
    good.seal();
  });
});
