/**
 * The area under the ROC curve: the probability that a positive sample scores higher than a negative one, equal scores counting half
 * (Hanley & McNeil 1982). U / (P·N) with the statistic of Mann and Whitney, which is a sum of halves and therefore exact.
 *
 * @param positives scores of the samples of the positive class, in any order
 * @param negatives of the others
 * @returns null where one of the classes has no samples, or a score is not a number
 */
export function areaUnderCurve(positives: Float32Array, negatives: Float32Array): number | null {
  if (positives.length === 0 || negatives.length === 0) return null;
  const [above, below] = [positives.slice().sort(), negatives.slice().sort()];
  // NaN is sorted to the end.
  if (Number.isNaN(above.at(-1)) || Number.isNaN(below.at(-1))) return null;
  let wins = 0;
  let [smaller, notLarger] = [0, 0];
  for (const score of above) {
    while (smaller < below.length && (below[smaller] as number) < score) smaller += 1;
    while (notLarger < below.length && (below[notLarger] as number) <= score) notLarger += 1;
    wins += smaller + (notLarger - smaller) / 2;
  }
  return wins / (above.length * below.length);
}
