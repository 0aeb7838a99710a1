import { coveredShards, nodeKey, rootLevel, type TreeNode } from './tree.js';

/**
 * Sums a tree as its partial sums arrive, in whatever order: as soon as two siblings are there they become their parent.
 * The result does not depend on the order, since each addition is fixed by the tree.
 */
export class TreeAccumulator<Value> {
  readonly #shards: number;
  readonly #holdsSamples: (shard: number) => boolean;
  readonly #combine: (left: Value, right: Value) => Value;
  readonly #waiting = new Map<string, Value>();
  readonly #root: number;
  #sum: Value | undefined;

  /**
   * @param holdsSamples whether a shard has any samples; nodes without samples are absent and must not be added. Shards with
   *   samples must come before those without.
   * @param combine left + right in tree order; may reuse either argument.
   */
  constructor(shards: number, holdsSamples: (shard: number) => boolean, combine: (left: Value, right: Value) => Value) {
    this.#shards = shards;
    this.#holdsSamples = holdsSamples;
    this.#combine = combine;
    this.#root = rootLevel(shards);
  }

  /** The sum over all shards, once everything has arrived. */
  get sum(): Value | undefined {
    return this.#sum;
  }

  add(node: TreeNode, value: Value): void {
    let { level, index } = node;
    let total = value;
    while (level < this.#root) {
      const sibling = { level, index: index % 2 === 0 ? index + 1 : index - 1 };
      if (this.#isPresent(sibling)) {
        const other = this.#waiting.get(nodeKey(sibling));
        if (other === undefined) {
          this.#waiting.set(nodeKey({ level, index }), total);
          return;
        }
        this.#waiting.delete(nodeKey(sibling));
        total = index % 2 === 0 ? this.#combine(total, other) : this.#combine(other, total);
      }
      level += 1;
      index = Math.floor(index / 2);
    }
    this.#sum = total;
  }

  #isPresent(node: TreeNode): boolean {
    const { first, end } = coveredShards(node, this.#shards);
    return first < end && this.#holdsSamples(first);
  }
}
