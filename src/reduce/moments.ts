/**
 * Means and variances that are merged up the reduction tree (Chan, Golub & LeVeque 1979, "Updating formulae and a
 * pairwise algorithm for computing sample variances").
 *
 * A node of `count` samples and `features` features is one vector [mean | m2], m2 = Σ (x − mean)². Inner nodes are rounded
 * to the precision of that vector, so that it makes no difference which process formed them.
 */

type Floats = Float32Array | Float64Array;

export interface MomentNode {
  readonly count: number;
  /** mean, then m2: twice the number of features. */
  readonly values: Floats;
}

/** The moments of both nodes' samples together; `left` and `right` are not changed. */
export function mergeMoments(left: MomentNode, right: MomentNode): MomentNode {
  const features = left.values.length / 2;
  const count = left.count + right.count;
  const values = left.values.slice();
  const share = right.count / count;
  const weight = left.count * share;
  for (let j = 0; j < features; j += 1) {
    const mean = left.values[j] as number;
    const delta = (right.values[j] as number) - mean;
    values[j] = mean + delta * share;
    values[features + j] =
      (left.values[features + j] as number) + (right.values[features + j] as number) + delta * delta * weight;
  }
  return { count, values };
}

/** Element-wise sum of two nodes, for exchanges that are plain sums. */
export function mergeSums(left: MomentNode, right: MomentNode): MomentNode {
  const values = left.values.slice();
  for (let j = 0; j < values.length; j += 1) values[j] = (left.values[j] as number) + (right.values[j] as number);
  return { count: left.count + right.count, values };
}

/** [mean | m2] of a whole batch as [mean | population variance]. */
export function momentsToVariance(node: MomentNode): Floats {
  const features = node.values.length / 2;
  const result = node.values.slice();
  for (let j = features; j < 2 * features; j += 1) result[j] = (node.values[j] as number) / node.count;
  return result;
}
