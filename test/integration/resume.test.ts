/** A run that is stopped or loses its coordinator goes on where it was, and ends with the bits of one that ran through. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { run, start, workplace } from '../support/processes.js';
import { completed, reached, startCoordinator, startWorkers, train } from './cluster.js';
import { measured, readResults, trainingSteps, type Results } from './results.js';
import { STEPS_PER_EPOCH, writeSmallJob } from './small-job.js';

const TIMEOUT_MS = 240_000;
const EPOCHS = 25;
const STEPS = EPOCHS * STEPS_PER_EPOCH;
const folder = workplace();
const job = writeSmallJob(join(folder, 'job'));
const LONG = ['--set', `training.epochs=${EPOCHS}`];
/** In the middle of an epoch, since 20 is no multiple of its 9 steps. */
const CHECKPOINTS = ['--set', 'training.checkpoint.everySteps=20'];

let undisturbed: Results;
beforeAll(async () => {
  undisturbed = await train(job, join(folder, 'undisturbed'), LONG);
}, TIMEOUT_MS);

function expectUndisturbedBits(results: Results): void {
  expect(results.record.weightsSha256).toBe(undisturbed.record.weightsSha256);
  expect(results.record.final).toEqual(undisturbed.record.final);
  expect(trainingSteps(results)).toEqual(Array.from({ length: STEPS }, (_, step) => step + 1));
  expect(measured(results)).toEqual(measured(undisturbed));
}

describe('SIGTERM', () => {
  it(
    'drains `train`: a checkpoint, exit code 143, and a resumed run with the same bits',
    { timeout: TIMEOUT_MS },
    async () => {
      const out = join(folder, 'train-stopped');
      const training = start([
        'train',
        job,
        '--out',
        out,
        '--backend',
        'wasm',
        '--workers',
        '2',
        '--log-level',
        'silent',
        ...LONG,
      ]);
      await reached(25, out, training);
      training.kill('SIGTERM');
      const { code, stdout, stderr } = await training.finished();
      expect({ code, stderr }).toEqual({ code: 143, stderr: '' });
      expect(stdout).toContain('--resume auto');

      const { record, events } = readResults(out);
      expect(record.status).toBe('stopped');
      expect(record.step).toBeGreaterThanOrEqual(25);
      expect(record.step).toBeLessThan(STEPS);
      expect(events.at(-1)).toMatchObject({
        type: 'checkpoint',
        step: record.step,
        weightsSha256: record.weightsSha256,
      });
      expect(existsSync(join(out, 'model.safetensors'))).toBe(false);

      const resumed = await train(job, out, [...LONG, '--resume', 'auto', '--workers', '3']);
      expectUndisturbedBits(resumed);
      expect(resumed.record.startedAt).toBe(record.startedAt);
    },
  );

  it('drains a coordinator, whose workers wait for it and go on', { timeout: TIMEOUT_MS }, async () => {
    const out = join(folder, 'coordinator-stopped');
    const first = await startCoordinator(job, out, [...LONG, '--workers', '2', '--quiet']);
    const workers = startWorkers(2, first.address);
    await reached(25, out, first.process);
    first.process.kill('SIGTERM');
    const { code, stderr } = await first.process.finished();
    expect(code, stderr).toBe(143);
    expect(readResults(out).record.status).toBe('stopped');

    const second = await startCoordinator(
      job,
      out,
      [...LONG, '--workers', '2', '--quiet', '--resume', 'auto'],
      first.address,
    );
    expectUndisturbedBits(await completed(second, out));
    const exits = await Promise.all(workers.map((worker) => worker.finished()));
    expect(exits.map((exit) => exit.code)).toEqual([0, 0]);
  });

  it('ends a coordinator that still waits for workers', { timeout: TIMEOUT_MS }, async () => {
    const { process } = await startCoordinator(job, join(folder, 'waiting'), ['--workers', '2', '--quiet']);
    process.kill('SIGTERM');
    const { code, stderr } = await process.finished();
    expect(code, stderr).toBe(143);
  });

  it('ends a worker with exit code 143', { timeout: TIMEOUT_MS }, async () => {
    const out = join(folder, 'worker-stopped');
    const coordinator = await startCoordinator(job, out, [...LONG, '--workers', '2', '--quiet']);
    const [leaving, staying] = startWorkers(2, coordinator.address);
    await reached(25, out, coordinator.process);
    leaving?.kill('SIGTERM');
    expectUndisturbedBits(await completed(coordinator, out));
    expect((await leaving?.finished())?.code).toBe(143);
    expect((await staying?.finished())?.code).toBe(0);
  });
});

