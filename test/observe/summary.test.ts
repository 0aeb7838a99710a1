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

  it('shows the scores that the task has', () => {
    const text = renderSummary(
      finishedRun({
        splits: { dev: { loss: 0.3, accuracy: 0.9, precision: 0.8, recall: 0.85, f1: 0.875, auc: 0.961 } },
      }),
    );
    expect(text).toContain('  split     loss   accuracy       F1      AUC\n');
    expect(text).toContain('  dev     0.3000     90.00%   87.50%   0.9610\n');
    const regression = renderSummary(finishedRun({ splits: { dev: { loss: 9, r2: null, mae: 2.125 } } }));
    expect(regression).toContain('  dev     9.0000   NaN   2.1250\n');
  });

  it('says where the weights are from that are not the last ones', () => {
    const early = renderSummary(finishedRun({ epochs: 15, best: { epoch: 5, stoppedEarly: true } }));
    expect(early).toContain(
      '\n  Stopped early, after epoch 15: the weights are those of epoch 5, which did best on the dev split\n',
    );
    const late = renderSummary(finishedRun({ epochs: 15, best: { epoch: 14, stoppedEarly: false } }));
    expect(late).toContain('\n  The weights are those of epoch 14, which did best on the dev split\n');
    expect(renderSummary(finishedRun({ epochs: 15, best: { epoch: 15, stoppedEarly: false } }))).not.toContain(
      'did best',
    );
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
