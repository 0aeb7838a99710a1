/**
 * Whether the splits of a job look like samples of one distribution. A model is chosen by its dev score and judged by its test
 * score: if the two differ in kind, the choice is made for something else.
 *
 * Looked at are the mean of every feature and the labels: the share of every class, or the mean of the number to be approximated.
 * A difference is reported when it is both
 *
 *   large      at least a quarter of a standard deviation (the limit that Rubin gives for samples that are to be compared:
 *              Health Services & Outcomes Research Methodology 2 (2001)), a tenth in the case of a class; in large samples the
 *              least difference is significant, and does no harm
 *   no chance  exceeded by chance in one of 1000 comparisons of two splits, over all of their columns together (Bonferroni: each
 *              column by itself in one of 1000·columns); in small samples large differences are chance
 *
 * Differences of spread or of the relation between columns are not seen.
 */
import type { SplitName } from '../job/job.js';
import type { LoadedData } from './load.js';
import { criticalDifference, leastCritical, standardizedDifference, type ColumnMoments } from './mean-difference.js';
import { indicatorMoments, momentsOf, SplitSample } from './split-sample.js';

export interface ColumnDifference {
  /** `class`: the share of a class; `label`: the mean of the number to be approximated. */
  readonly kind: 'feature' | 'class' | 'label';
  /** Name of the feature, class or label; a feature without a name is called by its indices in the sample. */
  readonly name: string;
  /** Means in the first split and in the second; shares for a class. */
  readonly means: readonly [number, number];
  /** |difference of the means| / pooled standard deviation; null where neither split varies, and they differ. */
  readonly difference: number | null;
}

export interface SplitComparison {
  readonly splits: readonly [SplitName, SplitName];
  /** Samples whose features were looked at, of each. */
  readonly samples: readonly [number, number];
  /** The feature, and the class or label, that differ most; null where no two differ. */
  readonly feature: ColumnDifference | null;
  readonly label: ColumnDifference | null;
  /** What differs by more than chance and enough to matter: labels first, then the largest differences first. */
  readonly shifts: readonly ColumnDifference[];
  /** tooFew: of one split there are too few samples to tell. */
  readonly verdict: 'alike' | 'differ' | 'tooFew';
}

export type ComparedData = Pick<LoadedData, 'splits' | 'featureShape' | 'classes' | 'featureNames' | 'labelName'>;

/** Chance of a false alarm for two splits of one distribution. */
const LEVEL = 0.001;
const LARGE = 0.25;
const LARGE_CLASS = 0.1;
/** With fewer samples than this in a split nothing is said. */
const FEWEST = 20;

/**
 * Compares train and dev, train and test, dev and test, as far as they are there. Looks at no more than some
 * thousands of samples of each.
 */
export function compareSplits(data: ComparedData): readonly SplitComparison[] {
  const { train, dev, test } = data.splits;
  if (dev === null && test === null) return [];
  const samples = [
    ['train', new SplitSample(train)],
    ['dev', dev === null ? null : new SplitSample(dev)],
    ['test', test === null ? null : new SplitSample(test)],
  ] as const;
  return samples.flatMap(([nameA, a], index) =>
    samples
      .slice(index + 1)
      .flatMap(([nameB, b]) => (a === null || b === null ? [] : [compare(data, [nameA, nameB], a, b)])),
  );
}

interface Candidate extends Omit<ColumnDifference, 'difference'> {
  readonly difference: number;
  readonly critical: number;
}

function compare(
  data: ComparedData,
  splits: readonly [SplitName, SplitName],
  a: SplitSample,
  b: SplitSample,
): SplitComparison {
  const width = data.featureShape.reduce((product, dimension) => product * dimension, 1);
  const level = LEVEL / (width + (data.classes?.length ?? 1));
  const features = compareFeatures(data, width, level, a, b);
  const labels = compareLabels(data, level, a, b);
  const verdict = Math.min(a.count, b.count) < FEWEST ? 'tooFew' : 'alike';
  const large = (column: Candidate): boolean =>
    column.difference >= Math.max(column.critical, column.kind === 'class' ? LARGE_CLASS : LARGE);
  const shifts =
    verdict === 'tooFew'
      ? []
      : [...labels.filter(large).sort(byDifference), ...features.filter(large).sort(byDifference)];
  return {
    splits,
    samples: [a.count, b.count],
    feature: greatest(features),
    label: greatest(labels),
    shifts: shifts.map(published),
    verdict: shifts.length > 0 ? 'differ' : verdict,
  };
}

