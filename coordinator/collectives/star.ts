/**
 * Star: every worker's partial sums come to the coordinator, which adds them and sends the new model to each. The fewest hops,
 * and traffic at the coordinator that grows with the number of workers.
 */
import { LockstepError } from '../../src/common/errors.js';
import type { Offset } from '../../src/kernels/arena.js';
import type { Kernels } from '../../src/kernels/kernels.js';
import type { GradientPart, ModelSnapshot, WorkerLink } from '../../src/protocol/link.js';
import { sameFence } from '../../src/protocol/messages.js';
import type { TreeAccumulator } from '../../src/reduce/accumulator.js';
import { nodeKey } from '../../src/reduce/tree.js';
import type { StepAttempt } from '../step-attempt.js';
import type { Collective } from './collective.js';

interface Arriving {
  readonly block: Offset;
  received: number;
}

export class StarCollective implements Collective {
  readonly name = 'star';
  readonly #kernels: Kernels;
  readonly #blocks: readonly Offset[];
  readonly #elements: number;
  #attempt: StepAttempt | null = null;
  #accumulator: TreeAccumulator<Offset> | null = null;
  #free: Offset[] = [];
  #arriving = new Map<string, Arriving>();

  /** @param elements Length of a gradient. @param blocks Room for that many partial sums. */
  constructor(kernels: Kernels, blocks: readonly Offset[], elements: number) {
    this.#kernels = kernels;
    this.#blocks = blocks;
    this.#elements = elements;
  }

  get sum(): Offset | null {
    return this.#accumulator?.sum ?? null;
  }

  begin(attempt: StepAttempt): void {
    this.#attempt = attempt;
    this.#free = [...this.#blocks];
    this.#arriving = new Map();
    this.#accumulator = attempt.accumulator((left, right) => {
      this.#kernels.add(this.#elements, right, left);
      if (this.#blocks.includes(right)) this.#free.push(right);
      return left;
    });
  }

  receive({ fence, node, offset, bytes }: GradientPart): void {
    if (this.#attempt === null || this.#accumulator === null || !sameFence(fence, this.#attempt.fence)) return;
    const { arena } = this.#kernels;
    if (bytes.buffer === arena.memory.buffer && bytes.length === this.#elements * 4) {
      // From a worker in this process that shares the memory: it stays unchanged until the next plan.
      this.#accumulator.add(node, bytes.byteOffset / arena.elementBytes);
      return;
    }
    const key = nodeKey(node);
    let arriving = this.#arriving.get(key);
    if (arriving === undefined) {
      arriving = { block: this.#takeBlock(), received: 0 };
      this.#arriving.set(key, arriving);
    }
    if (offset * 4 + bytes.length > this.#elements * 4)
      throw new LockstepError('internal', `gradient of node ${key} is too long`);
    arena.bytes.set(bytes, (arriving.block + offset) * arena.elementBytes);
    arriving.received += bytes.length / 4;
    if (arriving.received < this.#elements) return;
    this.#arriving.delete(key);
    this.#accumulator.add(node, arriving.block);
  }

  broadcast(snapshot: ModelSnapshot, workers: readonly WorkerLink[]): void {
    for (const worker of workers) worker.sendModel(snapshot);
  }

  #takeBlock(): Offset {
    const block = this.#free.pop();
    if (block === undefined) {
      throw new LockstepError(
        'job',
        `the coordinator has no room for more than ${this.#blocks.length} partial gradients`,
        {
          hint: 'Lower training.shards, or use fewer workers.',
        },
      );
    }
    return block;
  }
}
