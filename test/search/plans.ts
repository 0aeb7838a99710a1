/** Searches for tests of the pure core, and a trainer that is a formula. */
import { parsePath } from '../../src/job/path.js';
import { decide, type SearchPlan, type Task } from '../../src/search/plan.js';
import type { Standing } from '../../src/search/ranking.js';
import type { Parameter, Space } from '../../src/search/space.js';

export function parameter(key: string, space: Space): Parameter {
  return { key, path: parsePath(key) ?? [], space };
}

export const RATE = parameter('training.optimizer.learningRate', { type: 'log', from: 0.0001, to: 1, points: null });
export const BETA = parameter('training.optimizer.beta1', { type: 'oneMinusLog', from: 0.9, to: 0.999, points: null });
export const UNITS = parameter('model.layers[0].units', { type: 'integer', from: 4, to: 64, points: null });
export const BATCH = parameter('training.batchSize', { type: 'choice', values: [16, 32, 64] });

export function plan(changes: Partial<SearchPlan> = {}): SearchPlan {
  return {
    seed: 1,
    method: { type: 'random', trials: 9 },
    parameters: [RATE, BETA, UNITS, BATCH],
    halving: null,
    goal: 'minimize',
    epochs: 9,
    ...changes,
  };
}

/**
 * Runs a search to its end: whenever a task may start, `pick` chooses which of those that are open finishes next. Returns the results in the
 * order in which they came.
 */
export function simulate(
  search: SearchPlan,
  score: (task: Task) => number | null,
  pick: (open: readonly Task[]) => number = () => 0,
): Standing[] {
  const results: Standing[] = [];
  for (;;) {
    const decision = decide(search, results);
    if (decision.type === 'done') return results;
    const task = decision.open[pick(decision.open) % decision.open.length];
    if (task === undefined) throw new Error('nothing is open');
    results.push({ trial: task.trial.number, rung: task.rung, objective: score(task) });
  }
}
