/** Both ends of the connection within one process: messages are calls, tensors are copied once. */
import type { TreeNode } from '../reduce/tree.js';
import type { CoordinatorLink, CoordinatorLinkEvents, ModelSnapshot, WorkerLink, WorkerLinkEvents } from './link.js';
import type { CoordinatorMessage, Fence, WorkerMessage } from './messages.js';

/** Delivers calls in order, each in a turn of its own, so that neither end is called back inside its own call. */
class Mailbox {
  #queue: (() => void)[] = [];
  #scheduled = false;

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

const bytesOf = (values: Float32Array): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

export class LocalConnection implements WorkerLink {
  readonly id: string;
  /** The end that the worker's agent holds. */
  readonly coordinator: CoordinatorLink;
  readonly #toWorker = new Mailbox();
  #worker: CoordinatorLinkEvents | null = null;
  #coordinator: WorkerLinkEvents | null = null;
  #models = false;
  #pending: ModelSnapshot | null = null;

  constructor(id: string) {
    this.id = id;
    const toCoordinator = new Mailbox();
    this.coordinator = {
      send: (message: WorkerMessage) => toCoordinator.deliver(() => this.#coordinator?.message(message)),
      sendGradients: (fence: Fence, nodes: readonly (TreeNode & { readonly values: Float32Array })[]) =>
        toCoordinator.deliver(() => {
          for (const node of nodes)
            this.#coordinator?.gradient({ fence, node, offset: 0, bytes: bytesOf(node.values) });
        }),
      openModels: () => {
        this.#models = true;
        if (this.#pending !== null) this.sendModel(this.#pending);
      },
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

  sendModel(snapshot: ModelSnapshot): void {
    this.#pending = snapshot;
    if (!this.#models) return;
    this.#toWorker.deliver(() => {
      if (this.#pending !== snapshot) return;
      this.#pending = null;
      const { version, vector } = snapshot;
      this.#worker?.weights({ version, offset: 0, bytes: bytesOf(vector), last: true });
    });
  }

  get sending(): boolean {
    return this.#pending !== null && this.#worker !== null;
  }

  openGradients(): void {
    // Gradients need no call of their own here.
  }

  close(): void {
    this.#worker = null;
    this.#coordinator = null;
  }
}
