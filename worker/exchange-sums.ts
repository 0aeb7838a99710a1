/**
 * The vectors of an exchange within one worker, one per shard, merged in tree order. Merged are copies, since gradients are formed of the
 * same vectors; the vector of a node takes the place of the node's first shard, so that a step leaves no garbage.
 */
import type { Arena } from '../src/kernels/arena.js';
import type { Exchange, Pass } from '../src/nn/layer.js';
import type { NodeValues } from '../src/protocol/messages.js';
import { addMoments, addSums, momentsToVariance, type AddNode } from '../src/reduce/moments.js';
import { coveredShards, rootLevel, type TreeNode } from '../src/reduce/tree.js';

/** Whether no other worker has samples of this batch: then nobody else has a part in an exchange. */
export function holdsWholeBatch({ firstPosition, shards, batchCount }: Pass): boolean {
  const last = shards.at(-1);
  return firstPosition === 0 && last !== undefined && last.start + last.rows === batchCount;
}

export class ExchangeSums {
  readonly #exchange: Exchange;
  readonly #arena: Arena;
  readonly #add: AddNode;
  readonly #copies: Float32Array[] = [];

  constructor(exchange: Exchange, arena: Arena) {
    this.#exchange = exchange;
    this.#arena = arena;
    this.#add = exchange.merge === 'moments' ? addMoments : addSums;
  }

  /** The sums that this worker can form alone. The values are views, which hold until the exchange comes round again. */
  merge(pass: Pass): NodeValues[] {
    const nodes = holdsWholeBatch(pass) ? [this.#root(pass)] : pass.nodes;
    return nodes.map((node) => this.#mergeNode(node, pass));
  }

  /** For whoever holds the whole batch: writes the answer to where the next operations look for it. */
  answer(pass: Pass): void {
    const { values } = this.#mergeNode(this.#root(pass), pass);
    const { result, merge, width, valuesPerSample } = this.#exchange;
    if (result === null) throw new RangeError('nobody waits for the answer of this exchange');
    const target = this.#arena.view(result, width) as Float32Array;
    if (merge === 'moments') momentsToVariance({ count: pass.batchCount * valuesPerSample, values }, target);
    else target.set(values);
  }

  #root({ totalShards }: Pass): TreeNode {
    return { level: rootLevel(totalShards), index: 0 };
  }

  #mergeNode(node: TreeNode, pass: Pass): NodeValues {
    const { first: firstShard, end: endShard } = coveredShards(node, pass.totalShards);
    const first = firstShard - pass.firstShard;
    let end = Math.min(endShard - pass.firstShard, pass.shards.length);
    // Shards without rows come last, and have no part in the sum.
    while (end > first && pass.shards[end - 1]?.rows === 0) end -= 1;
    if (end <= first) throw new RangeError(`node ${node.level}:${node.index} holds no samples`);
    const count = (from: number, to: number): number => {
      const [start, last] = [pass.shards[from], pass.shards[to - 1]];
      if (start === undefined || last === undefined) throw new RangeError(`shards ${from} to ${to} are not held here`);
      return (last.start + last.rows - start.start) * this.#exchange.valuesPerSample;
    };
    const { slots, width: elements } = this.#exchange;
    for (let shard = first; shard < end; shard += 1)
      this.#copy(shard).set(this.#arena.floats.subarray(slots + shard * elements, slots + (shard + 1) * elements));
    for (let width = 1; width < end - first; width *= 2) {
      for (let left = first; left + width < end; left += 2 * width) {
        const right = left + width;
        const rightCount = count(right, Math.min(right + width, end));
        this.#add(this.#copy(left), count(left, right), this.#copy(right), rightCount);
      }
    }
    return { ...node, values: this.#copy(first) };
  }

  #copy(shard: number): Float32Array {
    return (this.#copies[shard] ??= new Float32Array(this.#exchange.width));
  }
}
