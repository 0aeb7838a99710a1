/** Both ends of the connection within one process: messages are calls, tensors are handed over where they lie. */
import type { Piece } from './piece.js';
import type { CoordinatorLink, CoordinatorLinkEvents, WorkerLink, WorkerLinkEvents } from './link.js';
import type { CoordinatorMessage, WorkerMessage } from './messages.js';

/** Delivers calls in order, each in a turn of its own, so that neither end is called back inside its own call. */
class Mailbox {
  #queue: (() => void)[] = [];
  #scheduled = false;

  get isEmpty(): boolean {
    return this.#queue.length === 0;
  }

  deliver(call: () => void): void {
    this.#queue.push(call);
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      const calls = this.#queue;
      this.#queue = [];
      for (const next of calls) next();
    });
  }
}

export class LocalConnection implements WorkerLink {
  readonly id: string;
  readonly address = null;
  /** The end that the worker's agent holds. */
  readonly coordinator: CoordinatorLink;
  readonly #toWorker = new Mailbox();
  #worker: CoordinatorLinkEvents | null = null;
  #coordinator: WorkerLinkEvents | null = null;
  /** What was sent before the worker had room for it. */
  #early: Piece[] | null = [];

  constructor(id: string) {
    this.id = id;
    const toCoordinator = new Mailbox();
    this.coordinator = {
      send: (message: WorkerMessage) => toCoordinator.deliver(() => this.#coordinator?.message(message)),
      sendPiece: (_to: string, piece: Piece) => toCoordinator.deliver(() => this.#coordinator?.piece(piece)),
      openPieces: () => {
        const early = this.#early ?? [];
        this.#early = null;
        for (const piece of early) this.sendPiece(piece);
        return null;
      },
      setPeers: () => undefined,
    };
  }

  /** Says who hears what the other end sends. */
  connect(worker: CoordinatorLinkEvents, coordinator: WorkerLinkEvents): void {
    this.#worker = worker;
    this.#coordinator = coordinator;
  }

  send(message: CoordinatorMessage): void {
    this.#toWorker.deliver(() => this.#worker?.message(message));
  }

  sendPiece(piece: Piece): void {
    if (this.#early !== null) this.#early.push(piece);
    else this.#toWorker.deliver(() => this.#worker?.piece(piece));
  }

  get sending(): boolean {
    const waiting = this.#early !== null && this.#early.length > 0;
    return this.#worker !== null && (waiting || !this.#toWorker.isEmpty);
  }

  openPieces(): void {
    // Pieces need no call of their own here.
  }

  close(): void {
    this.#worker = null;
    this.#coordinator = null;
  }
}
