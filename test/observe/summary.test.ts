import { describe, expect, it } from 'vitest';
import { renderSummary, summaryRecord } from '../../src/observe/summary.js';
import { renderTable } from '../../src/observe/table.js';
import { finishedRun } from './states.js';

describe('renderSummary', () => {
  it('says how good the model is, where it lies and what to do with it', () => {
    expect(renderSummary(finishedRun())).toBe(
      [
        '✓ mnist  5 epochs, 2,350 steps in 1 m 52 s  12,345 samples/s · 2 workers · openblas',
        '',
        '  split     loss   accuracy',
        '  ─────────────────────────',
        '  train   0.0021     99.99%',
        '  dev     0.0923     97.10%',
        '  test    0.1009     96.96%',
        '',
        '  model    runs/mnist/model.safetensors',
        '  run      runs/mnist',
        '  weights  sha256 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef',
        '',
        '  next',
        '    lockstep report runs/mnist',
        '    lockstep predict runs/mnist --input FILE',
      ].join('\n'),
    );
  });

  it('has a loss alone for a regression without a test split', () => {
    const text = renderSummary(
      finishedRun({ splits: { train: { loss: 12.5 }, dev: { loss: 1.2e-4 } }, workers: 1, next: [] }),
    );
    expect(text).toContain('  split      loss\n  ───────────────\n  train   12.5000\n  dev     1.20e-4\n\n');
    expect(text).toContain('· 1 worker ·');
    expect(text).not.toContain('next');
  });

  it('says what is wrong with the model and what to try next', () => {
    const text = renderSummary(
      finishedRun({
        diagnosis: { line: 'High variance: train error 0.06%', advice: ['l2 is 0: try 0.1', 'more data'], record: {} },
      }),
    );
    expect(text).toContain(
      '  test    0.1009     96.96%\n\n  High variance: train error 0.06%\n  try  l2 is 0: try 0.1\n  try  more data\n\n  model ',
    );
  });

  it('has the diagnosis as data in JSON', () => {
    const record = summaryRecord(finishedRun({ diagnosis: { line: '', advice: [], record: { verdict: 'neither' } } }));
    expect(record).toMatchObject({ jobName: 'mnist', verdict: 'neither' });
    expect(record).not.toHaveProperty('next');
  });

  it('can do without any evaluation', () => {
    expect(
      renderSummary(finishedRun({ splits: {}, next: [] }))
        .split('\n')
        .slice(0, 3),
    ).toEqual([
      '✓ mnist  5 epochs, 2,350 steps in 1 m 52 s  12,345 samples/s · 2 workers · openblas',
      '',
      '  model    runs/mnist/model.safetensors',
    ]);
  });
});

describe('renderTable', () => {
  it('aligns columns by their widest cell', () => {
    const table = renderTable([{ title: 'layer' }, { title: 'weights', align: 'right' }, { title: 'note' }], [
      ['dense1', '401,408', 'he'],
      ['relu', '0', ''],
    ]); // prettier-ignore
    expect(table).toBe(
      ['layer    weights   note', '───────────────────────', 'dense1   401,408   he', 'relu           0'].join('\n'),
    );
  });
});
