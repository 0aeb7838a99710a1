/**
 * Whether every value that a search may try makes a valid job, found out before the first trial starts. What a job accepts of a number is an
 * interval, so the ends of a space stand for what lies between them; of a choice every value is looked at. Rules tie two keys at
 * most, so that all pairs of such corners are enough.
 */
import { completeJob } from '../job/load.js';
import { NoSuchPlace, replaceAt } from '../job/overrides.js';
import { formatPath, startsWith, type Path } from '../job/path.js';
import type { Problem } from '../job/problems.js';
import { valueAtPosition, type Parameter } from './space.js';

/** Some position between the ends, whose value is hardly ever a whole number: where a job takes nothing else, that is found. */
const WITHIN = 0.381966;

/** A value that is put into a job, and where in the search file it stands. */
export interface Placement {
  /** In the job. */
  readonly path: Path;
  readonly value: unknown;
  /** In the search file: the value. */
  readonly at: Path;
  /** In the search file: the key that names the place in the job. */
  readonly keyAt: Path;
}

/** A job as written with values put in, those that replace whole mappings first; or why that cannot be. */
export function place(
  written: unknown,
  placements: readonly Placement[],
): { readonly written: unknown; readonly problem: Problem | null } {
  let result = written;
  for (const placement of inOrder(placements)) {
    try {
      result = replaceAt(result, placement.path, placement.value);
    } catch (thrown) {
      if (!(thrown instanceof NoSuchPlace)) throw thrown;
      const message = `${formatPath(thrown.at)}: ${thrown.message}`;
      return { written: result, problem: { path: placement.keyAt, message, atKey: true } };
    }
  }
  return { written: result, problem: null };
}

/** A mapping as a whole goes in before what is within it. */
export function inOrder<P extends { readonly path: Path }>(placements: readonly P[]): readonly P[] {
  return [...placements].sort((a, b) => a.path.length - b.path.length);
}

/**
 * What is wrong with a job into which values were put, in terms of the search file: a problem is that of the value which was put where it is
 * found. Others are at `elsewhere`.
 */
export function inSearchFile(problem: Problem, placements: readonly Placement[], elsewhere: Path): Problem {
  const places = [problem.path, ...(problem.related ?? [])];
  const ordered = inOrder(placements);
  const culprit =
    ordered.findLast(({ path }) => places.some((candidate) => startsWith(candidate, path))) ??
    ordered.findLast(({ path }) => startsWith(path, problem.path));
  const same = culprit !== undefined && formatPath(culprit.path) === formatPath(problem.path);
  const message =
    same || problem.path.length === 0 ? problem.message : `${formatPath(problem.path)}: ${problem.message}`;
  if (culprit === undefined) return { path: elsewhere, message };
  if (problem.atKey === true) return { path: culprit.keyAt, message, atKey: true };
  return { path: culprit.at, message };
}

/** The values of a parameter that stand for all of them. */
function cornersOf({ key, path, space }: Parameter): readonly Placement[] {
  const keyAt = ['parameters', key];
  if (space.type === 'choice') {
    return space.values.map((value, index) => ({ path, value, keyAt, at: [...keyAt, 'choice', index] }));
  }
  const ends = (['from', 'to'] as const).map((end) => ({
    path,
    value: space[end],
    keyAt,
    at: [...keyAt, space.type, end],
  }));
  if (space.type === 'integer') return ends;
  return [...ends, { path, value: valueAtPosition(space, WITHIN), keyAt, at: [...keyAt, space.type] }];
}

/**
 * Everything wrong with the jobs that a search may come to, each problem once.
 *
 * @param written the job as written, with the fixed values
 */
export function checkCorners(written: unknown, parameters: readonly Parameter[]): readonly Problem[] {
  const problems = new Map<string, Problem>();
  const corners = parameters.map(cornersOf);
  for (const placements of combinations(corners)) {
    const placed = place(written, placements);
    const found = placed.problem === null ? completeJob(placed.written, 'trial').problems : [];
    const all = [
      ...(placed.problem === null ? [] : [placed.problem]),
      ...found.map((problem) => inSearchFile(problem, placements, ['parameters'])),
    ];
    // One place says one thing: the first that was found there.
    for (const problem of all)
      if (!problems.has(formatPath(problem.path))) problems.set(formatPath(problem.path), problem);
  }
  return [...problems.values()];
}

/** Sets of one corner per parameter in which every pair of corners occurs. */
function* combinations(corners: readonly (readonly Placement[])[]): Generator<readonly Placement[]> {
  const first = corners.flatMap((of) => of.slice(0, 1));
  yield first;
  for (const [a, ofA] of corners.entries()) {
    for (const cornerA of ofA) {
      const withA = first.with(a, cornerA);
      yield withA;
      for (const [b, ofB] of corners.entries()) {
        if (b <= a) continue;
        for (const cornerB of ofB.slice(1)) yield withA.with(b, cornerB);
      }
    }
  }
}
