import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { saveCheckpoint } from '../../src/state/checkpoint.js';
import { defaultRunPath, RunDirectory } from '../../src/state/run-directory.js';
import { readSafetensors } from '../../src/state/safetensors.js';
import { checkpointAt, metricsAt, RECORD, temporaryFolder } from './samples.js';

async function readRecord(run: RunDirectory): Promise<unknown> {
  return JSON.parse(await readFile(join(run.path, 'run.json'), 'utf8'));
}

describe('a run directory', () => {
  it('records a run from start to end', async () => {
    const path = join(await temporaryFolder(), 'runs', 'iris-1');
    const run = await RunDirectory.create(path, RECORD);
    expect(await readRecord(run)).toEqual({ ...RECORD });

    await run.appendMetrics(metricsAt(10));
    await run.appendEvent({ time: '2026-01-01T00:00:02.000Z', type: 'workerLost', worker: 3 });
    await run.writeModel([{ name: 'w', dtype: 'F32', shape: [1], data: Float32Array.of(2) }]);
    await run.update({ status: 'done', step: 40, final: { train: { loss: 0.1, accuracy: 0.9 } }, weightsSha256: 'c' });

    const opened = await RunDirectory.open(path);
    expect(opened.record).toMatchObject({ status: 'done', step: 40, final: { train: { loss: 0.1 } }, job: RECORD.job });
    expect(await opened.metrics.read()).toEqual([metricsAt(10)]);
    expect(await opened.events.read()).toEqual([{ time: '2026-01-01T00:00:02.000Z', type: 'workerLost', worker: 3 }]);
    expect((await readSafetensors(opened.modelPath)).tensors.get('w')?.data).toEqual(Float32Array.of(2));
    expect((await readdir(path)).sort()).toEqual(['events.jsonl', 'metrics.jsonl', 'model.safetensors', 'run.json']);
  });

  it('takes changes in the order of the calls; undefined removes a key', async () => {
    const run = await RunDirectory.create(await temporaryFolder(), {
      ...RECORD,
      error: { code: 'data', message: 'x' },
    });
    const updates = [1, 2, 3, 4, 5].map((step) => run.update({ step }));
    updates.push(run.update({ error: undefined }));
    await Promise.all(updates);
    expect(await readRecord(run)).toEqual({ ...RECORD, step: 5 });
  });

  it('brings the input normalisation back with the same bits', async () => {
    const mean = Float32Array.of(0.1, 1 / 3, -1e-40, 3.4e38);
    const inverseDeviation = Float32Array.of(1, 7.7, 1e-30, 0.3);
    const normalization = { mean: Array.from(mean), inverseDeviation: Array.from(inverseDeviation) };
    const run = await RunDirectory.create(await temporaryFolder(), { ...RECORD, normalization });
    const found = (await RunDirectory.open(run.path)).record.normalization;
    expect(Float32Array.from(found?.mean ?? [])).toEqual(mean);
    expect(Float32Array.from(found?.inverseDeviation ?? [])).toEqual(inverseDeviation);
  });

  it('is refused over results, saying what to do', async () => {
    const results = [
      (run: RunDirectory) => run.appendMetrics(metricsAt(1)),
      (run: RunDirectory) => run.writeModel([]),
      (run: RunDirectory) => saveCheckpoint(run.checkpointsPath, checkpointAt(1), 1),
    ];
    for (const leaveResult of results) {
      const run = await RunDirectory.create(await temporaryFolder(), RECORD);
      await leaveResult(run);
      await expect(RunDirectory.create(run.path, RECORD)).rejects.toMatchObject({
        code: 'usage',
        message: /holds the results of a run already/,
        hint: 'Choose another folder with --out, or continue that run with --resume auto.',
      });
    }
  });

  it('replaces a run that left no results, and leaves other files alone', async () => {
    const path = await temporaryFolder();
    const first = await RunDirectory.create(path, RECORD);
    await first.appendEvent({ time: 't', type: 'workerJoined' });
    await mkdir(first.checkpointsPath);
    await writeFile(join(path, 'notes.txt'), 'mine');
    await RunDirectory.create(path, { ...RECORD, jobHash: 'other', startedAt: 'later' });
    expect((await readdir(path)).sort()).toEqual(['notes.txt', 'run.json']);
    expect((await RunDirectory.open(path)).record.startedAt).toBe('later');
  });

  it('says when it is none, or its record is damaged', async () => {
    const path = await temporaryFolder();
    await expect(RunDirectory.open(path)).rejects.toMatchObject({ code: 'usage', message: /is not a run directory/ });
    for (const text of ['{', '{"version":"1"}', '']) {
      await writeFile(join(path, 'run.json'), text);
      await expect(RunDirectory.open(path)).rejects.toMatchObject({
        code: 'data',
        message: /run.json: not the record/,
      });
    }
  });

  it('keeps what a later version added to the record', async () => {
    const path = await temporaryFolder();
    await writeFile(join(path, 'run.json'), JSON.stringify({ ...RECORD, added: { later: true } }));
    const run = await RunDirectory.open(path);
    await run.update({ status: 'stopped' });
    expect(await readRecord(run)).toMatchObject({ status: 'stopped', added: { later: true } });
  });
});

