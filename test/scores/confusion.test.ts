import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { classCounts, ConfusionMatrix, overallScores } from '../../src/scores/confusion.js';
import { predictions } from './samples.js';

const matrixOf = (pairs: readonly { readonly actual: number; readonly predicted: number }[]): ConfusionMatrix => {
  const matrix = new ConfusionMatrix();
  for (const { actual, predicted } of pairs) matrix.add(actual, predicted);
  return matrix;
};
const pairs = (actual: readonly number[], predicted: readonly number[]) =>
  actual.map((value, i) => ({ actual: value, predicted: predicted[i] ?? 0 }));

describe('the scores of a classification', () => {
  it('are those of the example in the documentation of scikit-learn', () => {
    // precision_recall_fscore_support(['cat','dog','pig','cat','dog','pig'], ['cat','pig','dog','cat','cat','dog'], average='macro')
    const scores = overallScores(classCounts(matrixOf(pairs([0, 1, 2, 0, 1, 2], [0, 2, 1, 0, 0, 1])), 3));
    expect(scores.precision).toBeCloseTo(2 / 9, 15);
    expect(scores.recall).toBeCloseTo(1 / 3, 15);
    expect(scores.f1).toBeCloseTo(4 / 15, 15);
  });

  it('are what scikit-learn says about 200 samples of four classes', () => {
    const counts = classCounts(matrixOf(predictions().ofFour), 4);
    const column = (key: 'precision' | 'recall' | 'f1') => counts.map((one) => Number(one[key].toFixed(8)));
    expect(column('precision')).toEqual([0.72727273, 0.734375, 0.60869565, 0.63043478]);
    expect(column('recall')).toEqual([0.58181818, 0.83928571, 0.65116279, 0.63043478]);
    expect(column('f1')).toEqual([0.64646465, 0.78333333, 0.62921348, 0.63043478]);
    expect(counts.map(({ support }) => support)).toEqual([55, 56, 43, 46]);
    const overall = overallScores(counts);
    expect(overall.precision).toBeCloseTo(0.6751945405138341, 14);
    expect(overall.recall).toBeCloseTo(0.6756753673525665, 14);
    expect(overall.f1).toBeCloseTo(0.6723615613881857, 14);
  });

  it('are those of the positive class where there are two', () => {
    const judged = predictions().ranked.map(({ actual, score }) => ({ actual, predicted: score > 0.7 ? 1 : 0 }));
    const matrix = matrixOf(judged);
    expect(matrix.cells()).toEqual([
      [0, 0, 106],
      [0, 1, 33],
      [1, 0, 17],
      [1, 1, 44],
    ]);
    const overall = overallScores(classCounts(matrix, 2));
    expect(overall.precision).toBeCloseTo(0.5714285714285714, 14);
    expect(overall.recall).toBeCloseTo(0.7213114754098361, 14);
    expect(overall.f1).toBeCloseTo(0.6376811594202898, 14);
  });

  it('are 0 for a class that nothing was predicted to be, and leave out one that does not occur', () => {
    const counts = classCounts(matrixOf(pairs([0, 0, 1], [0, 0, 0])), 3);
    expect(counts[1]).toMatchObject({ precision: 0, recall: 0, f1: 0, support: 1, predicted: 0 });
    expect(counts[2]).toMatchObject({ support: 0, predicted: 0 });
    // Two classes occur: (2/3 + 0) / 2
    expect(overallScores(counts).precision).toBeCloseTo(1 / 3, 15);
  });

  it('do not depend on who counted which samples', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(4), fc.nat(4)), { minLength: 1 }), fc.nat(), (samples, cut) => {
        const all = samples.map(([actual, predicted]) => ({ actual, predicted }));
        const whole = matrixOf(all);
        const merged = new ConfusionMatrix();
        const at = cut % all.length;
        for (const part of [all.slice(at), all.slice(0, at)])
          for (const [actual, predicted, count] of matrixOf(part).cells()) merged.add(actual, predicted, count);
        expect(merged.cells()).toEqual(whole.cells());
        expect(classCounts(merged, 5).reduce((sum, { support }) => sum + support, 0)).toBe(all.length);
      }),
    );
  });
});
