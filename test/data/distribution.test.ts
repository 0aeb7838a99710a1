import { describe, expect, it } from 'vitest';
import { DenseDataset } from '../../src/data/dense.js';
import { compareSplits, describeShifts, type ComparedData, type SplitComparison } from '../../src/data/distribution.js';
import { spreadIds } from '../../src/data/split-sample.js';
import { splitRows } from '../../src/data/splits.js';
import { SubsetDataset } from '../../src/data/subset.js';
import { normalValues, wholeValues } from '../support/random-values.js';

type Table = { readonly features: Float64Array; readonly labels: Float64Array; readonly width: number };

/** Features of every kind: normal ones, heavy-tailed ones, rare categories; and a label. */
function table(size: number, seed: number, classes: number | null = 2): Table {
  const width = 30;
  const normal = normalValues(size * width, seed);
  const hundredths = wholeValues(size * width, 100, seed);
  const features = normal.map((value, i) => {
    const feature = i % width;
    if (feature < 15) return 5 + 2 * value;
    return feature < 22 ? Math.exp(1.2 * value) : (hundredths[i] ?? 0) < feature - 20 ? 1 : 0;
  });
  const labels = classes === null ? normalValues(size, seed + 1e6) : wholeValues(size, classes, seed + 1e6);
  return { features, labels, width };
}

function datasetOf({ features, labels, width }: Table): DenseDataset {
  const shared = new Float32Array(new SharedArrayBuffer(features.length * 4));
  shared.set(features);
  const sharedLabels = new Float64Array(new SharedArrayBuffer(labels.length * 8));
  sharedLabels.set(labels);
  return new DenseDataset([width], shared, sharedLabels);
}

function data(splits: ComparedData['splits'], classes: readonly string[] | null = ['no', 'yes']): ComparedData {
  const featureShape = splits.train.featureShape;
  const featureNames = Array.from({ length: featureShape[0] ?? 0 }, (_, feature) => `x${feature}`);
  return { splits, classes, featureShape, featureNames, labelName: 'y' };
}

/** Train and dev of one distribution, and a test split that was changed. */
function withChangedTest(change: (test: Table) => void, size = 500, classes: number | null = 2) {
  const test = table(size, 3, classes);
  change(test);
  const [train, dev] = [datasetOf(table(3 * size, 1, classes)), datasetOf(table(size, 2, classes))];
  return data({ train, dev, test: datasetOf(test) }, classes === null ? null : ['no', 'yes']);
}

const verdicts = (comparisons: readonly SplitComparison[]): readonly string[] =>
  comparisons.map(({ splits, verdict }) => `${splits.join()} ${verdict}`);
const names = (comparison: SplitComparison | undefined): readonly string[] =>
  comparison?.shifts.map(({ name }) => name) ?? [];

describe('a real shift is found', () => {
  it('of one feature by half a standard deviation, which is named with its means', () => {
    const comparisons = compareSplits(
      withChangedTest(({ features, width }) => {
        for (let i = 4; i < features.length; i += width) features[i] = (features[i] ?? 0) + 1;
      }),
    );
    expect(verdicts(comparisons)).toEqual(['train,dev alike', 'train,test differ', 'dev,test differ']);
    for (const comparison of comparisons.slice(1)) {
      expect(names(comparison)).toEqual(['x4']);
      const [shift] = comparison.shifts;
      expect(shift?.difference).toBeGreaterThan(0.35);
      expect(shift?.difference).toBeLessThan(0.65);
      expect(shift?.means[0]).toBeCloseTo(5, 0);
      expect(shift?.means[1]).toBeCloseTo(6, 0);
      expect(comparison.feature).toEqual(shift);
    }
    expect(describeShifts(comparisons[2] as SplitComparison)).toMatch(
      /^dev and test don't look like samples of one distribution: x4 [45]\.\d+ against [56](\.\d+)? \(0\.\d\d standard deviations\)$/,
    );
  });

  it('of the shares of the classes', () => {
    const comparisons = compareSplits(
      withChangedTest(({ labels }) => {
        for (let i = 0; i < labels.length; i += 4) labels[i] = 1;
      }),
    );
    expect(verdicts(comparisons)).toEqual(['train,dev alike', 'train,test differ', 'dev,test differ']);
    expect(names(comparisons[1])).toEqual(['yes']);
    expect(describeShifts(comparisons[1] as SplitComparison)).toMatch(/: class yes \d\d\.\d% against \d\d\.\d%$/);
  });

  it('of the number to be approximated', () => {
    const comparisons = compareSplits(
      withChangedTest(({ labels }) => labels.forEach((label, i) => (labels[i] = label + 0.5)), 500, null),
    );
    expect(verdicts(comparisons)).toEqual(['train,dev alike', 'train,test differ', 'dev,test differ']);
    expect(comparisons[1]?.shifts[0]).toMatchObject({ kind: 'label', name: 'y' });
  });

  it('of a column that never varies, in either', () => {
    const constant = (value: number) => (changed: Table) => {
      for (let i = 0; i < changed.features.length; i += changed.width) changed.features[i] = value;
      return changed;
    };
    const [train, test] = [datasetOf(constant(1)(table(100, 1))), datasetOf(constant(2)(table(100, 2)))];
    const [comparison] = compareSplits(data({ train, dev: null, test }));
    expect(comparison?.shifts).toEqual([{ kind: 'feature', name: 'x0', means: [1, 2], difference: null }]);
    expect(describeShifts(comparison as SplitComparison)).toContain('x0 1 against 2, always');
  });
});

