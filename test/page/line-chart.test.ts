import { describe, expect, it } from 'vitest';
import { makeAxis, scaleFor } from '../../src/page/axis.js';
import { lineChart } from '../../src/page/line-chart.js';

/** The `d` of every line that is drawn, without those of the legend. */
function paths(markup: string): string[] {
  const plot = markup.slice(markup.indexOf('class="plot"'));
  return [...plot.matchAll(/ d="([^"]*)"/g)].map(([, d]) => d ?? '');
}

describe('lineChart', () => {
  const x = { label: 'step' };
  const y = { label: 'cost' };

  it('draws a line per series, through the places of its values', () => {
    const { markup } = lineChart({
      title: 'Cost',
      x,
      y,
      series: [{ name: 'train', points: [0, 1, 2].map((step) => ({ x: step, y: 10 - 5 * step })) }],
    });
    // The plot reaches from 50 to 388 and from 214 up to 8.
    expect(paths(markup)).toEqual(['M50,8L219,111L388,214']);
    expect(markup.match(/<circle/g)).toHaveLength(3);
    expect(markup).toContain('aria-label="Cost: train over step"');
  });

  it('breaks a line where a value is missing, not finite or, on a logarithmic axis, not positive', () => {
    const points = [1, null, 2, Number.NaN, 4, 0, 8, 16].map((value, step) => ({ x: step, y: value }));
    const log = lineChart({ title: 'Norms', x, y: { ...y, scale: 'log' }, series: [{ name: 'a', points }] });
    expect(paths(log.markup)[0]?.match(/M/g)).toHaveLength(4);
    const linear = lineChart({ title: 'Norms', x, y, series: [{ name: 'a', points }] });
    expect(paths(linear.markup)[0]?.match(/M/g)).toHaveLength(3);
    expect(log.markup).not.toContain('NaN');
  });

  it('says so where there is nothing to draw', () => {
    const { markup } = lineChart({ title: 'Cost', x, y, series: [{ name: 'a', points: [{ x: 0, y: null }] }] });
    expect(markup).toContain('There are no values to draw.');
    expect(markup).not.toContain('<svg');
  });

  it('has room for a constant, and for a single value', () => {
    for (const scale of ['linear', 'log'] as const) {
      const { markup } = lineChart({
        title: 'Rate',
        x,
        y: { ...y, scale },
        series: [{ name: 'a', points: [{ x: 5, y: 0.25 }] }],
      });
      expect(markup).not.toMatch(/NaN|Infinity/);
      expect(markup).toContain('<circle');
    }
  });

  it('stays small however many values there are', () => {
    const points = Array.from({ length: 100_000 }, (_, step) => ({ x: step, y: Math.sin(step) }));
    expect(lineChart({ title: 'Cost', x, y, series: [{ name: 'a', points }] }).markup.length).toBeLessThan(30_000);
  });

  it('escapes titles, names and labels', () => {
    const evil = '</script><img src=x>"';
    const { markup } = lineChart({
      title: evil,
      x: { label: evil },
      y,
      series: [{ name: evil, points: [{ x: 0, y: 1 }] }],
    });
    expect(markup).not.toContain('<img');
    expect(markup.match(/<\/script>/g)).toHaveLength(1);
  });
});

describe('axes', () => {
  const options = { wantedTicks: 5, round: true };
  const texts = (log: boolean, extent: [number, number]) =>
    makeAxis({ label: '', scale: log ? 'log' : 'linear' }, extent, [0, 100], options).ticks.map(({ text }) => text);

  it('have round ticks', () => {
    expect(texts(false, [0.03, 0.97])).toEqual(['0.0', '0.2', '0.4', '0.6', '0.8', '1.0']);
    expect(texts(false, [0, 98_000])).toEqual(['0', '20,000', '40,000', '60,000', '80,000', '100,000']);
  });

  it('have whole numbers only where there is nothing between', () => {
    const axis = makeAxis({ label: 'epoch', whole: true }, [1, 3], [0, 100], options);
    expect(axis.ticks.map(({ text }) => text)).toEqual(['1', '2', '3']);
  });

  it('have short ones where many decimals would be cut off', () => {
    expect(texts(false, [0, 0.00002])).toEqual(['0', '5e-6', '1e-5', '1.5e-5', '2e-5']);
    expect(texts(false, [0, 0.002])).toEqual(['0.0000', '0.0005', '0.0010', '0.0015', '0.0020']);
  });

  it('have powers of ten where they are logarithmic', () => {
    expect(texts(true, [0.002, 3])).toEqual(['0.01', '0.1', '1']);
    expect(texts(true, [0.02, 2.4])).toEqual(['0.02', '0.05', '0.1', '0.2', '0.5', '1', '2']);
    expect(texts(true, [0.3, 0.9])).toEqual(['0.3', '0.5', '0.7', '0.9']);
    expect(texts(true, [1e-12, 1])).toEqual(['1e-12', '1e-8', '1e-4', '1']);
  });

  it('are logarithmic where small values would not be seen', () => {
    expect(scaleFor([2.3, 1, 0.5])).toBe('linear');
    expect(scaleFor([2.3, null, 0.01])).toBe('log');
    expect(scaleFor([2.3, 0, 0.01])).toBe('linear');
    expect(scaleFor([])).toBe('linear');
  });
});
