/**
 * What the errors of a model say about it: bias, what it gets wrong of the data it was trained on, and variance, what it
 * gets wrong beyond that of data it has not seen. Pure.
 *
 *     avoidable bias = training error − baseline error
 *     variance       = dev error − training error
 *
 * After Andrew Ng, *Machine Learning Yearning*, chapters 20–24 (error, and not loss, because a baseline is known for errors).
 */
import { formatShare } from '../common/format.js';

/**
 * The least avoidable bias that is called high: two points of a hundred. One point is what the course calls a low
 * training error.
 */
export const LEAST_BIAS = 0.02;
/** … and this share of the baseline: two points above a baseline of 40% are not what holds a model back. */
export const LEAST_BIAS_SHARE = 0.1;
/**
 * The least variance that is called high: one point of a hundred. A gap of half a point (0.5% / 1%) is what a good model
 * has.
 */
export const LEAST_VARIANCE = 0.01;
/** … and this share of the training error: a point on top of 15% (15% / 16%) is not what is wrong with that model. */
export const LEAST_VARIANCE_SHARE = 0.2;
/** Half the width of a 95% confidence interval in standard errors. */
const CONFIDENCE = 1.96;
/** Differences of decimal fractions are not exact: 0.03 − 0.01 is less than 0.02. */
const ROUNDING = 1e-9;

/** What a model gets wrong of one split. */
export interface SplitError {
  /** Share of the samples, 0 … 1; for regression 1 − R², the share of the label's variance that is left, 0 … ∞. */
  readonly error: number;
  /** null: not known, so that chance cannot be ruled out. */
  readonly samples: number | null;
}

export interface DiagnosisInput {
  readonly task: 'classification' | 'regression';
  /** null: not given. */
  readonly baselineError: number | null;
  readonly train: SplitError | null;
  readonly dev: SplitError | null;
  readonly test: SplitError | null;
  /** Whether the job has a dev split at all. */
  readonly hasDev: boolean;
}

export type Level = 'high' | 'low' | 'unknown';

/** A difference of two errors, and what to think of it. */
export interface Finding {
  readonly level: Level;
  /** null where one of the two is not known. */
  readonly gap: number | null;
  /** What the gap is called high from. */
  readonly threshold: number | null;
  /** What the gap may be by chance (95%); null where it does not apply or the sizes are not known. */
  readonly noise: number | null;
  /** In a sentence. */
  readonly words: string;
}

export type Verdict = 'high bias' | 'high variance' | 'high bias and high variance' | 'neither' | 'unknown';

export interface Diagnosis {
  /** unknown: no training error, or a low bias and a variance that cannot be told. */
  readonly verdict: Verdict;
  readonly errors: {
    readonly baseline: number | null;
    readonly train: number | null;
    readonly dev: number | null;
    readonly test: number | null;
  };
  readonly bias: Finding;
  readonly variance: Finding;
  /** How much worse the test split is than the dev split, which choices were made on; null where one of them is missing. */
  readonly overfittedToDev: Finding | null;
}

export function diagnose(input: DiagnosisInput): Diagnosis {
  const { baselineError, train, dev, test } = input;
  const bias = findBias(input);
  const variance = findVariance(input);
  return {
    verdict: verdictOf(bias.level, variance.level),
    errors: {
      baseline: baselineError,
      train: train?.error ?? null,
      dev: dev?.error ?? null,
      test: test?.error ?? null,
    },
    bias,
    variance,
    overfittedToDev: dev === null || test === null ? null : compareDevAndTest(input.task, dev, test),
  };
}

function verdictOf(bias: Level, variance: Level): Verdict {
  if (bias === 'high') return variance === 'high' ? 'high bias and high variance' : 'high bias';
  if (variance === 'high') return 'high variance';
  return bias === 'low' && variance === 'low' ? 'neither' : 'unknown';
}

function findBias({ task, baselineError, train }: DiagnosisInput): Finding {
  if (train === null) return unknown(missingError(task, 'training'));
  const baseline = baselineError ?? 0;
  const gap = train.error - baseline;
  const threshold = Math.max(LEAST_BIAS, LEAST_BIAS_SHARE * baseline);
  const level = gap >= threshold - ROUNDING ? 'high' : 'low';
  const compared =
    baselineError === null
      ? 'with nothing to compare it with (baselineError is not set), all of it counts as avoidable'
      : `the baseline is ${formatShare(baseline)}, so ${formatGap(gap)} of it ${gap >= 0 ? 'can be avoided' : 'is below what was thought possible'}`;
  return {
    level,
    gap,
    threshold,
    noise: null,
    words:
      `The training error is ${formatShare(train.error)}; ${compared}. ` +
      `${level === 'high' ? 'That is high' : 'That is low'}: the line is at ${formatGap(threshold)}.`,
  };
}

