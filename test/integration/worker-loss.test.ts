/** Workers are killed, hang, come late, or all go at once, while real processes train. None of it may change a bit. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  childProcesses,
  eventually,
  isAlive,
  signalProcess,
  start,
  workplace,
  type LockstepProcess,
} from '../support/processes.js';
import { completed, reached, startCoordinator, startWorker, startWorkers, train } from './cluster.js';
import { measured, readResults, trainingSteps, type Results } from './results.js';
import { STEPS_PER_EPOCH, writeSmallJob } from './small-job.js';

const TIMEOUT_MS = 240_000;
const EPOCHS = 30;
const STEPS = EPOCHS * STEPS_PER_EPOCH;
const folder = workplace();
const job = writeSmallJob(join(folder, 'job'));
/** Long enough to be disturbed in the middle, and nothing but steps. */
const LONG = [
  '--set',
  `training.epochs=${EPOCHS}`,
  '--set',
  'training.evaluateEveryEpochs=0',
  '--set',
  'training.checkpoint.everySteps=0',
];
/** The least silence that gRPC can notice. */
const IMPATIENT = ['--set', 'cluster.heartbeatTimeoutMs=2000'];

let undisturbed: Results;
beforeAll(async () => {
  undisturbed = await train(job, join(folder, 'undisturbed'), LONG);
}, TIMEOUT_MS);

function expectUndisturbedBits(results: Results): void {
  expect(results.record.weightsSha256).toBe(undisturbed.record.weightsSha256);
  expect(measured(results)).toEqual(measured(undisturbed));
}

function reasons({ events }: Results, type: string): string[] {
  return events.filter((event) => event.type === type).map(({ reason }) => String(reason));
}

/** How many workers took part, each time that it changed. */
function workerCounts({ metrics }: Results): number[] {
  return metrics.map(({ workers }) => workers).filter((count, line, all) => count !== all[line - 1]);
}

async function exitCodes(workers: readonly LockstepProcess[]): Promise<(number | null)[]> {
  return (await Promise.all(workers.map((worker) => worker.finished()))).map(({ code }) => code);
}

/** Kills a worker for which the others wait: one that dies between two steps leaves none to begin again. */
async function killInStep(kill: (signal: NodeJS.Signals) => void): Promise<void> {
  kill('SIGSTOP');
  await setTimeout(500);
  kill('SIGKILL');
}

describe('a worker that is killed in the middle of training', () => {
  it('is done without: same bits, and the run tells of it', { timeout: TIMEOUT_MS }, async () => {
    const out = join(folder, 'killed');
    const coordinator = await startCoordinator(job, out, [...LONG, '--workers', '3', '--quiet']);
    const workers = startWorkers(3, coordinator.address);
    await reached(25, out, coordinator.process);
    await killInStep((signal) => workers[1]?.kill(signal));
    const results = await completed(coordinator, out);

    expectUndisturbedBits(results);
    const membership = reasons(results, 'membership');
    expect(membership.filter((reason) => reason.includes('is ready'))).toHaveLength(3);
    expect(membership.filter((reason) => reason.includes('was lost'))).toHaveLength(1);
    const [recovery, ...others] = results.events.filter(({ type }) => type === 'recovery');
    expect(others).toEqual([]);
    expect(recovery?.['step']).toBeGreaterThanOrEqual(25);
    expect(recovery?.['step']).toBeLessThan(STEPS);
    expect(workerCounts(results)).toEqual([3, 2]);
    expect(await exitCodes([workers[0], workers[2]].flatMap((worker) => worker ?? []))).toEqual([0, 0]);
  });

  it('may be one of those that `train` has started', { timeout: TIMEOUT_MS }, async () => {
    const out = join(folder, 'killed-child');
    const training = start(['train', job, '--out', out, '--backend', 'wasm', '--quiet', '--workers', '2', ...LONG]);
    await reached(25, out, training);
    const children = childProcesses(training.pid);
    expect(children).toHaveLength(2);
    await killInStep((signal) => signalProcess(children[0] ?? 0, signal));
    const { code, stderr } = await training.finished();
    expect(code, stderr).toBe(0);
    expectUndisturbedBits(readResults(out));
    expect(reasons(readResults(out), 'recovery')).toHaveLength(1);
  });
});

