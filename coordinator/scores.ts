/** Scores of splits in the form in which they are written down. */
import type { SplitName } from '../src/job/job.js';
import { sizeOf } from '../src/common/shape.js';
import type { Dataset } from '../src/data/dataset.js';
import type { LoadedData } from '../src/data/load.js';
import type { EvaluationRecord, Mistake, SplitEvaluationRecord } from '../src/state/evaluation-record.js';
import type { SplitMetrics } from '../src/state/run-record.js';
import type { SplitScore } from './split-evaluation.js';
import type { Scores } from './judge.js';

/** The figures of a score. */
export function splitMetrics({ loss, accuracy, classification, regression }: SplitScore): SplitMetrics {
  if (classification !== null) {
    const { precision, recall, f1, auc } = classification;
    return { loss, accuracy, precision, recall, f1, ...(auc === null ? {} : { auc }) };
  }
  return { loss, ...(regression ?? {}) };
}

/** What the final scores say in detail, with the samples that were misjudged. */
export function evaluationRecord(scores: Scores, data: LoadedData, weightsSha256: string): EvaluationRecord {
  const { classes, labelName, featureNames, featureShape, splits } = data;
  const records = Object.entries(scores).map(([name, score]): [string, SplitEvaluationRecord] => {
    const dataset = splits[name as SplitName];
    return [name, splitRecord(score, dataset, classes)];
  });
  return { weightsSha256, classes, labelName, featureNames, featureShape, splits: Object.fromEntries(records) };
}

function splitRecord(
  { samples, classification, misjudged }: SplitScore,
  dataset: Dataset | null,
  classes: readonly string[] | null,
): SplitEvaluationRecord {
  const mistakes =
    dataset === null
      ? []
      : misjudged.map((sample): Mistake => ({ ...sample, features: featuresOf(dataset, sample.sample) }));
  return {
    samples,
    ...(classification === null
      ? {}
      : {
          confusion: classification.confusion,
          classes: classification.classes.map(({ precision, recall, f1, support }, index) => ({
            name: classes?.[index] ?? String(index),
            precision,
            recall,
            f1,
            support,
          })),
        }),
    ...(mistakes.length === 0 ? {} : { mistakes }),
  };
}

/** A sample as it is stored. */
function featuresOf(dataset: Dataset, sample: number): Mistake['features'] {
  const width = sizeOf(dataset.featureShape);
  if (dataset.dtype === 'uint8') {
    const bytes = new Uint8Array(width);
    dataset.copyFeatures([sample], 0, 1, bytes, 0);
    return Buffer.from(bytes).toString('base64');
  }
  const numbers = new Float32Array(width);
  dataset.copyFeatures([sample], 0, 1, numbers, 0);
  return Array.from(numbers);
}
