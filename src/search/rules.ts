/** What ties several keys of a search file together, and to the job. Every key by itself is valid already. */
import type { JobDraft } from '../job/job.js';
import { formatPath, parsePath, startsWith, type Path } from '../job/path.js';
import type { Problem } from '../job/problems.js';
import { gridSize } from './draw.js';
import type { Parameter, Space } from './space.js';
import { SPACES, type ParsedSearch, type ParsedSpace } from './schema.js';
import type { Method } from './plan.js';

const METHODS = ['grid', 'random', 'coarseToFine'] as const;
/** The page and the folder of a search are meant for people. */
const MOST_TRIALS = 10_000;

/** What one of several keys stands for, of which exactly one has to be there. */
function single<Key extends string>(value: Readonly<Record<string, unknown>>, keys: readonly Key[]): Key | null {
  const given = keys.filter((key) => value[key] !== undefined);
  return given.length === 1 ? (given[0] ?? null) : null;
}

function notSingle(path: Path, value: Readonly<Record<string, unknown>>, keys: readonly string[]): Problem {
  const given = keys.filter((key) => value[key] !== undefined);
  const found = given.length === 0 ? 'none of them' : given.join(' and ');
  return { path, message: `expected one of ${keys.join(', ')}, found ${found}` };
}

/** The method, or what is wrong with it. */
export function methodOf({ method }: ParsedSearch): {
  readonly method: Method | null;
  readonly problems: readonly Problem[];
} {
  const kind = single(method, METHODS);
  if (kind === null) return { method: null, problems: [notSingle(['method'], method, METHODS)] };
  if (method.random !== undefined) return { method: { type: 'random', ...method.random }, problems: [] };
  if (method.coarseToFine === undefined) return { method: { type: 'grid' }, problems: [] };
  const { keep, trials } = method.coarseToFine;
  const problems: Problem[] = [];
  const path = ['method', 'coarseToFine', 'keep'];
  if (keep >= 1 && !Number.isInteger(keep)) {
    problems.push({ path, message: `expected a share below 1 or a whole number, found ${keep}` });
  } else if (keep > trials) {
    problems.push({
      path,
      related: [['method', 'coarseToFine', 'trials']],
      message: `expected no more than method.coarseToFine.trials, ${trials}; found ${keep}`,
    });
  }
  return { method: { type: 'coarseToFine', ...method.coarseToFine }, problems };
}

/** The parameters, or what is wrong with them by themselves. */
export function parametersOf(
  { parameters }: ParsedSearch,
  method: Method | null,
): { readonly parameters: readonly Parameter[]; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const found: Parameter[] = [];
  if (Object.keys(parameters).length === 0)
    problems.push({ path: ['parameters'], message: 'expected at least one key of the job, found none' });
  for (const [key, written] of Object.entries(parameters)) {
    const at = ['parameters', key];
    const path = checkedPath(key, at, problems);
    const space = spaceOf(written, at, method, problems);
    if (path === null || space === null) continue;
    const twin = found.find((other) => formatPath(other.path) === formatPath(path));
    if (twin !== undefined) problems.push({ path: at, message: `expected once, found ${twin.key} above`, atKey: true });
    found.push({ key, path, space });
  }
  if (method !== null && problems.length === 0) {
    const count =
      method.type === 'grid'
        ? gridSize(found)
        : method.type === 'random'
          ? method.trials
          : method.trials * method.rounds;
    if (count > MOST_TRIALS) {
      problems.push({ path: ['method'], message: `expected at most ${MOST_TRIALS} trials in all, found ${count}` });
    }
  }
  return { parameters: found, problems };
}

/** The path of a key of the job; null where it is none. */
export function checkedPath(key: string, at: Path, problems: Problem[]): Path | null {
  const path = parsePath(key);
  if (path === null) {
    problems.push({
      path: at,
      message: 'expected a key of the job, such as training.optimizer.learningRate',
      atKey: true,
    });
  }
  return path;
}

