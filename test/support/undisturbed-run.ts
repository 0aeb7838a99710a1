import { beforeAll, expect } from 'vitest';
import type { Scores } from '../../coordinator/judge.js';
import { TestCluster } from './cluster.js';

/** Steps of a run of {@link TestCluster}. */
export const TOTAL_STEPS = 8;
/** The step after the evaluation of the dev split: workers are told of it when it begins, and not ahead. */
export const PLANNED_LATE = 4;

/**
 * Has a cluster in which nothing happens run before the tests of a file. What is returned expects of another cluster, once its run is over, that
 * it has come to the same: same weights, same scores, every step committed exactly once with the same loss.
 */
export function likeAnUndisturbedRun(): (cluster: TestCluster, scores: Scores | null) => void {
  const undisturbed = new TestCluster();
  let expected: Scores | null = null;
  beforeAll(async () => {
    expected = await undisturbed.run('a', 'b', 'c');
  });
  const lossesOf = ({ observer }: TestCluster): number[] => observer.steps.map(({ loss }) => loss);
  const everyStep = Array.from({ length: TOTAL_STEPS }, (_, i) => i + 1);
  return (cluster, scores) => {
    expect(cluster.weightsSha256).toBe(undisturbed.weightsSha256);
    expect(scores).toEqual(expected);
    expect(cluster.observer.steps.map(({ step }) => step)).toEqual(everyStep);
    expect(lossesOf(cluster)).toEqual(lossesOf(undisturbed));
  };
}
