import { decode } from 'fast-png';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { imageUri } from '../../src/report/images.js';
import { reportPage } from '../../src/report/page/report-page.js';
import { readRun, reportOf, type RunReport } from '../../src/report/run-report.js';
import { writeReport } from '../../src/report/write-report.js';
import {
  regressionEvaluation,
  regressionJob,
  sampleEvaluation,
  sampleJob,
  sampleMetrics,
  sampleRun,
  writeRun,
  type SampleRun,
} from './sample-run.js';

const made = async (run: SampleRun): Promise<RunReport> => reportOf(await readRun(await writeRun(run)));
const pageOf = async (run: SampleRun): Promise<string> => reportPage(await made(run));
/** What a reader sees, without markup. */
const textOf = (page: string): string =>
  page
    .replaceAll(/<(script|style)[^>]*>[\s\S]*?<\/\1>/g, ' ')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ');

describe('the page of a finished run', () => {
  it('has every part', async () => {
    const page = await pageOf(sampleRun());
    const titles = [...page.matchAll(/<h2>(.*?)<\/h2>/g)].map(([, title]) => title);
    expect(titles).toEqual(['Diagnosis', 'Scores', 'Learning curves', 'Classes', 'Worst mistakes', 'Cluster', 'Job']);
    for (const chart of [
      'Cost J',
      'Loss',
      'Accuracy',
      'Learning rate',
      'Update ratio per layer',
      'Dead ReLU units',
      'Speed',
    ]) {
      expect(page, chart).toContain(`aria-label="${chart}: `);
    }
    const text = textOf(page);
    expect(text).toContain('High variance');
    expect(text).toContain('--set training.regularization.l2=0.1');
    expect(text).toContain('ankle boot');
    expect(text).toContain('worker-2 on host-b was lost: no heartbeat for 10 s');
    expect(text).toContain('1 step was begun again after the loss of a worker; 1 checkpoint was written');
    expect(page.match(/<img src="data:image\/png;base64,/g)).toHaveLength(8);
    expect(page).toContain('optimizer:\n    type: adam\n');
  });

  it('is the same for the same records', async () => {
    const report = await made(sampleRun());
    expect(reportPage(report)).toBe(reportPage(report));
  });

  it('takes nothing from the user for markup', async () => {
    const evil = '</pre><script>alert(1)</script><img src=x onerror=alert(1)>';
    const run = sampleRun({ job: { ...sampleJob(), name: evil } });
    const layers = [{ name: evil, gradientNorm: 1, weightNorm: 1, updateRatio: 1, deadShare: 0 }];
    const page = await pageOf({
      ...run,
      metrics: run.metrics.map((line) => (line.layers === undefined ? line : { ...line, layers })),
      events: [...run.events, { time: evil, type: evil, reason: evil }, { time: evil, type: 'x', [evil]: evil }],
      evaluation: sampleEvaluation([evil, 'b', 'c', 'd']),
    });
    expect(page).not.toContain('<script>alert');
    expect(page).not.toContain('<img src=x');
    expect(page).toContain('&lt;img src=x onerror=alert(1)&gt;');
  });

  it('lists the most confused pairs of many classes', async () => {
    const many = Array.from({ length: 60 }, (_, i) => `class ${i}`);
    const text = textOf(await pageOf({ ...sampleRun(), evaluation: sampleEvaluation(many) }));
    expect(text).toContain('The 30 most frequent of 60 ways to be wrong, among 60 classes');
    expect(text).toContain('class 59 class 0 61');
    expect(text).toContain('The 40 of 60 classes with the lowest F1');
  });

  it('shows a regression by its errors', async () => {
    const job = regressionJob();
    const final = { train: { loss: 4, r2: 0.95, mae: 1.4 }, dev: { loss: 16, r2: 0.8, mae: 2.9 } };
    const run = { ...sampleRun({ job, final }), evaluation: regressionEvaluation() };
    const report = await made(run);
    expect(report.diagnosis).toMatchObject({
      verdict: 'high bias and high variance',
      errors: { train: 0.05, dev: 0.2 },
    });
    const text = textOf(reportPage(report));
    expect(text).toContain('Largest errors');
    expect(text).toContain('price, true');
    expect(text).toContain('tax &lt;rate&gt; -3');
    expect(text).not.toContain('Confusion');
    expect(text).toContain('R² mean abs. error');
  });
});

describe('a run without all of it', () => {
  it('that still goes on: scores so far, and why there is no more', async () => {
    const run = sampleRun({ status: 'running', final: {}, finishedAt: null, weightsSha256: null });
    const report = await made({ ...run, evaluation: null });
    expect(report.scores.provisional).toBe(
      'The run has not ended, so there are no final scores; train is the mean over the batches of the last 20 steps; ' +
        'dev is the evaluation after step 200.',
    );
    expect(report.diagnosis.errors.dev).toBe(0.05);
    const text = textOf(reportPage(report));
    expect(text).toContain('which this one has not reached');
    expect(text).toContain('running');
  });

  it('that failed before its first step', async () => {
    const error = { code: 'unavailable', message: 'no worker came <in time>', hint: 'Start one.' };
    const record = sampleRun({ status: 'failed', final: {}, step: 0, error, weightsSha256: null }).record;
    const page = await pageOf({ record, metrics: [], events: [], evaluation: null });
    expect(page).toContain('no worker came &lt;in time&gt;');
    expect(textOf(page)).toContain('No step was recorded.');
    expect(textOf(page)).toContain('Cannot be told');
  });

  it('of an older version: no layers, no smoothed cost, no baseline, no evaluation', async () => {
    const run = sampleRun();
    const { baselineError: _, ...older } = run.record.job;
    const metrics = run.metrics.map(({ layers: _layers, cost: _cost, ...line }) => line);
    const record = { ...run.record, job: older as typeof run.record.job };
    const text = textOf(await pageOf({ record, metrics, events: run.events, evaluation: null }));
    expect(text).toContain('Nothing was recorded layer by layer');
    expect(text).toContain('trained by an older version');
    expect(text).toContain('it may still be chance');
    expect(text).toContain('smoothed over about 50 steps');
  });

  it('without a dev split', async () => {
    const run = sampleRun({ job: sampleJob('data.split.dev=0'), final: { train: { loss: 0.1, accuracy: 0.99 } } });
    const evaluation = { ...sampleEvaluation(), splits: { train: sampleEvaluation().splits.train } };
    const metrics = run.metrics.filter(({ split }) => split === 'train');
    const text = textOf(await pageOf({ ...run, metrics, evaluation }));
    expect(text).toContain('Low bias; variance cannot be told');
    expect(text).toContain('--set data.split.dev=0.1');
    expect(text).toContain('The dev split was never evaluated');
    expect(text).toContain('this job has neither');
  });

  it('with an evaluation of other weights, or a damaged one', async () => {
    const run = sampleRun();
    const other = { ...sampleEvaluation(), weightsSha256: 'f'.repeat(64) };
    expect((await made({ ...run, evaluation: other })).evaluationMissing).toContain('belongs to other weights');
    const path = await writeRun(run);
    await writeFile(join(path, 'evaluation.json'), '{"splits":');
    expect((await readRun(path)).evaluationMissing).toContain('damaged');
  });

  it('whose loss was not a number all the time', async () => {
    const run = sampleRun();
    const metrics = run.metrics.map((line) => (line.step > 150 ? { ...line, loss: null, cost: null as never } : line));
    const report = await made({ ...run, metrics });
    expect(reportPage(report)).not.toMatch(/NaN|Infinity/);
  });
});

it('a run of 100,000 steps makes a page of less than two megabytes, with its spike', async () => {
  const metrics = sampleMetrics(100_000).map((line) => (line.step === 61_803 ? { ...line, cost: 77.5 } : line));
  const page = await pageOf({ ...sampleRun(), metrics });
  expect(page.length).toBeLessThan(2_000_000);
  expect(page).toContain('61803,77.5');
});

it('goes to report.html in the run directory, or where it is told to', async () => {
  const path = await writeRun(sampleRun());
  const report = reportOf(await readRun(path));
  expect(await writeReport(report)).toBe(join(path, 'report.html'));
  const other = join(path, 'other.html');
  await writeReport(report, other);
  expect(await readFile(other, 'utf8')).toBe(await readFile(join(path, 'report.html'), 'utf8'));
  await expect(writeReport(report, join(path, 'missing', 'a.html'))).rejects.toMatchObject({ code: 'usage' });
});

describe('images', () => {
  const decoded = (uri: string | null) => decode(Buffer.from(uri?.split(',')[1] ?? '', 'base64'));

  it('are the bytes of the sample', () => {
    const bytes = Uint8Array.from({ length: 4 * 3 * 3 }, (_, i) => (i * 37) % 256);
    const png = decoded(imageUri(Buffer.from(bytes).toString('base64'), [4, 3, 3]));
    expect(png).toMatchObject({ height: 4, width: 3, channels: 3 });
    expect([...png.data]).toEqual([...bytes]);
  });

  it('stretch numbers from black to white', () => {
    expect([...decoded(imageUri([-1, 0, 1, 3], [2, 2, 1])).data]).toEqual([0, 64, 128, 255]);
  });

  it('are shrunk to what a page shows, by means of squares', () => {
    const values = Array.from({ length: 192 * 192 }, (_, i) => (i % 2 === 0 ? 100 : 200));
    const png = decoded(imageUri(Buffer.from(values).toString('base64'), [192, 192, 1]));
    expect([png.height, png.width]).toEqual([96, 96]);
    expect(new Set(png.data)).toEqual(new Set([150]));
  });

  it('are not made of what is none', () => {
    expect(imageUri([1, 2, 3], [3])).toBeNull();
    expect(imageUri([1, 2, 3], [2, 2, 1])).toBeNull();
    expect(imageUri('AAAA', [2, 2, 2])).toBeNull();
  });
});
