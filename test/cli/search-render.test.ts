import { describe, expect, it } from 'vitest';
import {
  renderSearch,
  renderSearchSummary,
  renderTrialLine,
  type SearchProgress,
} from '../../src/cli/search/render.js';
import { formatValue, shortNames } from '../../src/search/names.js';
import type { TrialLine } from '../../src/search/records.js';

const RATE = 'training.optimizer.learningRate';
const UNITS = 'model.layers[0].units';

const line = (trial: number, objective: number | null, changes: Partial<TrialLine> = {}): TrialLine => ({
  trial,
  round: 0,
  rung: 0,
  status: 'done',
  parameters: { [RATE]: 0.0123456, [UNITS]: 32 },
  objective,
  epochs: 12,
  seconds: 4.2,
  weightsSha256: 'ab',
  ...changes,
});

const STATE: SearchProgress = {
  name: 'net',
  metric: 'error',
  classification: true,
  keys: [RATE, UNITS],
  counts: { trials: 24, done: 5, cut: 3, failed: 1 },
  work: { total: 20, done: 9 },
  running: [
    { trial: 10, parameters: { [RATE]: 0.5, [UNITS]: 8 }, share: 0.5, loss: 0.25 },
    { trial: 11, parameters: { [RATE]: 0.001, [UNITS]: 64 }, share: 0, loss: null },
  ],
  best: [line(3, 0.0123), line(7, 0.02)],
  round: { current: 1, of: 2 },
  rung: { current: 1, of: 3 },
  stage: { ended: 6, of: 12 },
  elapsedMs: 62_000,
  etaMs: 48_000,
  stopping: false,
};

describe('the block of a search', () => {
  it('shows progress, running trials and the best', () => {
    expect(renderSearch(STATE, 70, false)).toMatchInlineSnapshot(`
      "lockstep  net           round 1/2 · rung 1/3 (6/12 trials) · searching
      ━━━━━━━━━━━━━━━━━━━━━━━━━━━━────────────────────────────────────   45%
      9/24 trials   3 cut   1 failed   time 1 m 02 s   left 48 s

      running                  loss   learningRate   units
      ────────────────────────────────────────────────────
           10   ━━━━━─────   0.2500            0.5       8
           11   ──────────        –          0.001      64

      best   dev error   epochs   learningRate   units
      ────────────────────────────────────────────────
         3       1.23%       12        0.01235      32
         7       2.00%       12        0.01235      32"
    `);
  });

  it('is never wider than the terminal, from 60 columns on', () => {
    const keys = Array.from({ length: 9 }, (_, index) => `model.layers[${index}].aLongName${index}`);
    for (const columns of [60, 80, 200]) {
      const lines = renderSearch({ ...STATE, keys }, columns, false).split('\n');
      expect(Math.max(...lines.map((text) => text.length))).toBeLessThanOrEqual(Math.min(120, columns));
    }
  });

  it('says that it stops, and leaves out what is not there', () => {
    const text = renderSearch({ ...STATE, stopping: true, running: [], best: [], etaMs: null }, 70, false);
    expect(text).toContain('stopping');
    expect(text).toContain('left –');
    expect(text.split('\n')).toHaveLength(3);
  });
});

describe('a line for a trial', () => {
  it.each([
    [line(3, 0.0123), true, 'trial  3/24  dev error 1.23% (best so far)  learningRate 0.01235  units 32  4.2 s'],
    [
      line(3, 0.5, { status: 'rung', epochs: 1 }),
      false,
      'trial  3/24  dev error 50.00%  after 1 epoch  learningRate 0.01235  units 32  4.2 s',
    ],
    [
      line(3, null, { status: 'failed', error: { exitCode: 78, message: 'diverged' } }),
      false,
      'trial  3/24  failed: diverged  learningRate 0.01235  units 32  4.2 s',
    ],
  ])('%#', (of, isBest, text) => expect(renderTrialLine(of, STATE, isBest)).toBe(text));
});

it('the summary names what is left behind', () => {
  const text = renderSearchSummary(
    { ...STATE, directory: 'searches/net-1', weightsSha256: 'abc', next: ['lockstep train x'] },
    80,
    false,
  );
  expect(text).toContain('✓ net  24 trials in 1 m 02 s  3 cut early, 1 failed');
  expect(text).toContain('best     searches/net-1/best.yaml');
  expect(text).toContain('    lockstep train x');
});

describe('names and values', () => {
  it('are as short as they can be told apart', () => {
    expect(shortNames([RATE, UNITS])).toEqual(['learningRate', 'units']);
    expect(shortNames([UNITS, 'model.layers[2].units', 'seed'])).toEqual([
      'layers[0].units',
      'layers[2].units',
      'seed',
    ]);
    expect(shortNames(['a.b', 'b'])).toEqual(['a.b', 'b']);
  });

  it.each([
    [0.012345678, '0.01235'],
    [0.99876543, '0.99877'],
    [0.95, '0.95'],
    [1, '1'],
    [1e-7, '1e-7'],
    ['relu', 'relu'],
    [{ type: 'adam' }, '{"type":"adam"}'],
    [null, 'null'],
  ])('%j is written %s', (value, text) => expect(formatValue(value)).toBe(text));
});
