import { expect, it } from 'vitest';
import { evaluationRecordSchema } from '../../src/state/evaluation-record.js';

it('a mistake whose loss or prediction was no finite number can be read back', () => {
  const mistake = { sample: 3, loss: Infinity, target: 1, predicted: NaN, features: [0.5] };
  const record = {
    weightsSha256: 'ab',
    classes: null,
    labelName: null,
    featureNames: null,
    featureShape: [1],
    splits: { test: { samples: 9, mistakes: [mistake] } },
  };
  const { splits } = evaluationRecordSchema.parse(JSON.parse(JSON.stringify(record)));
  expect(splits.test?.mistakes).toEqual([{ ...mistake, loss: NaN }]);
});