describe('a worker of a mesh that is killed in the middle of training', () => {
  it('is done without, and so are the sums that it owned: same bits', { timeout: TIMEOUT_MS }, async () => {
    // Enough parameters that each worker owns a bucket.
    const wide = ['model.layers.0.units=300', 'model.layers.4.units=300', 'training.epochs=12'];
    const settings = [...LONG, ...wide.flatMap((setting) => ['--set', setting])];
    const alone = await train(job, join(folder, 'mesh-alone'), settings);
    const out = join(folder, 'mesh-killed');
    const mesh = [...settings, '--set', 'cluster.collective=mesh', '--workers', '3', '--quiet'];
    const coordinator = await startCoordinator(job, out, mesh);
    const workers = startWorkers(3, coordinator.address);
    await reached(25, out, coordinator.process);
    await killInStep((signal) => workers[1]?.kill(signal));
    const results = await completed(coordinator, out);

    expect(results.record.weightsSha256).toBe(alone.record.weightsSha256);
    expect(measured(results)).toEqual(measured(alone));
    expect(reasons(results, 'recovery')).toHaveLength(1);
    expect(workerCounts(results)).toEqual([3, 2]);
    // They could reach each other all the time: the mesh goes on.
    expect(results.events.filter(({ type }) => type === 'collective')).toEqual([]);
    expect(await exitCodes([workers[0], workers[2]].flatMap((worker) => worker ?? []))).toEqual([0, 0]);
  });
});

describe('a worker that hangs', () => {
  it('is given up after the heartbeat timeout: same bits', { timeout: TIMEOUT_MS }, async () => {
    const out = join(folder, 'hanging');
    const coordinator = await startCoordinator(job, out, [...LONG, ...IMPATIENT, '--workers', '3', '--quiet']);
    const workers = startWorkers(3, coordinator.address);
    await reached(25, out, coordinator.process);
    workers[2]?.kill('SIGSTOP');
    const results = await completed(coordinator, out);
    expectUndisturbedBits(results);
    expect(reasons(results, 'recovery')).toHaveLength(1);
    expect(reasons(results, 'membership').filter((reason) => reason.includes('was lost'))).toHaveLength(1);
    expect(await exitCodes(workers.slice(0, 2))).toEqual([0, 0]);
  });

  it('is taken back when it wakes, even if it was the only one', { timeout: TIMEOUT_MS }, async () => {
    const out = join(folder, 'waking');
    const coordinator = await startCoordinator(job, out, [...LONG, ...IMPATIENT, '--workers', '1', '--quiet']);
    const worker = startWorker(coordinator.address);
    await reached(25, out, coordinator.process);
    worker.kill('SIGSTOP');
    await coordinator.process.logged(({ msg }) => msg.includes('was lost'));
    worker.kill('SIGCONT');
    const results = await completed(coordinator, out);
    expectUndisturbedBits(results);
    expect(reasons(results, 'membership').filter((reason) => reason.includes('is ready'))).toHaveLength(2);
    expect(await exitCodes([worker])).toEqual([0]);
  });
});

describe('a worker that joins late', () => {
  it('takes its share from then on: same bits', { timeout: TIMEOUT_MS }, async () => {
    const out = join(folder, 'late');
    const patient = ['--set', 'cluster.heartbeatTimeoutMs=120000'];
    const coordinator = await startCoordinator(job, out, [...LONG, ...patient, '--workers', '1', '--quiet']);
    const early = startWorker(coordinator.address);
    await reached(20, out, coordinator.process);
    // The run is held up for the late one, whose start may take longer than all the steps.
    early.kill('SIGSTOP');
    const late = startWorker(coordinator.address);
    await coordinator.process.logged(({ msg }) => msg.startsWith('worker-2'));
    early.kill('SIGCONT');
    const results = await completed(coordinator, out);
    expectUndisturbedBits(results);
    expect(workerCounts(results)).toEqual([1, 2]);
    expect(reasons(results, 'recovery')).toEqual([]);
    expect(await exitCodes([early, late])).toEqual([0, 0]);
  });
});

