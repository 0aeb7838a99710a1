/** Options that several commands share, and how their values are read. */
import { relative } from 'node:path';
import { InvalidArgumentError, Option } from 'commander';
import type { TraceRange } from '../common/trace.js';

export function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < least)
      throw new InvalidArgumentError(`expected a whole number of at least ${least}`);
    return value;
  };
}

/** A share, 0 … 1. */
export function share(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value <= 1))
    throw new InvalidArgumentError('expected a share from 0 to 1, such as 0.05');
  return value;
}

/** Steps A to B of a run, counted from 1 as in metrics.jsonl; one number means that step alone. */
export function stepRange(text: string): TraceRange {
  const [, first, last] = /^(\d+)(?:-(\d+))?$/.exec(text) ?? [];
  const [from, to] = [Number(first), Number(last ?? first)];
  if (!(from >= 1 && to >= from && to < 2 ** 32))
    throw new InvalidArgumentError('expected A-B, with steps counted from 1');
  return { firstStep: from - 1, endStep: to };
}

const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value];

export const options = {
  set: () =>
    new Option('--set <key=value>', 'change a key of the job; may be repeated').argParser(collect).default([], 'none'),
  backend: () =>
    new Option('--backend <name>', 'numeric kernels')
      .choices(['auto', 'wasm', 'openblas', 'reference'])
      .default('auto'),
  workers: () => new Option('--workers <n>', 'worker processes (default: cluster.workers)').argParser(wholeNumber(1)),
  threads: () =>
    new Option('--threads <n>', 'compute threads per worker (default: cluster.threads)').argParser(wholeNumber(1)),
  out: () => new Option('--out <dir>', 'run directory (default: the next free runs/NAME-N)'),
  resume: () =>
    new Option(
      '--resume <what>',
      'auto: go on from the newest checkpoint in --out; never; or a checkpoint file',
    ).default('never'),
  maxSteps: () =>
    new Option('--max-steps <n>', 'end after that many steps of the whole run; 0 writes the initial weights').argParser(
      wholeNumber(0),
    ),
  json: () => new Option('--json', 'print JSON lines'),
  quiet: () => new Option('--quiet', 'print nothing but errors'),
  logLevel: () => new Option('--log-level <level>', 'trace, debug, info, warn, error or silent'),
  insecure: () => new Option('--insecure', 'serve other hosts without encryption'),
  http: () => new Option('--http <host:port>', 'serve /metrics, /healthz and /readyz there'),
  trace: () => new Option('--trace <file>', 'record what every process does when, in Chrome trace format'),
  traceSteps: () =>
    new Option('--trace-steps <a-b>', 'steps to record with --trace (default: the first 200)').argParser(stepRange),
};

/** The join token, from the environment so that it does not show in a list of processes. */
export function joinToken(): string | null {
  const token = process.env['LOCKSTEP_TOKEN'];
  return token === undefined || token === '' ? null : token;
}

/** How a user who started this process would start another: `npx lockstep` in a checkout, `lockstep` where it is installed. */
export function commandName(): string {
  return process.env['npm_command'] === undefined ? 'lockstep' : 'npx lockstep';
}

/** A path as a user in this folder would write it. */
export function shownPath(path: string): string {
  const here = relative(process.cwd(), path);
  if (here === '') return '.';
  return here.startsWith('..') ? path : here;
}
