import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { renderEpochLine, renderProgress } from '../../src/observe/progress.js';
import { trainingState } from './states.js';

const lines = (...text: string[]): string => text.join('\n');

describe('renderProgress', () => {
  it('shows a run at the smallest width', () => {
    expect(renderProgress(trainingState(), 60, false)).toBe(
      lines(
        'lockstep  mnist                       training · 2/2 workers',
        '━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━────────────────────────   56%',
        'epoch  3/5           loss      0.0812    dev loss  0.0923',
        'step   1,320/2,350   accuracy  97.45%    dev acc.  97.10%',
        'time   1 m 02 s      speed     12,345/s  left      48 s',
        'cost J █▆▄▃▁  0.0934, smoothed 0.0812',
      ),
    );
  });

  it('spreads the columns of a wider terminal', () => {
    expect(renderProgress(trainingState(), 72, false).split('\n')[2]).toBe(
      'epoch  3/5                 loss      0.0812          dev loss  0.0923',
    );
  });

  it('keeps its shape before the first step', () => {
    const state = trainingState({
      phase: 'waiting',
      epoch: 1,
      step: 0,
      loss: null,
      accuracy: null,
      devLoss: null,
      devAccuracy: null,
      samplesPerSecond: 0,
      workers: { ready: 1, expected: 2 },
      elapsedMs: 800,
      etaMs: null,
      cost: null,
      costHistory: [],
    });
    expect(renderProgress(state, 60, false)).toBe(
      lines(
        'lockstep  mnist                        waiting · 1/2 workers',
        '──────────────────────────────────────────────────────    0%',
        'epoch  1/5           loss      –         dev loss  –',
        'step   0/2,350       accuracy  –         dev acc.  –',
        'time   800 ms        speed     0/s       left      –',
        'cost J –',
      ),
    );
  });

  it('has no accuracy for a regression', () => {
    const state = trainingState({ classification: false, accuracy: null, devAccuracy: null });
    expect(renderProgress(state, 60, false).split('\n').slice(2, 5)).toEqual([
      'epoch  3/5           loss      0.0812    dev loss  0.0923',
      'step   1,320/2,350   speed     12,345/s  left      48 s',
      'time   1 m 02 s',
    ]);
  });

  it('says 100% when the last step is committed and not before', () => {
    const percent = (step: number): string =>
      renderProgress(trainingState({ step }), 60, false).split('\n')[1]?.slice(-4) ?? '';
    expect([percent(2_349), percent(2_350)]).toEqual([' 99%', '100%']);
  });

  it('marks a loss that is not a number, a recovery, and missing workers', () => {
    const state = trainingState({ phase: 'recovering', loss: Number.NaN, workers: { ready: 1, expected: 2 } });
    const text = renderProgress(state, 60, true);
    expect(text).toContain('\u001b[31mNaN\u001b[39m');
    expect(text).toContain('\u001b[33mrecovering\u001b[39m');
    expect(text).toContain('\u001b[33m1/2 workers\u001b[39m');
  });

  it('is as many lines as ever, within its width, and the same with and without colour', () => {
    const number = fc.double({ min: 0, max: 1e9, noNaN: true });
    const optional = fc.option(number);
    const states = fc.record({
      jobName: fc.string({ minLength: 1, maxLength: 80, unit: 'grapheme-ascii' }),
      phase: fc.constantFrom('waiting', 'training', 'evaluating', 'recovering', 'draining', 'done'),
      classification: fc.boolean(),
      epoch: fc.nat(1e6),
      epochs: fc.nat(1e6),
      step: fc.nat(1e9),
      totalSteps: fc.nat(1e9),
      loss: fc.option(fc.double()),
      devLoss: optional,
      accuracy: fc.option(fc.double({ min: 0, max: 1, noNaN: true })),
      samplesPerSecond: number,
      elapsedMs: number,
      etaMs: optional,
      costHistory: fc.array(fc.double(), { maxLength: 300 }),
    });
    fc.assert(
      fc.property(states, fc.integer({ min: 20, max: 200 }), (changes, width) => {
        const plain = renderProgress(trainingState(changes), width, false);
        const coloured = renderProgress(trainingState(changes), width, true);
        expect(coloured.replaceAll(new RegExp(String.raw`\u001b\[\d+m`, 'g'), '').replaceAll(/ +$/gm, '')).toBe(plain);
        expect(plain.split('\n')).toHaveLength(6);
        for (const line of plain.split('\n'))
          expect(line.length).toBeLessThanOrEqual(Math.min(120, Math.max(60, width)));
      }),
    );
  });
});

describe('renderEpochLine', () => {
  it('says what an epoch came to', () => {
    expect(renderEpochLine(trainingState({ epochs: 10 }))).toBe(
      'epoch  3/10  J 0.0812  accuracy 97.45%  dev loss 0.0923  dev accuracy 97.10%  12,345 samples/s  1 m 02 s  step 1,320/2,350',
    );
  });

  it('leaves out what is not known', () => {
    const state = trainingState({ accuracy: null, devLoss: null, devAccuracy: null });
    expect(renderEpochLine(state)).toBe('epoch 3/5  J 0.0812  12,345 samples/s  1 m 02 s  step 1,320/2,350');
  });

  it('leaves out from the end what does not fit', () => {
    expect(renderEpochLine(trainingState(), 60)).toBe('epoch 3/5  J 0.0812  accuracy 97.45%  dev loss 0.0923');
  });
});
