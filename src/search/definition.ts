/** Everything about a search that decides its results, in one value to be kept beside them and compared. */
import { formatPath, isMapping, type Path } from '../job/path.js';
import type { BaseJob, Search } from './search.js';

/** Plain values. The name and the workers of search and job are no part of it. */
export function definitionOf({ plan, objective }: Search, { job }: Pick<BaseJob, 'job'>): unknown {
  const { name: _name, cluster: _cluster, baselineError: _baseline, ...rest } = job;
  const { seed, method, halving, parameters } = plan;
  const spaces = Object.fromEntries(parameters.map(({ key, space }) => [key, space]));
  // The order of parameters is part of what is drawn.
  const order = parameters.map(({ key }) => key);
  const definition = { seed, method, parameters: spaces, order, objective: objective.metric, halving, job: rest };
  return JSON.parse(JSON.stringify(definition)) as unknown;
}

/** `method.trials: 4, now 8`, for each leaf that differs. */
export function differences(before: unknown, now: unknown, path: Path = []): readonly string[] {
  if ((isMapping(before) && isMapping(now)) || (Array.isArray(before) && Array.isArray(now))) {
    const [old, fresh] = [before as Record<string, unknown>, now as Record<string, unknown>];
    const keys = [...new Set([...Object.keys(old), ...Object.keys(fresh)])];
    return keys.flatMap((key) =>
      differences(old[key], fresh[key], [...path, Array.isArray(before) ? Number(key) : key]),
    );
  }
  const [was, is] = [JSON.stringify(before), JSON.stringify(now)];
  return was === is ? [] : [`${formatPath(path)}: ${was ?? 'nothing'}, now ${is ?? 'nothing'}`];
}
