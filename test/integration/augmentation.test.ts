/** Augmented training by clusters of real processes, and the picture of it. */
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decode } from 'fast-png';
import { beforeAll, describe, expect, it } from 'vitest';
import { run, workplace } from '../support/processes.js';
import { SIDE, writeImageJob } from '../support/tiny-images.js';
import { completed, reached, startCoordinator, startWorkers, train } from './cluster.js';
import { measured, type Results } from './results.js';
import { writeSmallJob } from './small-job.js';

const TIMEOUT_MS = 240_000;
const folder = workplace();
const job = writeImageJob(join(folder, 'job'));

describe('a job with every augmentation', () => {
  let alone: Results;
  beforeAll(async () => {
    alone = await train(job, join(folder, 'alone'), ['--workers', '1']);
  }, TIMEOUT_MS);

  it('learns something else than without', { timeout: TIMEOUT_MS }, async () => {
    const plain = await train(job, join(folder, 'plain'), ['--set', 'data.augmentation=null']);
    expect(plain.record.weightsSha256).not.toBe(alone.record.weightsSha256);
    expect(alone.record.final.test?.accuracy).toBeGreaterThan(0.5);
  });

  it.each([
    ['3 workers', ['--workers', '3']],
    ['2 threads in one process', ['--workers', '1', '--threads', '2']],
    ['2 workers of 2 threads in a mesh', ['--workers', '2', '--threads', '2', '--set', 'cluster.collective=mesh']],
  ])('gives the same weights and losses with %s', { timeout: TIMEOUT_MS }, async (name, args) => {
    const other = await train(job, join(folder, name.replaceAll(' ', '-')), args);
    expect(other.record.weightsSha256).toBe(alone.record.weightsSha256);
    expect(measured(other)).toEqual(measured(alone));
    expect(other.record.final).toEqual(alone.record.final);
  });

  it('gives the same weights after a resume in the middle of an epoch', { timeout: TIMEOUT_MS }, async () => {
    const out = join(folder, 'in-parts');
    const { record } = await train(job, out, ['--max-steps', '6']);
    expect(record.step).toBe(6);
    const resumed = await train(job, out, ['--resume', 'auto', '--workers', '2']);
    expect(resumed.record.weightsSha256).toBe(alone.record.weightsSha256);
  });

  it('gives the same weights when a worker is killed in the middle', { timeout: TIMEOUT_MS }, async () => {
    const long = ['--set', 'training.epochs=50', '--quiet'];
    const undisturbed = await train(job, join(folder, 'undisturbed'), long.slice(0, 2));
    const out = join(folder, 'killed');
    const coordinator = await startCoordinator(job, out, [...long, '--workers', '3']);
    const [lost, ...others] = startWorkers(3, coordinator.address);
    await reached(25, out, coordinator.process);
    lost?.kill('SIGKILL');
    const { record } = await completed(coordinator, out);
    expect(record.weightsSha256).toBe(undisturbed.record.weightsSha256);
    const exits = await Promise.all(others.map((worker) => worker.finished()));
    expect(exits.map(({ code }) => code)).toEqual([0, 0]);
  });
});

describe('check --augmentation', { timeout: TIMEOUT_MS }, () => {
  it('writes originals beside what training sees of them', async () => {
    const path = join(folder, 'sheet.png');
    const { code, stdout, stderr } = await run(['check', job, '--augmentation', path]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain(`${path}: 8 samples, original and epochs 1 to 8`);
    const { width, height, channels, data } = decode(readFileSync(path));
    // 12 times larger, so that 8 pixels become 96.
    expect([width, height, channels]).toEqual([9 * (96 + 2) + 2 + 6, 8 * (96 + 2) + 2, 1]);
    const pixels = readFileSync(join(folder, 'job', 'images')).subarray(16);
    const cell = (column: number): number[] =>
      Array.from({ length: SIDE * SIDE }, (_, i) => {
        const left = 2 + column * 98 + (column > 0 ? 6 : 0);
        return data[(2 + 12 * Math.floor(i / SIDE) + 11) * width + left + 12 * (i % SIDE) + 11] ?? -1;
      });
    const isOriginal = (shown: number[]): boolean =>
      Array.from({ length: 230 }, (_, i) => pixels.subarray(i * 64, i * 64 + 64)).some((one) =>
        one.equals(Buffer.from(shown)),
      );
    expect(isOriginal(cell(0))).toBe(true);
    expect(isOriginal(cell(1))).toBe(false);
    expect(cell(2)).not.toEqual(cell(1));
  });

  it('names the file in JSON too', async () => {
    const path = join(folder, 'json.png');
    const { stdout } = await run(['check', job, '--augmentation', path, '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ augmentationSheet: { path, epochs: 8 } });
  });

  it.each([
    ['a job without augmentation', job, ['--set', 'data.augmentation=null'], 78, 'no augmentation to show'],
    ['an augmentation that does nothing', job, ['--set', 'data.augmentation={fill: 3}'], 78, 'no augmentation to show'],
    ['a table', writeSmallJob(join(folder, 'table')), ['--set', 'data.augmentation={rotation: 3}'], 78, 'no images'],
    ['a padding as large as the image', job, ['--set', 'data.augmentation.crop.padding=8'], 78, '8 × 8'],
    ['a fill that is no byte', job, ['--set', 'data.augmentation.fill=300'], 78, 'bytes'],
  ])('says what is wrong with %s', async (_, path, args, exitCode, words) => {
    const out = join(folder, 'nothing.png');
    const { code, stdout, stderr } = await run(['check', path, '--augmentation', out, ...args]);
    expect({ code, stdout }, stderr).toEqual({ code: exitCode, stdout: '' });
    expect(stderr).toMatch(/^lockstep: /);
    expect(stderr).toContain(words);
    expect(existsSync(out)).toBe(false);
  });

  it('says where it cannot write', async () => {
    mkdirSync(join(folder, 'full.png'));
    for (const path of [join(folder, 'nowhere', 'sheet.png'), join(folder, 'full.png')]) {
      const { code, stdout, stderr } = await run(['check', job, '--augmentation', path]);
      expect({ code, stdout }).toEqual({ code: 64, stdout: '' });
      expect(stderr).toContain(`cannot write ${path}`);
    }
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });
});