describe('chance is not taken for a shift', () => {
  it.each([
    [300, 0.2, 0.2, 60],
    [569, 0.01, 0.1, 40],
    [2500, 0.02, 0.02, 8],
  ])('in random splits of %i samples with 30 features, %d and %d held out, %i times', (size, dev, test, times) => {
    let alarms = 0;
    for (let seed = 0; seed < times; seed++) {
      const whole = datasetOf(table(size, 100 + seed));
      const rows = splitRows({ size, strata: null, dev, test, seed });
      const part = (split: keyof typeof rows) => new SubsetDataset(whole, rows[split]);
      const comparisons = compareSplits(data({ train: part('train'), dev: part('dev'), test: part('test') }));
      alarms += comparisons.filter(({ verdict }) => verdict === 'differ').length;
    }
    // One in 1000 of these comparisons at most, 180 at the most, by design: two happen in 1.4% of the cases.
    expect(alarms).toBeLessThanOrEqual(1);
  });

  it('and of a handful of samples nothing is said', () => {
    const [train, test] = [table(200, 1), table(10, 2)];
    test.features.fill(1e6);
    const [comparison] = compareSplits(data({ train: datasetOf(train), dev: null, test: datasetOf(test) }));
    expect(comparison).toMatchObject({ verdict: 'tooFew', shifts: [], samples: [200, 10] });
  });
});

it('compares the splits that are there', () => {
  const train = datasetOf(table(50, 1));
  expect(compareSplits(data({ train, dev: null, test: null }))).toEqual([]);
  expect(verdicts(compareSplits(data({ train, dev: train, test: null })))).toEqual(['train,dev alike']);
  const [same] = compareSplits(data({ train, dev: null, test: train }));
  expect(same).toMatchObject({ splits: ['train', 'test'], feature: null, label: null, shifts: [] });
});

it('calls a pixel by its indices', () => {
  const whole = (value: number) => {
    const features = new Uint8Array(new SharedArrayBuffer(40 * 6));
    for (let i = 0; i < features.length; i++) features[i] = i % 6 === 4 ? value : i % 7;
    return new DenseDataset([3, 2, 1], features, new Float64Array(new SharedArrayBuffer(40 * 8)));
  };
  const splits = { train: whole(3), dev: null, test: whole(200) };
  const [comparison] = compareSplits({ ...data(splits, ['a']), featureNames: null, featureShape: [3, 2, 1] });
  expect(names(comparison)).toEqual(['[2, 0, 0]']);
});

describe('the samples that are looked at', () => {
  it('are all of a small split, else distinct ones from all over it', () => {
    expect([...spreadIds(5, 8)]).toEqual([0, 1, 2, 3, 4]);
    const ids = spreadIds(60_000, 1000);
    expect(ids).toHaveLength(1000);
    ids.forEach((id, i) => {
      expect(id).toBeGreaterThanOrEqual(i * 60);
      expect(id).toBeLessThan((i + 1) * 60);
    });
  });

  it('are not those of one class where classes take turns in the file', () => {
    const counts = new Float64Array(10);
    for (const id of spreadIds(10_000, 1000)) counts[id % 10] = (counts[id % 10] ?? 0) + 1;
    for (const count of counts) expect(Math.abs(count - 100)).toBeLessThan(10);
  });
});
