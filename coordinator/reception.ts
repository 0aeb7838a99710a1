/** Takes in workers from the moment that the coordinator listens, and keeps them until its run is open. */
import { randomUUID } from 'node:crypto';
import type { WorkerLink, WorkerLinkEvents } from '../src/protocol/link.js';
import type { Hello, WorkerMessage } from '../src/protocol/messages.js';
import type { Piece } from '../src/protocol/piece.js';
import type { CoordinatorHost } from '../src/transport/coordinator-server.js';
import { TransferTotals } from './recorder.js';

export class Reception implements CoordinatorHost {
  /** Of the run to come. */
  readonly runId = randomUUID();
  /** Of the run to come. */
  readonly transfers = new TransferTotals();
  #run: CoordinatorHost | null = null;
  #guests: Guest[] = [];

  hello(hello: Hello, link: WorkerLink): WorkerLinkEvents | null {
    if (this.#run !== null) return this.#run.hello(hello, link);
    const guest = new Guest(hello, link);
    this.#guests.push(guest);
    return guest;
  }

  /** Introduces those who wait, in the order in which they came, and everyone who comes from now on. */
  open(run: CoordinatorHost): void {
    this.#run = run;
    for (const guest of this.#guests) guest.meet(run);
    this.#guests = [];
  }
}

/** A worker that has said hello and has not been answered. Until it is, it has nothing more to say. */
class Guest implements WorkerLinkEvents {
  readonly #hello: Hello;
  readonly #link: WorkerLink;
  #events: WorkerLinkEvents | null = null;
  #gone = false;

  constructor(hello: Hello, link: WorkerLink) {
    this.#hello = hello;
    this.#link = link;
  }

  meet(run: CoordinatorHost): void {
    if (this.#gone) return;
    this.#events = run.hello(this.#hello, this.#link);
    if (this.#events === null) this.#link.close();
  }

  message(message: WorkerMessage): void {
    this.#events?.message(message);
  }

  piece(piece: Piece): void {
    this.#events?.piece(piece);
  }

  lost(reason: string): void {
    this.#gone = true;
    this.#events?.lost(reason);
  }
}