function findVariance({ task, train, dev, hasDev }: DiagnosisInput): Finding {
  if (!hasDev) {
    return unknown(
      'There is no dev split, so variance cannot be told. Set data.split.dev to a share such as 0.1, or data.dev to a file.',
    );
  }
  if (dev === null) return unknown(missingError(task, 'dev'));
  if (train === null) return unknown('Variance cannot be told without the training error.');
  const { gap, threshold, noise, level } = compare(task, train, dev);
  const fact = `The dev error is ${formatShare(dev.error)}, ${formatGap(Math.abs(gap))} ${gap < 0 ? 'below' : 'above'} the training error`;
  return { gap, threshold, noise, level, words: `${fact}. ${judgement(gap, threshold, noise, dev.samples)}` };
}

function compareDevAndTest(task: DiagnosisInput['task'], dev: SplitError, test: SplitError): Finding {
  const { gap, threshold, noise, level } = compare(task, dev, test);
  const fact = `The test error is ${formatShare(test.error)}, ${formatGap(Math.abs(gap))} ${gap < 0 ? 'below' : 'above'} the dev error`;
  const meaning =
    level === 'high'
      ? ' The choices of this job fit the dev split better than they fit new data.'
      : ' Nothing says that choices were fitted to the dev split.';
  return {
    gap,
    threshold,
    noise,
    level,
    words: `${fact}. ${judgement(gap, threshold, noise, test.samples)}${meaning}`,
  };
}

/** A gap is high that is worth working on and larger than chance would make it. */
function compare(task: DiagnosisInput['task'], seen: SplitError, unseen: SplitError) {
  const gap = unseen.error - seen.error;
  const threshold = Math.max(LEAST_VARIANCE, LEAST_VARIANCE_SHARE * seen.error);
  const noise = sizesKnown(seen, unseen) ? chance(task, seen, unseen) : null;
  const level: Level = gap >= threshold - ROUNDING && gap > (noise ?? 0) ? 'high' : 'low';
  return { gap, threshold, noise, level };
}

function judgement(gap: number, threshold: number, noise: number | null, samples: number | null): string {
  const line = formatGap(threshold);
  if (gap < threshold - ROUNDING) return `That is low: the line is at ${line}.`;
  if (noise === null) {
    return `That is high: the line is at ${line}. How large the splits are is not recorded, so it may still be chance.`;
  }
  if (gap > noise) return `That is high: the line is at ${line}, and chance explains no more than ${formatGap(noise)}.`;
  const size = samples === null ? 'so few samples' : `a split of ${samples}`;
  return `That is no more than chance: with ${size}, up to ${formatGap(noise)} say nothing (95%). A larger split would tell.`;
}

function sizesKnown(...splits: readonly SplitError[]): boolean {
  return splits.some(({ samples }) => samples !== null);
}

/**
 * Half the 95% confidence interval of the difference of two errors, samples taken as independent; a split of unknown size
 * counts as large. Shares of samples: variance p(1 − p)/n each (Wald's interval for two proportions; Agresti, *Categorical
 * Data Analysis*, 3.1). 1 − R²: a quotient of two sums of squares, each with a relative variance of 2/n for normal
 * residuals, hence 4p²/n. Both grow slower with p than the gap does, so that a larger gap never becomes chance again.
 */
function chance(task: DiagnosisInput['task'], ...splits: readonly SplitError[]): number {
  const variance = splits.reduce((sum, { error: p, samples: n }) => {
    if (n === null || n === 0) return sum;
    return sum + (task === 'classification' ? p * (1 - p) : 4 * p * p) / n;
  }, 0);
  return CONFIDENCE * Math.sqrt(variance);
}

function missingError(task: DiagnosisInput['task'], split: string): string {
  return task === 'classification'
    ? `The ${split} error is not known.`
    : `The ${split} error is not known: it needs R², which is recorded at the end of a run.`;
}

function unknown(words: string): Finding {
  return { level: 'unknown', gap: null, threshold: null, noise: null, words };
}

/** A difference of shares: 1.94 points */
export function formatGap(gap: number): string {
  return `${(gap * 100).toFixed(2)} points`;
}

/** The verdict as a title. */
export function headline({ verdict, bias, variance }: Diagnosis): string {
  switch (verdict) {
    case 'high bias':
      return variance.level === 'unknown' ? 'High bias; variance cannot be told' : 'High bias';
    case 'high variance':
      return 'High variance';
    case 'high bias and high variance':
      return 'High bias and high variance';
    case 'neither':
      return 'Neither high bias nor high variance';
    case 'unknown':
      if (bias.level === 'unknown') return 'Cannot be told';
      return 'Low bias; variance cannot be told';
  }
}

/** The figures behind the verdict, in a line: train error 0.06%, dev error 2.00%, 1.94 points apart */
export function figures({ errors: { baseline, train, dev }, variance }: Diagnosis): string {
  return [
    ...(baseline === null ? [] : [`baseline ${formatShare(baseline)}`]),
    ...(train === null ? [] : [`train error ${formatShare(train)}`]),
    ...(dev === null ? [] : [`dev error ${formatShare(dev)}`]),
    ...(variance.gap === null ? [] : [`${formatGap(Math.abs(variance.gap))} apart`]),
  ].join(', ');
}
