/**
 * A worker's engine that waits instead of computing. It goes through the stages of the job's real program, takes part in every
 * exchange, needs weights when the real one would, and hands over each bucket when the real one would have formed it; the time of a
 * pass is dealt evenly to its stages and gradients. All its numbers are zero.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { LockstepError } from '../../common/errors.js';
import type { KernelFactory } from '../../kernels/kernels.js';
import { createWasmKernels } from '../../kernels/wasm/wasm-kernels.js';
import type { Exchange } from '../../nn/layer.js';
import { buildModel, type Model } from '../../nn/model.js';
import type { Segment } from '../../nn/program.js';
import { gradientElements, vectorStride } from '../../nn/shared-blocks.js';
import { PART_ALIGNMENT, wholePages, type SharedParts } from '../../protocol/memory-part.js';
import { UNSCORED } from '../../protocol/messages.js';
import type { Evaluate, NodeValues, Plan, Roster, ShardReport, ShardScore, Welcome } from '../../protocol/messages.js';
import { BucketProgress, type Bucket, type Extent } from '../../reduce/buckets.js';
import { cutShards } from '../../reduce/shards.js';
import { completeSubtrees, coveredShards, type TreeNode } from '../../reduce/tree.js';
import type { AgentEngine } from '../../../worker/session.js';
import type { PassPort, PassResult } from '../../../worker/pass-port.js';
import { layoutOptions, measureLayout } from '../../../worker/layout.js';
import type { GradientNode } from '../../../worker/reduction.js';

type Program = ReturnType<typeof measureLayout>['program'];

const { BYTES_PER_ELEMENT } = Float32Array;
const onPages = (bytes: number): number => Math.ceil(bytes / PART_ALIGNMENT) * PART_ALIGNMENT;

export class WaitingEngine implements AgentEngine {
  readonly vectors: readonly [Float32Array, Float32Array];
  /** In memory of the kind that an arena is of: what is shared or copied is as in a worker that computes. */
  readonly parts: SharedParts;
  readonly createKernels: KernelFactory = createWasmKernels;
  readonly #model: Model;
  readonly #program: Program;
  readonly #shards: number;
  readonly #waitMs: (step: number) => number;
  #buckets: readonly Bucket[] = [];
  #progress = new BucketProgress([], []);

  /** @param waitMs How long a pass of a step takes. */
  constructor({ job, mean }: Welcome, waitMs: (step: number) => number) {
    this.#model = buildModel(job.model, [mean.length]);
    this.#program = measureLayout(layoutOptions(job, this.#model, job.training.batchSize, 1)).program;
    this.#shards = job.training.shards;
    this.#waitMs = waitMs;
    const stride = vectorStride(this.#model) * BYTES_PER_ELEMENT;
    const vectorBytes = onPages(2 * stride);
    const gradientBytes = onPages(gradientElements(this.#model, this.#shards) * BYTES_PER_ELEMENT);
    const pages = (vectorBytes + gradientBytes) / PART_ALIGNMENT;
    const { buffer } = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    this.parts = {
      vectors: wholePages(buffer, 0, vectorBytes),
      gradients: wholePages(buffer, vectorBytes, gradientBytes),
    };
    const vector = (index: number): Float32Array =>
      new Float32Array(buffer, index * stride, this.#model.vectorElements);
    this.vectors = [vector(0), vector(1)];
  }

  get parameters(): readonly Extent[] {
    return this.#model.tensors.filter(({ parameter }) => parameter !== null);
  }

  get parameterElements(): number {
    return this.#model.parameterElements;
  }

  setBuckets(buckets: readonly Bucket[]): void {
    this.#buckets = buckets;
    this.#progress = new BucketProgress(
      buckets,
      this.#program.gradients.map(({ writes }) => writes),
    );
  }

  /** @throws LockstepError `unavailable`: exchanges go by the coordinator, whose cost is measured. */
  setBoard({ board }: Pick<Roster, 'board'>): void {
    if (board !== undefined) throw new LockstepError('unavailable', 'there are no threads that could wait at a board');
  }

  callOff(): void {
    // The port ends whatever this waits for.
  }

  async train(plan: Plan, _weights: 0 | 1, port: PassPort): Promise<PassResult> {
    const { training, gradients } = this.#program;
    const nodes = this.#nodes(plan);
    const { buffer, byteOffset } = this.parts.gradients;
    const sums: GradientNode[] = nodes.map((node, index) => {
      const at = byteOffset + index * this.parameterElements * BYTES_PER_ELEMENT;
      return { ...node, values: new Float32Array(buffer, at, this.parameterElements) };
    });
    const waitMs = this.#waitMs(plan.fence.step);
    const clock = new PassClock(waitMs / (training.length + gradients.length));
    this.#progress.begin();
    /** Forms the gradients among the operations of a segment. */
    const form = async (segment: Segment): Promise<void> => {
      for (const operation of segment) {
        const index = gradients.findIndex((gradient) => gradient === operation);
        if (index < 0) continue;
        await clock.work();
        for (const bucket of this.#progress.ended(index)) port.bucket(this.#buckets[bucket] as Bucket, sums);
      }
    };
    for (const stage of training) {
      await clock.idle(port.weights(stage.weightsEnd));
      // As for any worker, a step begins with the weights of its first stage.
      if (stage === training[0]) clock.idleMs = 0;
      await clock.work();
      await form(stage.operations);
      for (const exchange of stage.posts) port.post(exchange.index, partials(nodes, exchange));
      if (stage.awaits === null) continue;
      const answer = port.exchange(stage.awaits.index, partials(nodes, stage.awaits));
      // An attempt that is called off meanwhile must not become an unhandled rejection.
      answer.catch(() => undefined);
      await form(stage.meanwhile);
      await clock.idle(answer);
    }
    return {
      shards: reports(plan.firstShard, plan.endShard),
      computeMs: waitMs,
      waitMs: clock.idleMs,
      dataWaitMs: 0,
      activeUnits: [],
      nonFiniteLayer: null,
    };
  }

  evaluate(
    { firstShard, endShard }: Pick<Evaluate, 'firstShard' | 'endShard'>,
    _weights: 0 | 1,
    report: (shards: readonly ShardScore[]) => void,
  ): Promise<void> {
    report(reports(firstShard, endShard).map((shard) => ({ ...shard, ...UNSCORED })));
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** The partial sums that a worker with these shards forms. */
  #nodes({ batchCount, firstShard, endShard }: Plan): TreeNode[] {
    const rows = cutShards(batchCount, this.#shards);
    return completeSubtrees(firstShard, endShard, this.#shards).filter(
      (node) => (rows[coveredShards(node, this.#shards).first]?.rows ?? 0) > 0,
    );
  }
}

/** Deals out the time of a pass. A timer that rings late shortens the next wait: in sum the pass takes what it should. */
class PassClock {
  readonly #shareMs: number;
  /** When what was dealt out so far is over. */
  #due = performance.now();
  idleMs = 0;

  constructor(shareMs: number) {
    this.#shareMs = shareMs;
  }

  async work(): Promise<void> {
    this.#due += this.#shareMs;
    const left = this.#due - performance.now();
    if (left >= 0.5) await sleep(left);
  }

  /** Waits for the cluster, which is not part of the pass. */
  async idle<Value>(answer: Promise<Value>): Promise<void> {
    const begun = performance.now();
    await answer;
    const ms = performance.now() - begun;
    this.idleMs += ms;
    this.#due += ms;
  }
}

function partials(nodes: readonly TreeNode[], { width }: Exchange): NodeValues[] {
  return nodes.map((node) => ({ ...node, values: new Float32Array(width) }));
}

function reports(first: number, end: number): ShardReport[] {
  return Array.from({ length: end - first }, (_, index) => ({ shard: first + index, loss: 0, correct: 0 }));
}
