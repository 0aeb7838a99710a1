import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EarlyStopping } from '../../coordinator/early-stopping.js';
import type { EarlyStoppingSpec } from '../../src/job/job.js';

const spec = (changes: Partial<EarlyStoppingSpec> = {}): EarlyStoppingSpec => ({
  metric: 'loss',
  patience: 2,
  minChange: 0,
  ...changes,
});
/** What is decided about losses after steps 10, 20, 30 … */
const verdicts = (stopping: EarlyStopping, ...losses: number[]): string[] =>
  losses.map((loss, i) => stopping.observe((i + 1) * 10, { loss, accuracy: 0 }));

describe('early stopping', () => {
  it('ends training after as many evaluations without an improvement as the job has patience for', () => {
    const stopping = new EarlyStopping(spec());
    expect(verdicts(stopping, 3, 2, 2.5, 1, 1.5, 1.2)).toEqual([
      'better',
      'better',
      'not better',
      'better',
      'not better',
      'stop',
    ]);
    expect(stopping.best).toEqual({ step: 40, value: 1 });
    expect(stopping.stopped).toBe(true);
  });

  it('takes nothing for an improvement that is smaller than the smallest change', () => {
    const stopping = new EarlyStopping(spec({ minChange: 0.5 }));
    expect(verdicts(stopping, 3, 2.6, 2.4, 2.3)).toEqual(['better', 'not better', 'better', 'not better']);
    expect(stopping.best).toEqual({ step: 30, value: 2.4 });
  });

  it('judges by the error where the job says so', () => {
    const stopping = new EarlyStopping(spec({ metric: 'error', patience: 1 }));
    expect(stopping.observe(1, { loss: 9, accuracy: 0.5 })).toBe('better');
    expect(stopping.observe(2, { loss: 99, accuracy: 0.75 })).toBe('better');
    expect(stopping.observe(3, { loss: 1, accuracy: 0.75 })).toBe('stop');
    expect(stopping.best).toEqual({ step: 2, value: 0.25 });
  });

  it('does not take a loss that is no number for the best', () => {
    const stopping = new EarlyStopping(spec());
    expect(verdicts(new EarlyStopping(spec()), Infinity, 7)).toEqual(['not better', 'better']);
    expect(verdicts(stopping, NaN, 5, NaN)).toEqual(['not better', 'better', 'not better']);
    expect(stopping.best).toEqual({ step: 20, value: 5 });
  });

  it('counts an evaluation once that a resumed run makes again', () => {
    const stopping = new EarlyStopping(spec());
    stopping.observe(10, { loss: 1, accuracy: 0 });
    stopping.observe(20, { loss: 2, accuracy: 0 });
    expect(stopping.observe(20, { loss: 2, accuracy: 0 })).toBe('not better');
    expect(stopping.stopped).toBe(false);
  });

  it('decides the same when it is saved and restored between any two evaluations', () => {
    fc.assert(
      fc.property(fc.array(fc.float({ min: 0, max: 4, noNaN: true }), { maxLength: 20 }), fc.nat(20), (losses, at) => {
        const through = new EarlyStopping(spec({ patience: 3 }));
        let resumed = new EarlyStopping(spec({ patience: 3 }));
        losses.forEach((loss, i) => {
          if (i === at) {
            const { progress } = resumed;
            resumed = new EarlyStopping(spec({ patience: 3 }));
            resumed.restore(JSON.parse(JSON.stringify(progress)) as Record<string, number>);
          }
          const score = { loss, accuracy: 0 };
          expect(resumed.observe(i, score)).toBe(through.observe(i, score));
        });
        expect(resumed.best).toEqual(through.best);
      }),
    );
  });
});