describe('a coordinator that is killed', () => {
  it(
    'goes on from its last checkpoint when it is started again, with the workers that still run',
    { timeout: TIMEOUT_MS },
    async () => {
      const out = join(folder, 'coordinator-killed');
      const args = [...LONG, ...CHECKPOINTS, '--workers', '2', '--quiet'];
      const first = await startCoordinator(job, out, args);
      const workers = startWorkers(2, first.address);
      await reached(30, out, first.process);
      first.process.kill('SIGKILL');
      await first.process.finished();
      expect(readResults(out).record.status).toBe('running');

      const second = await startCoordinator(job, out, [...args, '--resume', 'auto'], first.address);
      const resumed = await second.process.logged('resumed from checkpoint');
      expect(Number(resumed['step'])).toBeGreaterThanOrEqual(20);
      expect(Number(resumed['step']) % 20).toBe(0);
      expectUndisturbedBits(await completed(second, out));
      const exits = await Promise.all(workers.map((worker) => worker.finished()));
      expect(exits.map((exit) => exit.code)).toEqual([0, 0]);
    },
  );
});

describe('--resume auto', () => {
  it(
    'goes on after --max-steps, at the end of an epoch and in the middle of one',
    { timeout: TIMEOUT_MS },
    async () => {
      const out = join(folder, 'in-parts');
      await train(job, out, [...LONG, '--max-steps', String(2 * STEPS_PER_EPOCH)]);
      const middle = await train(job, out, [
        ...LONG,
        '--resume',
        'auto',
        '--max-steps',
        String(3 * STEPS_PER_EPOCH + 4),
      ]);
      expect(middle.record.step).toBe(3 * STEPS_PER_EPOCH + 4);
      expectUndisturbedBits(await train(job, out, [...LONG, '--resume', 'auto', '--threads', '2']));
    },
  );

  it('repeats only the scores of a run that is done', { timeout: TIMEOUT_MS }, async () => {
    const out = join(folder, 'again');
    await train(job, out, LONG);
    expectUndisturbedBits(await train(job, out, [...LONG, '--resume', 'auto']));
  });

  it('begins a run where there is none', { timeout: TIMEOUT_MS }, async () => {
    const { record } = await train(job, join(folder, 'new'), ['--resume', 'auto', '--max-steps', '2']);
    expect(record.step).toBe(2);
  });

  it('refuses another job, and leaves the run as it is', { timeout: TIMEOUT_MS }, async () => {
    const out = join(folder, 'other-job');
    await train(job, out, [...LONG, '--max-steps', '5']);
    const before = readFileSync(join(out, 'run.json'), 'utf8');
    const other = ['--set', 'training.optimizer.learningRate=0.02'];
    const { code, stderr } = await run([
      'train',
      job,
      '--out',
      out,
      '--backend',
      'wasm',
      '--quiet',
      '--resume',
      'auto',
      ...LONG,
      ...other,
    ]);
    expect(code, stderr).toBe(64);
    expect(stderr).toMatch(/^lockstep: cannot resume from .*step-00000005\.safetensors: it belongs to another job/);
    expect(readFileSync(join(out, 'run.json'), 'utf8')).toBe(before);
  });
});
