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
  const values = left.values.slice();
  addMoments(values, left.count, right.values, right.count);
  return { count: left.count + right.count, values };
}

/** Element-wise sum of two nodes, for exchanges that are plain sums. */
export function mergeSums(left: MomentNode, right: MomentNode): MomentNode {
  const values = left.values.slice();
  addSums(values, left.count, right.values);
  return { count: left.count + right.count, values };
}

/** Merges the right one of two nodes into the left one: what {@link mergeMoments} and {@link mergeSums} do, in place. */
export type AddNode = (left: Floats, leftCount: number, right: Floats, rightCount: number) => void;

export const addMoments: AddNode = (left, leftCount, right, rightCount) => {
  const features = left.length / 2;
  const share = rightCount / (leftCount + rightCount);
  const weight = leftCount * share;
  for (let j = 0; j < features; j += 1) {
    const mean = left[j] as number;
    const delta = (right[j] as number) - mean;
    left[j] = mean + delta * share;
    left[features + j] = (left[features + j] as number) + (right[features + j] as number) + delta * delta * weight;
  }
};

export const addSums = (left: Floats, _leftCount: number, right: Floats): void => {
  for (let j = 0; j < left.length; j += 1) left[j] = (left[j] as number) + (right[j] as number);
};

/** [mean | m2] of a whole batch as [mean | population variance], in a vector of its own or in `result`. */
export function momentsToVariance({ count, values }: MomentNode, result: Floats = values.slice()): Floats {
  const features = values.length / 2;
  for (let j = 0; j < features; j += 1) result[j] = values[j] as number;
  for (let j = features; j < 2 * features; j += 1) result[j] = (values[j] as number) / count;
  return result;
}
