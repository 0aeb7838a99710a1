import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { diagnose, headline, type DiagnosisInput, type SplitError } from '../../src/report/diagnosis.js';

const of = (error: number | null, samples: number | null = 100_000): SplitError | null =>
  error === null ? null : { error, samples };

function diagnosed(
  train: number | null,
  dev: number | null,
  changes: Partial<DiagnosisInput> & { readonly devSamples?: number | null } = {},
) {
  const { devSamples = 100_000, ...rest } = changes;
  return diagnose({
    task: 'classification',
    baselineError: null,
    train: of(train),
    dev: of(dev, devSamples),
    test: null,
    hasDev: true,
    ...rest,
  });
}

describe('the verdict', () => {
  // The examples of the course: Andrew Ng, Improving Deep Neural Networks, "Bias / Variance"; Machine Learning Yearning, 20–24.
  it.each([
    [0.01, 0.11, null, 'high variance'],
    [0.15, 0.16, null, 'high bias'],
    [0.15, 0.3, null, 'high bias and high variance'],
    [0.005, 0.01, null, 'neither'],
    [0.15, 0.16, 0.145, 'neither'],
    [0.08, 0.1, 0.01, 'high bias and high variance'],
    [0.08, 0.1, 0.075, 'high variance'],
  ] as const)('train %d, dev %d, baseline %s: %s', (train, dev, baselineError, verdict) => {
    expect(diagnosed(train, dev, { baselineError }).verdict).toBe(verdict);
  });

  it('begins exactly at its thresholds', () => {
    expect(diagnosed(0.02, 0.02).bias.level).toBe('high');
    expect(diagnosed(0.0199, 0.02).bias.level).toBe('low');
    expect(diagnosed(0.03, 0.03, { baselineError: 0.01 }).bias.level).toBe('high');
    // A tenth of the baseline, from 20% on.
    expect(diagnosed(0.44, 0.44, { baselineError: 0.4 }).bias.level).toBe('high');
    expect(diagnosed(0.439, 0.439, { baselineError: 0.4 }).bias.level).toBe('low');
    expect(diagnosed(0, 0.01).variance.level).toBe('high');
    expect(diagnosed(0, 0.0099).variance.level).toBe('low');
    // A fifth of the training error, from 5% on.
    expect(diagnosed(0.2, 0.24).variance.level).toBe('high');
    expect(diagnosed(0.2, 0.239).variance.level).toBe('low');
  });

  it('is not variance what chance explains', () => {
    // Of 50 samples, 2 more: 1.96·√(0.04·0.96/50) = 5.4 points.
    const few = diagnosed(0, 0.04, { devSamples: 50 });
    expect(few.verdict).toBe('neither');
    expect(few.variance.noise).toBeCloseTo(0.0543, 4);
    expect(few.variance.words).toContain('no more than chance: with a split of 50, up to 5.43 points');
    expect(diagnosed(0, 0.04, { devSamples: 5_000 }).verdict).toBe('high variance');
  });

  it('says so where the sizes are not known', () => {
    const { variance } = diagnosed(0, 0.04, { devSamples: null, train: of(0, null) });
    expect(variance).toMatchObject({ level: 'high', noise: null });
    expect(variance.words).toContain('may still be chance');
  });

  it('knows the noise of a share of variance, too', () => {
    const input = { task: 'regression', train: of(0.05, 400) } as const;
    // 1.96·√(4·0.2²/25 + 4·0.05²/400) = 15.7 points.
    const few = diagnosed(0.05, 0.2, { ...input, devSamples: 25 });
    expect(few.variance.noise).toBeCloseTo(0.1571, 4);
    expect(few.variance.level).toBe('low');
    expect(diagnosed(0.05, 0.2, { ...input, devSamples: 100 }).variance.level).toBe('high');
  });

  it('takes a larger gap never for less variance', () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    const size = fc.option(fc.integer({ min: 1, max: 100_000 }));
    fc.assert(
      fc.property(
        fc.constantFrom('classification' as const, 'regression' as const),
        fc.tuple(share, share, share).map((errors) => errors.toSorted((a, b) => a - b)),
        size,
        size,
        (task, [train = 0, dev = 0, worse = 0], trainSamples, devSamples) => {
          const level = (error: number) =>
            diagnosed(train, error, { task, train: of(train, trainSamples), devSamples }).variance.level;
          if (level(dev) === 'high') expect(level(worse)).toBe('high');
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('takes a larger training error never for less bias, and a higher baseline never for more', () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(share, share, share, (a, b, c) => {
        const level = (train: number, baselineError: number) => diagnosed(train, null, { baselineError }).bias.level;
        if (level(Math.min(a, b), c) === 'high') expect(level(Math.max(a, b), c)).toBe('high');
        if (level(c, Math.max(a, b)) === 'high') expect(level(c, Math.min(a, b))).toBe('high');
      }),
    );
  });
});

describe('what cannot be told', () => {
  it('is variance without a dev split', () => {
    const diagnosis = diagnosed(0.15, null, { hasDev: false });
    expect(diagnosis).toMatchObject({ verdict: 'high bias', variance: { level: 'unknown', gap: null } });
    expect(diagnosis.variance.words).toContain('data.split.dev');
    expect(headline(diagnosis)).toBe('High bias; variance cannot be told');
    expect(diagnosed(0.001, null, { hasDev: false }).verdict).toBe('unknown');
  });

  it('is anything without a training error', () => {
    const diagnosis = diagnosed(null, 0.1);
    expect(diagnosis).toMatchObject({ verdict: 'unknown', bias: { level: 'unknown' }, variance: { level: 'unknown' } });
    expect(headline(diagnosis)).toBe('Cannot be told');
  });
});

describe('dev and test', () => {
  it('apart by more than chance: choices were fitted to the dev split', () => {
    expect(diagnosed(0.01, 0.02, { test: of(0.06) }).overfittedToDev).toMatchObject({ level: 'high' });
    expect(diagnosed(0.01, 0.02, { test: of(0.06, 20) }).overfittedToDev).toMatchObject({ level: 'low' });
    expect(diagnosed(0.01, 0.02, { test: of(0.015) }).overfittedToDev).toMatchObject({ level: 'low' });
    expect(diagnosed(0.01, 0.02).overfittedToDev).toBeNull();
  });
});

it('a baseline above the training error is said to be one', () => {
  expect(diagnosed(0.05, 0.055, { baselineError: 0.1 }).bias.words).toContain('below what was thought possible');
});