const byDifference = (a: Candidate, b: Candidate): number =>
  a.difference === b.difference ? 0 : b.difference - a.difference;

function greatest(columns: readonly Candidate[]): ColumnDifference | null {
  const [first] = columns.toSorted(byDifference);
  return first === undefined || first.difference === 0 ? null : published(first);
}

function published({ kind, name, means, difference }: Candidate): ColumnDifference {
  return { kind, name, means, difference: Number.isFinite(difference) ? difference : null };
}

/** Features that could be worth a word: the one that differs most, and those that would be if their columns were normal. */
function compareFeatures(
  { featureNames, featureShape }: ComparedData,
  width: number,
  level: number,
  a: SplitSample,
  b: SplitSample,
): readonly Candidate[] {
  const least = Math.max(LARGE, leastCritical(a.count, b.count, level));
  const differences = Float64Array.from({ length: width }, (_, feature) =>
    standardizedDifference(
      { count: a.count, mean: a.mean(feature), second: a.second(feature) },
      { count: b.count, mean: b.mean(feature), second: b.second(feature) },
    ),
  );
  const most = differences.reduce((largest, difference) => Math.max(largest, difference), 0);
  return Array.from(differences.keys())
    .filter((feature) => (differences[feature] as number) >= Math.min(least, most))
    .map((feature) => ({
      kind: 'feature',
      name: featureNames?.[feature] ?? indicesOf(feature, featureShape),
      ...differenceOf(a.moments(feature), b.moments(feature), level),
    }));
}

function compareLabels(
  { classes, labelName }: ComparedData,
  level: number,
  a: SplitSample,
  b: SplitSample,
): readonly Candidate[] {
  if (classes === null) {
    return [
      { kind: 'label', name: labelName ?? 'label', ...differenceOf(momentsOf(a.labels), momentsOf(b.labels), level) },
    ];
  }
  const [inA, inB] = [a, b].map(({ labels }) => {
    const counts = new Float64Array(classes.length);
    for (const label of labels) counts[label] = (counts[label] ?? 0) + 1;
    return counts;
  });
  const all = classes.map((name, index): Candidate => ({
    kind: 'class',
    name,
    ...differenceOf(
      indicatorMoments(a.labels.length, (inA?.[index] ?? 0) / a.labels.length),
      indicatorMoments(b.labels.length, (inB?.[index] ?? 0) / b.labels.length),
      level,
    ),
  }));
  // The share of one class of two says that of the other.
  return all.length === 2 ? all.slice(1) : all;
}

function differenceOf(
  a: ColumnMoments,
  b: ColumnMoments,
  level: number,
): Pick<Candidate, 'means' | 'difference' | 'critical'> {
  const difference = standardizedDifference(a, b);
  const critical = Number.isFinite(difference) ? criticalDifference(a, b, level) : 0;
  return { means: [a.mean, b.mean], difference, critical };
}

/** `[12, 7, 0]` in an image of 28×28×1. */
function indicesOf(feature: number, shape: readonly number[]): string {
  let rest = feature;
  const indices = shape.toReversed().map((dimension) => {
    const index = rest % dimension;
    rest = Math.floor(rest / dimension);
    return index;
  });
  return `[${indices.toReversed().join(', ')}]`;
}

/** Largest differences that a message names. */
const NAMED = 3;

/** What differs between two splits, with figures, in a sentence. */
export function describeShifts({ splits, shifts }: SplitComparison): string {
  const named = shifts.slice(0, NAMED).map(describeDifference);
  const more = shifts.length > NAMED ? `; and ${shifts.length - NAMED} more` : '';
  return `${splits[0]} and ${splits[1]} don't look like samples of one distribution: ${named.join('; ')}${more}`;
}

/** `worst area 881 against 1120 (0.61 standard deviations)` */
export function describeDifference({ kind, name, means: [a, b], difference }: ColumnDifference): string {
  if (kind === 'class') return `class ${name} ${(100 * a).toFixed(1)}% against ${(100 * b).toFixed(1)}%`;
  const figures = `${name} ${brief(a)} against ${brief(b)}`;
  return difference === null ? `${figures}, always` : `${figures} (${difference.toFixed(2)} standard deviations)`;
}

function brief(value: number): string {
  return String(Number(value.toPrecision(3)));
}
