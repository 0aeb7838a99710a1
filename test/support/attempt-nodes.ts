import type { StepAttempt } from '../../coordinator/step-attempt.js';
import { completeSubtrees, coveredShards, type TreeNode } from '../../src/reduce/tree.js';

/** The nodes of the reduction tree that a worker of an attempt contributes: its complete subtrees that hold samples. */
export function nodesOf(attempt: StepAttempt, worker: string): TreeNode[] {
  const range = attempt.assignments.find((assignment) => assignment.worker === worker)?.range;
  if (range === undefined) return [];
  return completeSubtrees(range.first, range.end, attempt.totalShards).filter((node) =>
    attempt.holdsSamples(coveredShards(node, attempt.totalShards).first),
  );
}