function spaceOf(written: ParsedSpace, at: Path, method: Method | null, problems: Problem[]): Space | null {
  const type = single(written, SPACES);
  if (type === null) {
    problems.push(notSingle(at, written, SPACES));
    return null;
  }
  if (type === 'choice') return { type, values: written.choice ?? [] };
  const range = written[type];
  if (range === undefined) return null;
  const { from, to, points } = range;
  if (!(from < to)) {
    problems.push({
      path: [...at, type, 'to'],
      related: [[...at, type, 'from']],
      message: `expected a number > from, ${from}; found ${to}`,
    });
    return null;
  }
  if (method?.type === 'grid' && points === undefined && type !== 'integer') {
    problems.push({
      path: [...at, type, 'points'],
      message: 'missing; expected a whole number ≥ 2, as method is grid',
    });
  }
  if (method !== null && method.type !== 'grid' && points !== undefined) {
    problems.push({
      path: [...at, type, 'points'],
      message: `expected no points, as method is ${method.type} and not grid; found ${points}`,
    });
  }
  return { type, from, to, points: points ?? null };
}

/** What ties the search to its job. */
export function checkAgainstJob(
  parsed: ParsedSearch,
  parameters: readonly Parameter[],
  job: JobDraft,
): readonly Problem[] {
  return [
    ...parameters.flatMap((parameter) => checkKind(parameter, parsed)),
    ...checkObjective(parsed, parameters, job),
    ...checkHalving(parsed, job),
    ...checkWorkers(parsed, job),
  ];
}

function checkKind({ key, path }: Parameter, { halving }: ParsedSearch): readonly Problem[] {
  const at = ['parameters', key];
  const [first] = path;
  if (first === 'cluster' || first === 'name' || first === 'baselineError') {
    return [
      { path: at, atKey: true, message: `expected a key that changes the result; no result depends on ${first}` },
    ];
  }
  if (halving !== null && startsWith(path, ['training', 'epochs'])) {
    return [
      {
        path: at,
        atKey: true,
        related: [['halving']],
        message: 'expected another key, as halving compares trials after equal numbers of epochs',
      },
    ];
  }
  return [];
}

const CLASSIFICATION = ['accuracy', 'f1', 'auc'];
const REGRESSION = ['r2', 'mae'];

function checkObjective(
  { objective }: ParsedSearch,
  parameters: readonly Parameter[],
  { data }: JobDraft,
): readonly Problem[] {
  const problems: Problem[] = [];
  const wrong = data.task === 'classification' ? REGRESSION : CLASSIFICATION;
  if (wrong.includes(objective)) {
    const right = ['error', 'loss', ...(data.task === 'classification' ? CLASSIFICATION : REGRESSION)];
    problems.push({
      path: ['objective'],
      message: `expected one of ${right.join(', ')}, as data.task is ${data.task}; found ${objective}`,
    });
  }
  const searched = parameters.some(({ path }) => startsWith(['data', 'split', 'dev'], path));
  if (data.dev === null && data.split.dev === 0 && !searched) {
    problems.push({
      path: ['job'],
      message:
        'expected a job with a dev split, which trials are judged by; found none. Add set: { data.split.dev: 0.2 }',
    });
  }
  return problems;
}

function checkHalving({ halving }: ParsedSearch, { training: { epochs } }: JobDraft): readonly Problem[] {
  if (halving === null || halving.minEpochs * halving.eta <= epochs) return [];
  return [
    {
      path: ['halving', 'minEpochs'],
      related: [['halving']],
      message:
        `expected minEpochs · eta ≤ ${epochs}, the training.epochs of the job, or there is nothing to cut; ` +
        `found ${halving.minEpochs} · ${halving.eta}`,
    },
  ];
}

function checkWorkers({ cluster }: ParsedSearch, job: JobDraft): readonly Problem[] {
  const needed = job.cluster.workers;
  if (cluster.workers === undefined || cluster.workers >= needed) return [];
  return [
    {
      path: ['cluster', 'workers'],
      message: `expected at least ${needed}, the cluster.workers of the job; found ${cluster.workers}. Or add set: { cluster.workers: 1 }`,
    },
  ];
}
