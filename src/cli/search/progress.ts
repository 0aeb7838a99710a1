/** From the state of a search to what its display shows. */
import type { Clock } from '../../common/clock.js';
import { planRungs, roundsOf, stages, workOf, type SearchPlan, type Stage } from '../../search/plan.js';
import { countTrials, leaderboard, type TrialCounts, type TrialLine } from '../../search/records.js';
import type { Search } from '../../search/search.js';
import type { RunningTrial, SearchRun } from './run-search.js';
import type { SearchProgress } from './render.js';

/** How many of the best are shown. */
const BEST = 5;

/** The last stage that has begun, and those of its trials that are not over yet. */
export function countNow(plan: SearchPlan, lines: readonly TrialLine[], running: ReadonlySet<number>): TrialCounts {
  const last = lastStage(plan, lines);
  const ended = endedIn(last, lines);
  const complete = last?.tasks.every(({ trial }) => ended.has(trial.number)) ?? true;
  // In a rung under way nobody is cut yet.
  const waiting = complete ? [] : (last?.tasks.map(({ trial }) => trial.number) ?? []);
  return countTrials(plan, lines, new Set([...running, ...waiting]));
}

/** Trials that have a result of this very stage. */
function endedIn(stage: Stage | undefined, lines: readonly TrialLine[]): ReadonlySet<number> {
  const of = lines.filter(({ rung, round }) => rung === stage?.rung && round === stage.round);
  return new Set(of.map(({ trial }) => trial));
}

function lastStage(plan: SearchPlan, lines: readonly TrialLine[]): Stage | undefined {
  let last: Stage | undefined;
  for (const stage of stages(plan, lines)) {
    last = stage;
    const ended = endedIn(stage, lines);
    if (!stage.tasks.every(({ trial }) => ended.has(trial.number))) break;
  }
  return last;
}

export function progressOf(
  search: Search,
  run: SearchRun,
  {
    classification,
    startedMs,
    clock,
  }: { readonly classification: boolean; readonly startedMs: number; readonly clock: Clock },
  /** Work done before this start. */
  before: number,
): SearchProgress {
  const { plan, objective, name } = search;
  const { lines } = run;
  const running = [...run.running.values()].sort((a, b) => a.task.trial.number - b.task.trial.number);
  const rungs = planRungs(plan);
  const work = workOf(
    plan,
    lines,
    running.map((trial) => {
      const { rung } = trial.task;
      return (shareOf(trial, rungs) * ((rungs[rung]?.epochs ?? 0) - (rungs[rung - 1]?.epochs ?? 0))) / plan.epochs;
    }),
  );
  const elapsedMs = clock.monotonic() - startedMs;
  const doneNow = work.done - before;
  const stage = lastStage(plan, lines);
  const keys = plan.parameters.map(({ key }) => key);
  return {
    name,
    metric: objective.metric,
    classification,
    keys,
    counts: countNow(plan, lines, new Set(run.running.keys())),
    work,
    running: running.map((trial) => ({
      trial: trial.task.trial.number,
      parameters: Object.fromEntries(keys.map((key, index) => [key, trial.task.trial.values[index]])),
      share: shareOf(trial, rungs),
      loss: trial.progress?.loss ?? null,
    })),
    best: leaderboard(plan, lines)
      .filter(({ objective: score }) => score !== null)
      .slice(0, BEST),
    round: roundsOf(plan) > 1 ? { current: (stage?.round ?? 0) + 1, of: roundsOf(plan) } : null,
    rung: rungs.length > 1 ? { current: (stage?.rung ?? 0) + 1, of: rungs.length } : null,
    stage: { ended: endedIn(stage, lines).size, of: stage?.tasks.length ?? 0 },
    elapsedMs,
    etaMs: doneNow > 0 ? (elapsedMs * (work.total - work.done)) / doneNow : null,
    stopping: run.stopping,
  };
}

/** How much of its task a trial has done. */
function shareOf({ task, steps, progress }: RunningTrial, rungs: readonly { readonly epochs: number }[]): number {
  if (progress === null || steps === null || steps === 0) return 0;
  const [before, end] = [rungs[task.rung - 1]?.epochs ?? 0, rungs[task.rung]?.epochs ?? 1];
  const first = (steps * before) / end;
  return Math.min(1, Math.max(0, (progress.step - first) / (steps - first)));
}
