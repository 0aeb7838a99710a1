/** Runs and clusters as they are started from a shell. */
import { expect } from 'vitest';
import { eventually, run, start, type LaunchOptions, type LockstepProcess } from '../support/processes.js';
import { readResults, stepsDone, type Results } from './results.js';

/** Trains to the end with `lockstep train` and returns what it left behind. */
export async function train(job: string, out: string, args: readonly string[] = []): Promise<Results> {
  const { code, stderr } = await run(['train', job, '--out', out, '--backend', 'wasm', '--quiet', ...args]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const results = readResults(out);
  expect(results.record.status).toBe('done');
  return results;
}

export interface Coordinator {
  readonly process: LockstepProcess;
  /** HOST:PORT that workers dial. */
  readonly address: string;
}

/** Starts a coordinator and waits until it listens. */
export async function startCoordinator(
  job: string,
  out: string,
  args: readonly string[] = [],
  listen = '127.0.0.1:0',
  options: LaunchOptions = {},
): Promise<Coordinator> {
  const process = start(['coordinator', job, '--listen', listen, '--out', out, '--backend', 'wasm', ...args], options);
  const { address } = await process.logged('coordinator started');
  return { process, address: String(address) };
}

export function startWorker(
  address: string,
  args: readonly string[] = [],
  options: LaunchOptions = {},
): LockstepProcess {
  return start(['worker', '--coordinator', address, '--backend', 'wasm', ...args], options);
}

export function startWorkers(count: number, address: string, args: readonly string[] = []): LockstepProcess[] {
  return Array.from({ length: count }, () => startWorker(address, args));
}

/** Waits until a run has done so many steps. */
export function reached(step: number, out: string, process: LockstepProcess): Promise<true> {
  return eventually(
    `${process.describe()} reaches step ${step}`,
    () => {
      if (process.exited) throw new Error(`${process.describe()} has ended before step ${step}:\n${process.stderr}`);
      return stepsDone(out) >= step;
    },
    () => process.stderr,
  );
}

/** The results of a coordinator that ends by itself, all steps done. */
export async function completed({ process }: Coordinator, out: string): Promise<Results> {
  const { code, stderr } = await process.finished();
  expect(code, stderr).toBe(0);
  const results = readResults(out);
  expect(results.record.status).toBe('done');
  return results;
}
