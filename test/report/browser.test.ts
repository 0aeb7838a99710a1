/** The page as a reader sees it: in a real browser, on a desk and on a phone, by day and by night. */
import { rm, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readRun, reportOf } from '../../src/report/run-report.js';
import { writeReport } from '../../src/report/write-report.js';
import { chromiumPath, openBrowser } from '../support/browser.js';
import { sampleEvaluation, sampleRun, writeRun } from './sample-run.js';

/** The least contrast of text by WCAG 2.2, 1.4.3. */
const LEAST_CONTRAST = 4.5;

if (chromiumPath === null) console.warn('no Chromium in PATH or CHROMIUM: pages are not looked at in a browser');

describe.skipIf(chromiumPath === null)('the report in a browser', () => {
  let browser: Browser;
  let folder: string;
  let url: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lockstep-browser-'));
    // Long names are what breaks a layout first.
    const evaluation = sampleEvaluation([
      '<b>boot</b>',
      'a-name-without-any-place-to-break-it-anywhere',
      'coat',
      'dress',
    ]);
    const report = reportOf(await readRun(await writeRun({ ...sampleRun(), evaluation }, folder)));
    url = pathToFileURL(await writeReport(report)).href;
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** Opens the page; what it complains of, and asks for besides itself, is collected. */
  async function opened(width: number, colorScheme: 'light' | 'dark') {
    const page = await browser.newPage({ viewport: { width, height: 800 }, colorScheme });
    const complaints: string[] = [];
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('request', (request) => {
      if (request.url() !== url && !request.url().startsWith('data:')) complaints.push(`asks for ${request.url()}`);
    });
    await page.goto(url, { waitUntil: 'load' });
    return { page, complaints };
  }

  it.each([
    [390, 'light'],
    [390, 'dark'],
    [1280, 'light'],
  ] as const)('is whole and fits at %d pixels, %s', async (width, colorScheme) => {
    const { page, complaints } = await opened(width, colorScheme);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
    expect(await page.locator('h1').innerText()).toContain('digits');
    expect(await page.locator('h2').allInnerTexts()).toContain('Diagnosis');
    const charts = await Promise.all((await page.locator('svg.plot').all()).map((chart) => chart.boundingBox()));
    expect(charts.length).toBeGreaterThanOrEqual(9);
    for (const box of charts) {
      expect(box?.width).toBeGreaterThan(300);
      expect(box?.height).toBeGreaterThan(180);
    }
    const lengths = "Array.from(document.querySelectorAll('svg.plot path'), (path) => path.getTotalLength())";
    expect(Math.min(...(await page.evaluate<number[]>(lengths)))).toBeGreaterThan(0);
    const sizes = 'Array.from(document.images, (image) => [image.naturalWidth, image.naturalHeight])';
    expect(await page.evaluate(sizes)).toEqual(Array.from({ length: 8 }, () => [12, 12]));
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('keeps text readable by day and by night, in other colours', async () => {
    const seen = [];
    for (const scheme of ['light', 'dark'] as const) {
      const { page } = await opened(1280, scheme);
      const contrasts = await textContrasts(page);
      expect(contrasts.length).toBeGreaterThan(100);
      const least = contrasts.reduce((worst, one) => (one.contrast < worst.contrast ? one : worst));
      expect(least.contrast, `${scheme}: ${JSON.stringify(least)}`).toBeGreaterThanOrEqual(LEAST_CONTRAST);
      seen.push(
        await page.evaluate<string[]>(
          '[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]',
        ),
      );
      await page.close();
    }
    const [light, dark] = seen;
    expect(light?.[0]).not.toBe(dark?.[0]);
    expect(light?.[1]).not.toBe(dark?.[1]);
  });

  it('shows values under the pointer', async () => {
    const { page, complaints } = await opened(1280, 'light');
    const chart = page.locator('figure.chart', { hasText: 'Accuracy' });
    await chart.locator('svg.plot').hover();
    expect(await chart.locator('.tip').innerText()).toMatch(/^epoch 3\s+train 0\.\d+\s+dev 0\.95$/);
    await page.mouse.move(0, 0);
    expect(await page.locator('.tip').count()).toBe(0);
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('runs no script but its own', async () => {
    const { page } = await opened(1280, 'light');
    const ran = await page.evaluate(`(() => {
      const script = document.createElement('script');
      script.textContent = 'window.intruder = true';
      document.body.append(script);
      return 'intruder' in window;
    })()`);
    expect(ran).toBe(false);
    await page.close();
  });
});

/** Contrast (WCAG 2.2) of every element with text of its own against the surfaces behind it. */
function textContrasts(page: Page): Promise<{ readonly text: string; readonly contrast: number }[]> {
  return page.evaluate(`(() => {
    const rgba = (css) => (css.match(/[\\d.]+/g) ?? []).map(Number);
    const linear = (value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
    const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
    const over = (top, below) => [0, 1, 2].map((i) => top[i] * (top[3] ?? 1) + below[i] * (1 - (top[3] ?? 1)));
    const surface = (element) => {
      if (element === null) return [255, 255, 255];
      const colour = rgba(getComputedStyle(element).backgroundColor);
      return colour[3] === 0 ? surface(element.parentElement) : over(colour, surface(element.parentElement));
    };
    const hasText = (node) => node.nodeType === Node.TEXT_NODE && node.textContent.trim() !== '';
    // A zero in the matrix is there to be overlooked.
    return Array.from(document.querySelectorAll('main *:not(script):not(.none)'))
      .filter((element) => Array.from(element.childNodes).some(hasText) && element.getClientRects().length > 0)
      .map((element) => {
        const style = getComputedStyle(element);
        const behind = surface(element);
        const ink = over(rgba(element instanceof SVGElement ? style.fill : style.color), behind);
        const [a, b] = [luminance(ink), luminance(behind)];
        return { text: element.textContent.trim().slice(0, 40), contrast: (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) };
      });
  })()`);
}