describe('no workers', () => {
  it('ends a run that has none left with exit code 75, after the time granted', { timeout: TIMEOUT_MS }, async () => {
    const out = join(folder, 'none-left');
    // Long enough for the first worker to come, and the time that is then waited for another one.
    const coordinator = await startCoordinator(job, out, [...LONG, '--set', 'cluster.joinTimeoutMs=15000', '--quiet']);
    const worker = startWorker(coordinator.address);
    await reached(20, out, coordinator.process);
    worker.kill('SIGKILL');
    const { code, stderr } = await coordinator.process.finished();
    expect(code, stderr).toBe(75);
    expect(stderr).toContain('lockstep: no worker is left, and none came back within 15 s');
    const { record, events } = readResults(out);
    expect(record.status).toBe('failed');
    expect(events.at(-1)).toMatchObject({ type: 'checkpoint', step: record.step });
  });

  it('leaves no run directory when none came', { timeout: TIMEOUT_MS }, async () => {
    const out = join(folder, 'none-came');
    const { process } = await startCoordinator(job, out, [
      '--set',
      'cluster.joinTimeoutMs=100',
      '--workers',
      '2',
      '--quiet',
    ]);
    const { code, stderr } = await process.finished();
    expect(code, stderr).toBe(75);
    expect(stderr).toContain('lockstep: 0 of 2 workers joined within 0.1 s');
    expect(existsSync(out)).toBe(false);
  });
});

describe('all workers of `train` killed at once', () => {
  it(
    'ends the run with exit code 75 and a checkpoint, from which it goes on to the same bits',
    { timeout: TIMEOUT_MS },
    async () => {
      const out = join(folder, 'all-killed');
      const args = ['train', job, '--out', out, '--backend', 'wasm', '--quiet', ...LONG];
      const training = start([...args, '--workers', '2']);
      await reached(25, out, training);
      const children = childProcesses(training.pid);
      expect(children).toHaveLength(2);
      for (const child of children) signalProcess(child, 'SIGKILL');
      const { code, stderr } = await training.finished();
      expect(code, stderr).toBe(75);
      const said = stderr.split('\n').filter((line) => line.startsWith('lockstep:'));
      expect(said).toEqual([expect.stringMatching(/^lockstep: all worker processes have ended/)]);
      expect(stderr).not.toMatch(/\n\s+at /);

      const failed = readResults(out);
      expect(failed.record.status).toBe('failed');
      expect(failed.record.error?.code).toBe('unavailable');
      expect(failed.record.step).toBeGreaterThanOrEqual(25);
      expect(failed.record.step).toBeLessThan(STEPS);

      const resumed = start([...args, '--workers', '1', '--resume', 'auto']);
      const second = await resumed.finished();
      expect(second.code, second.stderr).toBe(0);
      expectUndisturbedBits(readResults(out));
      expect(trainingSteps(readResults(out))).toEqual(Array.from({ length: STEPS }, (_, step) => step + 1));
    },
  );
});

describe('`train` killed without a chance to say goodbye', () => {
  it('leaves no worker process behind', { timeout: TIMEOUT_MS }, async () => {
    const out = join(folder, 'orphans');
    const training = start(['train', job, '--out', out, '--backend', 'wasm', '--quiet', '--workers', '2', ...LONG]);
    await reached(10, out, training);
    const children = childProcesses(training.pid);
    expect(children).toHaveLength(2);
    training.kill('SIGKILL');
    await training.finished();
    await eventually('the workers leave', () => !children.some(isAlive));
  });
});
