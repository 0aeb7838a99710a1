/** The page of a search: what it says, and how it looks in a real browser. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { searchPage, type SearchPage } from '../../src/search/page/search-page.js';
import { planRungs, stages } from '../../src/search/plan.js';
import { bestOf, countTrials, type TrialLine } from '../../src/search/records.js';
import { chromiumPath, openBrowser } from '../support/browser.js';
import { BETA, parameter, plan, RATE, simulate, UNITS } from './plans.js';

const WORDS = parameter('model.layers[1].type', { type: 'choice', values: ['relu', '<b>tanh</b>'] });
const PLAN = plan({
  method: { type: 'coarseToFine', rounds: 2, trials: 12, keep: 0.25 },
  parameters: [RATE, BETA, UNITS, WORDS],
  halving: { eta: 3, minEpochs: 1 },
});

function sample(changes: Partial<SearchPage> = {}): SearchPage {
  const results = simulate(PLAN, ({ trial }) =>
    trial.number === 5 ? null : Math.abs(Math.log10(Number(trial.values[0])) + 2),
  );
  const trials = new Map(
    [...stages(PLAN, results)].flatMap(({ tasks }) => tasks.map(({ trial }) => [trial.number, trial])),
  );
  const lines = results.map(({ trial, rung, objective }): TrialLine => {
    const values = trials.get(trial)?.values ?? [];
    return {
      trial,
      round: trials.get(trial)?.round ?? 0,
      rung,
      status: objective === null ? 'failed' : rung === planRungs(PLAN).length - 1 ? 'done' : 'rung',
      parameters: Object.fromEntries(PLAN.parameters.map(({ key }, index) => [key, values[index]])),
      objective,
      epochs: planRungs(PLAN)[rung]?.epochs ?? 0,
      seconds: 1.5,
      weightsSha256: objective === null ? null : 'ab'.repeat(32),
      ...(objective === null ? { error: { exitCode: 78, message: 'step 3: the loss is <NaN>' } } : {}),
    };
  });
  return {
    record: {
      version: '1.2.3',
      name: 'net',
      status: 'done',
      definition: {},
      backend: 'wasm',
      dataFingerprint: 'f',
      objective: { metric: 'loss', goal: 'minimize' },
      counts: countTrials(PLAN, lines, new Set()),
      best: bestOf(PLAN, lines),
      workers: 2,
      trialsAtOnce: 2,
      startedAt: '2026-01-01T00:00:00.000Z',
      finishedAt: '2026-01-01T00:01:00.000Z',
    },
    plan: PLAN,
    lines,
    name: 'dev loss',
    format: (value) => value.toFixed(4),
    best: 'name: net-best # <i>\n',
    folder: 'searches/net-1',
    ...changes,
  };
}

describe('the page of a search', () => {
  const page = searchPage(sample());

  it('has every trial, a line for each that has an objective, and the best job', () => {
    expect(page.match(/<path class="(best|shade-\d)"/g)).toHaveLength(23);
    expect(page.match(/cut early<\/td>/g)?.length).toBe(countTrials(PLAN, sample().lines, new Set()).cut);
    expect(page).toContain('name: net-best # &lt;i&gt;');
    expect(page).toContain('failed: step 3: the loss is &lt;NaN&gt;');
  });

  it('loads nothing, and takes no text for markup', () => {
    expect(page).not.toMatch(/(src|href)="(?!data:)/);
    expect(page).not.toContain('<b>tanh');
    expect(page).not.toContain('NaN"');
  });

  it('says when a best value lies at an end of its space', () => {
    const { record } = sample();
    const parameters = { ...record.best?.parameters, [UNITS.key]: 64 };
    const edge = { ...record, best: record.best && { ...record.best, parameters } };
    expect(searchPage(sample({ record: edge }))).toMatch(/units 64, up to 64/);
    expect(page).not.toContain('units 64, up to 64');
  });

  it('is there before any trial has ended, and when all have failed', () => {
    const { record, lines } = sample();
    const none = { ...record, best: null, status: 'running' as const, finishedAt: null };
    expect(searchPage(sample({ record: none, lines: [], best: null }))).toContain(
      'No trial has trained to its end yet.',
    );
    const failed = lines.filter(({ status }) => status === 'failed');
    expect(searchPage(sample({ record: none, lines: failed, best: null }))).toContain('Trial 5: step 3: the loss');
  });
});

if (chromiumPath === null) console.warn('no Chromium in PATH or CHROMIUM: pages are not looked at in a browser');

describe.skipIf(chromiumPath === null)('in a browser', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-search-page-'));
  const file = join(folder, 'search.html');
  let browser: Browser;
  beforeAll(async () => {
    writeFileSync(file, searchPage(sample()));
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser.close();
    rmSync(folder, { recursive: true });
  });

  it.each([
    [390, 'light'],
    [390, 'dark'],
    [1280, 'dark'],
  ] as const)('it is whole and fits at %d pixels, %s', async (width, colorScheme) => {
    const page = await browser.newPage({ viewport: { width, height: 800 }, colorScheme });
    const complaints: string[] = [];
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(pathToFileURL(file).href);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
    const lengths = "Array.from(document.querySelectorAll('svg.parallel path'), (path) => path.getTotalLength())";
    expect(Math.min(...(await page.evaluate<number[]>(lengths)))).toBeGreaterThan(400);
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('copies the best job', async () => {
    const context = await browser.newContext({ permissions: ['clipboard-read', 'clipboard-write'] });
    const page = await context.newPage();
    await page.goto(pathToFileURL(file).href);
    await page.locator('summary').click();
    await page.locator('button[data-copy]').click();
    await page.locator('button', { hasText: 'Copied' }).waitFor();
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe('name: net-best # <i>\n');
    await context.close();
  });
});
