import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { areaUnderCurve } from '../../src/scores/area-under-curve.js';
import { predictions } from './samples.js';

const floats = (...values: number[]): Float32Array => Float32Array.from(values);

describe('the area under the ROC curve', () => {
  it('is that of the example in the documentation of scikit-learn', () => {
    // roc_auc_score([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    expect(areaUnderCurve(floats(0.35, 0.8), floats(0.1, 0.4))).toBe(0.75);
  });

  it('is what scikit-learn says about 200 samples with many equal scores', () => {
    const { ranked } = predictions();
    const scoresOf = (label: number) => floats(...ranked.filter((one) => one.actual === label).map((one) => one.score));
    expect(areaUnderCurve(scoresOf(1), scoresOf(0))).toBeCloseTo(0.8742186578605968, 14);
  });

  it('is the share of pairs in the right order, whatever the order of the samples', () => {
    const scores = fc.array(fc.integer({ min: -3, max: 3 }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(scores, scores, (positives, negatives) => {
        const wins = positives.flatMap((a) => negatives.map((b): number => (a > b ? 1 : a === b ? 0.5 : 0)));
        const expected = wins.reduce((sum, win) => sum + win, 0) / wins.length;
        expect(areaUnderCurve(floats(...positives), floats(...negatives))).toBeCloseTo(expected, 14);
        expect(areaUnderCurve(floats(...positives.reverse()), floats(...negatives))).toBeCloseTo(expected, 14);
      }),
    );
  });

  it('is unknown where a class is missing or a score is not a number', () => {
    expect(areaUnderCurve(floats(), floats(1))).toBeNull();
    expect(areaUnderCurve(floats(1), floats())).toBeNull();
    expect(areaUnderCurve(floats(NaN, 1), floats(0))).toBeNull();
  });
});
