import type { RosterMember } from '../../src/protocol/messages.js';
import type { Piece } from '../../src/protocol/piece.js';

/** A worker, as others reach it. */
interface Peer {
  piece(piece: Piece): void;
  peerLost(peer: string, reason: string): void;
}

/** One direction between two workers: what waits, and whether the reader is there to take it. */
interface Lane {
  open: boolean;
  readonly queue: Piece[];
}

/**
 * The pieces that workers of one process send each other. As over a real network, a source keeps what it has for a reader until that
 * one comes, and nothing arrives within the call that sends it; bytes are read when they arrive, not when they are sent.
 */
export class PeerNetwork {
  readonly #peers = new Map<string, Peer>();
  readonly #lanes = new Map<string, Lane>();
  readonly #cut = new Set<string>();

  join(id: string, peer: Peer): void {
    this.#peers.set(id, peer);
  }

  /** A worker goes: what is under way from and to it is lost, and those who read from it hear so. */
  leave(id: string): void {
    this.#peers.delete(id);
    for (const [name, lane] of [...this.#lanes]) {
      const [from, to] = ends(name);
      if (from !== id && to !== id) continue;
      this.#lanes.delete(name);
      if (from === id && lane.open) this.#lose(id, to, 'it is gone');
    }
  }

  /** From now on two workers cannot reach each other. */
  cut(a: string, b: string): void {
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      const name = nameOf(from, to);
      this.#cut.add(name);
      if (this.#lanes.get(name)?.open === true) this.#lose(from, to, 'no route');
      this.#lanes.delete(name);
    }
  }

  send(from: string, to: string, piece: Piece): void {
    const name = nameOf(from, to);
    this.#lane(name).queue.push(piece);
    this.#flush(name);
  }

  /** Says whom a worker reads from. */
  setSources(reader: string, sources: readonly RosterMember[]): void {
    for (const [name, lane] of [...this.#lanes]) {
      const [from, to] = ends(name);
      if (to === reader && lane.open && !sources.some(({ id }) => id === from)) this.#lanes.delete(name);
    }
    for (const { id } of sources) {
      const name = nameOf(id, reader);
      if (this.#lanes.get(name)?.open === true) continue;
      if (this.#cut.has(name) || !this.#peers.has(id)) {
        this.#lose(id, reader, 'no route');
      } else {
        this.#lane(name).open = true;
        this.#flush(name);
      }
    }
  }

  #lane(name: string): Lane {
    const lane = this.#lanes.get(name) ?? { open: false, queue: [] };
    this.#lanes.set(name, lane);
    return lane;
  }

  #flush(name: string): void {
    const lane = this.#lanes.get(name);
    if (lane === undefined) return;
    queueMicrotask(() => {
      if (!lane.open || this.#lanes.get(name) !== lane) return;
      const reader = this.#peers.get(ends(name)[1]);
      for (const piece of lane.queue.splice(0)) {
        if (this.#lanes.get(name) === lane) reader?.piece({ ...piece, bytes: Uint8Array.from(piece.bytes) });
      }
    });
  }

  #lose(source: string, reader: string, reason: string): void {
    queueMicrotask(() => this.#peers.get(reader)?.peerLost(source, reason));
  }
}

const nameOf = (from: string, to: string): string => `${from} ${to}`;

function ends(name: string): readonly [from: string, to: string] {
  const [from = '', to = ''] = name.split(' ');
  return [from, to];
}
