/** Hands over the buckets of a training pass as their gradients become complete. */
import type { Arena } from '../src/kernels/arena.js';
import type { Pass } from '../src/nn/layer.js';
import { BucketProgress, type Bucket } from '../src/reduce/buckets.js';
import type { Control } from './control.js';
import type { WorkerLayout } from './layout.js';
import type { PassPort } from './pass-port.js';
import type { GradientNode } from './reduction.js';

export class BucketWatch {
  readonly #arena: Arena;
  readonly #layout: Pick<WorkerLayout, 'gradients' | 'gradientStride' | 'program'>;
  readonly #control: Control;
  #buckets: readonly Bucket[] = [];
  #progress = new BucketProgress([], []);

  constructor(arena: Arena, layout: Pick<WorkerLayout, 'gradients' | 'gradientStride' | 'program'>, control: Control) {
    this.#arena = arena;
    this.#layout = layout;
    this.#control = control;
  }

  /** Says in which buckets the gradient is wanted, from the next pass on. */
  setBuckets(buckets: readonly Bucket[]): void {
    this.#buckets = buckets;
    this.#progress = new BucketProgress(
      buckets,
      this.#layout.program.gradients.map(({ writes }) => writes),
    );
    this.#control.wakeAfter(this.#progress.lastOperations);
  }

  /** Begins a pass. Returns what is to be called while gradients are formed: it hands over the buckets that have become complete. */
  begin(pass: Pass, port: Pick<PassPort, 'bucket'>): () => void {
    const { program } = this.#layout;
    const nodes = this.#gradientNodes(pass);
    this.#progress.begin();
    let running = program.gradients.map(({ count }, operation) => ({ operation, count }));
    return () => {
      const ended = running.filter(({ operation, count }) => this.#control.hasEnded(operation, count));
      if (ended.length === 0) return;
      running = running.filter((one) => !ended.includes(one));
      for (const { operation } of ended) {
        for (const index of this.#progress.ended(operation)) {
          const bucket = this.#buckets[index];
          if (bucket !== undefined) port.bucket(bucket, nodes);
        }
      }
    };
  }

  /** Where the gradient sums of a pass are formed: one vector for each of its nodes. */
  #gradientNodes({ nodes }: Pass): readonly GradientNode[] {
    const { gradients, gradientStride } = this.#layout;
    return nodes.map((node, i) => ({
      ...node,
      values: this.#arena.view(gradients + i * gradientStride, gradientStride) as Float32Array,
    }));
  }
}