describe('resuming in a run directory', () => {
  it('drops the metrics that will be measured again, keeps the rest and the time of the start', async () => {
    const path = await temporaryFolder();
    const first = await RunDirectory.create(path, RECORD);
    for (const step of [10, 20, 30]) await first.appendMetrics(metricsAt(step));
    await first.appendEvent({ time: 't', type: 'workerLost' });

    const second = await RunDirectory.create(path, { ...RECORD, startedAt: 'later', step: 20 }, { resume: true });
    await second.truncateMetricsAfter(20);
    await second.appendMetrics({ ...metricsAt(30), workers: 5 });
    expect(second.record).toMatchObject({ startedAt: RECORD.startedAt, step: 20 });
    expect((await second.metrics.read()).map(({ step, workers }) => [step, workers])).toEqual([
      [10, 2],
      [20, 2],
      [30, 5],
    ]);
    expect(await second.events.read()).toHaveLength(1);

    await second.truncateMetricsAfter(-1);
    expect(await second.metrics.read()).toEqual([]);
  });

  it('starts anew where there is nothing to resume', async () => {
    const run = await RunDirectory.create(join(await temporaryFolder(), 'new'), RECORD, { resume: true });
    expect(await readRecord(run)).toEqual({ ...RECORD });
  });

  it('is refused for another job', async () => {
    const run = await RunDirectory.create(await temporaryFolder(), RECORD);
    await run.appendMetrics(metricsAt(1));
    const other = { ...RECORD, jobHash: 'other' };
    await expect(RunDirectory.create(run.path, other, { resume: true })).rejects.toMatchObject({
      code: 'usage',
      message: /holds a run of another job, iris/,
    });
    expect(await run.metrics.read()).toHaveLength(1);
  });
});

describe('a run without results', () => {
  it('leaves nothing behind, not even the folders made for it', async () => {
    const root = await temporaryFolder();
    const run = await RunDirectory.create(join(root, 'runs', 'deep', 'iris-1'), RECORD);
    await run.appendEvent({ time: 't', type: 'x' });
    expect(await run.discardIfEmpty()).toBe(true);
    expect(await readdir(root)).toEqual([]);
  });

  it('leaves alone what it did not make', async () => {
    const root = await temporaryFolder();
    await mkdir(join(root, 'runs', 'other'), { recursive: true });
    const run = await RunDirectory.create(join(root, 'runs', 'iris-1'), RECORD);
    await writeFile(join(run.path, 'notes.txt'), 'mine');
    expect(await run.discardIfEmpty()).toBe(true);
    expect(await readdir(run.path)).toEqual(['notes.txt']);
    const given = await RunDirectory.create(join(root, 'runs', 'other'), RECORD);
    await given.discardIfEmpty();
    expect((await readdir(join(root, 'runs'))).sort()).toEqual(['iris-1', 'other']);
  });

  it('is told from one with results, which stays', async () => {
    const run = await RunDirectory.create(join(await temporaryFolder(), 'run'), RECORD);
    await run.appendMetrics(metricsAt(1));
    expect(await run.discardIfEmpty()).toBe(false);
    expect(existsSync(join(run.path, 'run.json'))).toBe(true);
  });
});

describe('default run paths', () => {
  it('count on from the highest number, for this job alone', async () => {
    const root = await temporaryFolder();
    expect(await defaultRunPath(join(root, 'none'), 'mnist')).toBe(join(root, 'none', 'mnist-1'));
    for (const name of ['mnist-2', 'mnist-10', 'mnist-large-40', 'mnist-x', 'other-90']) await mkdir(join(root, name));
    expect(await defaultRunPath(root, 'mnist')).toBe(join(root, 'mnist-11'));
    expect(await defaultRunPath(root, 'mnist-large')).toBe(join(root, 'mnist-large-41'));
  });

  it('stay inside the root whatever the job is called', async () => {
    const root = await temporaryFolder();
    expect(await defaultRunPath(root, '../a/b: c')).toBe(join(root, '-a-b-c-1'));
    expect(await defaultRunPath(root, 'Größe')).toBe(join(root, 'Größe-1'));
    expect(await defaultRunPath(root, '..')).toBe(join(root, 'run-1'));
  });

  it('differ for runs that start at the same moment', async () => {
    const root = join(await temporaryFolder(), 'runs');
    const runs = await Promise.all([1, 2, 3].map(() => RunDirectory.createNumbered(root, 'iris', RECORD)));
    expect(runs.map(({ path }) => basename(path)).sort()).toEqual(['iris-1', 'iris-2', 'iris-3']);
    for (const run of runs) expect(await run.discardIfEmpty()).toBe(true);
    for (const { path } of runs) expect(existsSync(path)).toBe(false);
  });
});
