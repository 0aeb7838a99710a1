/**
 * What a search does next, as a function of what has finished. It goes in stages, one for each rung of each round; a stage begins when all
 * trials of the one before are in. So what is run depends on the search and its results alone, not on how many trials run at
 * once or which of them is faster.
 */
import { drawTrial, gridSize, gridTrials } from './draw.js';
import { rungsOf, survivors, type Halving, type Rung } from './halving.js';
import { ranked, type Goal, type Standing } from './ranking.js';
import { isInside, wholeRegion, zoom, type Region } from './region.js';
import type { Parameter, ParameterValue } from './space.js';

export type Method =
  | { readonly type: 'grid' }
  | { readonly type: 'random'; readonly trials: number }
  | {
      readonly type: 'coarseToFine';
      readonly rounds: number;
      /** In each round. */
      readonly trials: number;
      /** Below 1: the share of a round's trials that define the region of the next; else their number. */
      readonly keep: number;
    };

/** Everything that decides which trials there are and which of them go on. */
export interface SearchPlan {
  readonly seed: number;
  readonly method: Method;
  readonly parameters: readonly Parameter[];
  readonly halving: Halving | null;
  readonly goal: Goal;
  /** Of a whole trial; of rungs the last. */
  readonly epochs: number;
}

export interface Trial {
  /** From 1, in the whole search. */
  readonly number: number;
  /** From 0. */
  readonly round: number;
  /** In the order of the parameters. */
  readonly values: readonly ParameterValue[];
}

/** A trial to be trained up to the end of a rung. */
export interface Task {
  readonly trial: Trial;
  readonly rung: number;
  /** From the start of training; null: to its end. */
  readonly epochs: number | null;
}

export interface Stage {
  readonly round: number;
  readonly rung: number;
  readonly region: Region;
  /** In the order in which they are started. */
  readonly tasks: readonly Task[];
}

export type Decision =
  { readonly type: 'run'; readonly stage: Stage; readonly open: readonly Task[] } | { readonly type: 'done' };

/** Trials of one round. */
export function trialsPerRound({ method, parameters }: Pick<SearchPlan, 'method' | 'parameters'>): number {
  return method.type === 'grid' ? gridSize(parameters) : method.trials;
}

export function roundsOf({ method }: Pick<SearchPlan, 'method'>): number {
  return method.type === 'coarseToFine' ? method.rounds : 1;
}

/** The rungs of a round. */
export function planRungs(plan: SearchPlan): readonly Rung[] {
  return rungsOf(plan.halving, trialsPerRound(plan), plan.epochs);
}

/** The stage under way and those of its tasks that have no result yet; `done` when there is none. */
export function decide(plan: SearchPlan, results: readonly Standing[]): Decision {
  for (const stage of stages(plan, results)) {
    const finished = new Set(results.filter(({ rung }) => rung === stage.rung).map(({ trial }) => trial));
    const open = stage.tasks.filter(({ trial }) => !finished.has(trial.number));
    if (open.length > 0) return { type: 'run', stage, open };
  }
  return { type: 'done' };
}

/** The stages up to the one that still has open tasks, or all of them. A stage is decided on the complete results of those before. */
export function* stages(plan: SearchPlan, results: readonly Standing[]): Generator<Stage> {
  const rungs = planRungs(plan);
  const trials: Trial[] = [];
  let region = wholeRegion(plan.parameters);
  for (let round = 0; round < roundsOf(plan); round++) {
    if (round > 0) region = nextRegion(plan, region, trials, results);
    const started = trialsOf(plan, region, round);
    trials.push(...started);
    let running: readonly Trial[] = started;
    for (const [rung, { epochs }] of rungs.entries()) {
      if (rung > 0 && plan.halving !== null) running = goingOn(plan, plan.halving, running, results, rung - 1);
      if (running.length === 0) break;
      const last = rung === rungs.length - 1;
      const tasks = running.map((trial) => ({ trial, rung, epochs: last ? null : epochs }));
      yield { round, rung, region, tasks };
    }
  }
}

function trialsOf(plan: SearchPlan, region: Region, round: number): readonly Trial[] {
  const count = trialsPerRound(plan);
  if (plan.method.type === 'grid') {
    return gridTrials(plan.parameters).map((values, index) => ({ number: index + 1, round, values }));
  }
  return Array.from({ length: count }, (_, index) => {
    const number = round * count + index + 1;
    return { number, round, values: drawTrial(plan.parameters, region, plan.seed, round, number) };
  });
}

/** Of the trials of a rung, those that go on, by number. A failed one never does. */
function goingOn(
  { goal }: SearchPlan,
  { eta }: Halving,
  running: readonly Trial[],
  results: readonly Standing[],
  rung: number,
): readonly Trial[] {
  const numbers = new Set(running.map(({ number }) => number));
  const standings = results.filter((result) => result.rung === rung && numbers.has(result.trial));
  const best = ranked(standings, goal)
    .slice(0, survivors(running.length, eta))
    .filter(({ objective }) => objective !== null);
  const kept = new Set(best.map(({ trial }) => trial));
  return running.filter(({ number }) => kept.has(number));
}

/** Where the next round looks: around the best of all trials so far that lie in this round's region. */
function nextRegion(plan: SearchPlan, region: Region, trials: readonly Trial[], results: readonly Standing[]): Region {
  if (plan.method.type !== 'coarseToFine') return region;
  const { keep, trials: count } = plan.method;
  const inside = new Map(
    trials
      .filter(({ values }) => isInside(plan.parameters, region, values))
      .map(({ number, values }) => [number, values]),
  );
  const best = ranked(furthest(results), plan.goal).flatMap(({ trial, objective }) => {
    const values = inside.get(trial);
    return values === undefined || objective === null ? [] : [values];
  });
  const kept = best.slice(0, keep < 1 ? Math.ceil(keep * count) : keep);
  return kept.length === 0 ? region : zoom(plan.parameters, region, kept, count);
}

/** Of each trial the result of the last rung that it has reached, by number. */
export function furthest<S extends Standing>(results: readonly S[]): readonly S[] {
  const last = new Map<number, S>();
  for (const result of results) {
    const before = last.get(result.trial);
    if (before === undefined || result.rung > before.rung) last.set(result.trial, result);
  }
  return [...last.values()].sort((a, b) => a.trial - b.trial);
}

/**
 * How much training there is in the whole search, in trainings of one trial from start to end, and how much of it is done: to tell the
 * time that is left.
 *
 * @param running share of the whole training that each running trial has done within its task, 0 … 1
 */
export function workOf(
  plan: SearchPlan,
  results: readonly Standing[],
  running: readonly number[] = [],
): { readonly total: number; readonly done: number } {
  const rungs = planRungs(plan);
  const share = (rung: number): number => ((rungs[rung]?.epochs ?? 0) - (rungs[rung - 1]?.epochs ?? 0)) / plan.epochs;
  const total = roundsOf(plan) * rungs.reduce((sum, { trials }, rung) => sum + trials * share(rung), 0);
  const finished = results.reduce((sum, { rung }) => sum + share(rung), 0);
  return { total, done: Math.min(total, finished + running.reduce((sum, part) => sum + part, 0)) };
}
