/** `lockstep train` and `lockstep report` as users run them. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { run, workplace } from '../support/processes.js';
import { writeSmallJob } from './small-job.js';

const TIMEOUT_MS = 240_000;
const folder = workplace();
const job = writeSmallJob(join(folder, 'job'));

interface Told {
  readonly verdict: string;
  readonly diagnosis: {
    readonly errors: Readonly<Record<string, number | null>>;
    readonly variance: { readonly noise: number };
  };
  readonly recipe: readonly { readonly text: string; readonly set: readonly string[] }[];
}

describe('report', { timeout: TIMEOUT_MS }, () => {
  it('says the same as the end of the training, and writes the page', async () => {
    const trained = await run(['train', job, '--workers', '1', '--json', '--out', 'runs/a'], { cwd: folder });
    expect(trained.code, trained.stderr).toBe(0);
    const summary = JSON.parse(trained.stdout.trim().split('\n').at(-1) ?? '') as Told;
    expect(summary.verdict).toMatch(/^(high bias|high variance|high bias and high variance|neither)$/);
    expect(summary.diagnosis.variance.noise).toBeGreaterThan(0);

    const reported = await run(['report', 'runs/a', '--json'], { cwd: folder });
    expect(reported.code, reported.stderr).toBe(0);
    const told = JSON.parse(reported.stdout) as Told & { readonly report: string };
    expect(told.diagnosis.errors).toEqual(summary.diagnosis.errors);
    expect(told.report).toBe(join('runs', 'a', 'report.html'));
    const page = readFileSync(join(folder, told.report), 'utf8');
    expect(page).toContain('<h1>small');
    expect(page).toContain('Learning curves');

    // What it suggests can be given to a training as it stands.
    const set = told.recipe.find((one) => one.set.length > 0)?.set ?? [];
    const checked = await run(['check', job, ...set.flatMap((one) => ['--set', one])], { cwd: folder });
    expect(checked.code, checked.stderr).toBe(0);
  });

  it('as text, to another file and with another baseline', async () => {
    const args = ['report', 'runs/a', '-o', 'page.html', '--baseline-error', '0.9'];
    const { code, stdout, stderr } = await run(args, { cwd: folder });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('the baseline is 90.00%');
    expect(stdout.trimEnd().split('\n').at(-1)).toMatch(/report {2}page\.html$/);
    expect(existsSync(join(folder, 'page.html'))).toBe(true);
  });

  it.each([
    [['report', 'runs/none'], 'runs/none is not a run directory: it has no run.json'],
    [['report', 'runs/a', '-o', 'missing/page.html'], 'cannot write missing/page.html: no such file or folder'],
    [['report', 'runs/a', '--baseline-error', '5%'], 'expected a share from 0 to 1, such as 0.05'],
  ])('%j is an error of usage', async (args, message) => {
    const { code, stdout, stderr } = await run(args, { cwd: folder });
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' });
    expect(stderr).toContain(message);
  });
});
