/**
 * What classification is judged by, from a confusion matrix: counts of samples by actual and predicted class. Everything here is
 * an exact function of these counts, so it is the same whoever counted which samples.
 */

/** Counts by actual and predicted class; cells that are 0 take no room. */
export class ConfusionMatrix {
  readonly #counts = new Map<number, Map<number, number>>();

  add(actual: number, predicted: number, samples = 1): void {
    const row = this.#counts.get(actual) ?? new Map<number, number>();
    this.#counts.set(actual, row);
    row.set(predicted, (row.get(predicted) ?? 0) + samples);
  }

  at(actual: number, predicted: number): number {
    return this.#counts.get(actual)?.get(predicted) ?? 0;
  }

  /** [actual, predicted, samples] of every cell that is not 0, row by row. */
  cells(): (readonly [number, number, number])[] {
    return [...this.#counts]
      .flatMap(([actual, row]) => [...row].map(([predicted, samples]) => [actual, predicted, samples] as const))
      .sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  }
}

/** One class against all others. A ratio without samples to form it of is 0. */
export interface ClassCounts {
  /** Right among those predicted to be of the class: TP / (TP + FP). */
  readonly precision: number;
  /** Right among those that are of the class: TP / (TP + FN). */
  readonly recall: number;
  /** Harmonic mean of both: 2·TP / (2·TP + FP + FN). */
  readonly f1: number;
  /** Samples of the class: TP + FN. */
  readonly support: number;
  /** Samples predicted to be of the class: TP + FP. */
  readonly predicted: number;
}

const ratio = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole);

/** The scores of each of `classes` classes, by class index. */
export function classCounts(matrix: ConfusionMatrix, classes: number): ClassCounts[] {
  const [right, support, predicted] = [0, 1, 2].map(() => new Array<number>(classes).fill(0)) as [
    number[],
    number[],
    number[],
  ];
  for (const [actual, guess, samples] of matrix.cells()) {
    support[actual] = (support[actual] ?? 0) + samples;
    predicted[guess] = (predicted[guess] ?? 0) + samples;
    if (actual === guess) right[actual] = (right[actual] ?? 0) + samples;
  }
  return Array.from({ length: classes }, (_, index) => {
    const [hits, has, got] = [right[index] ?? 0, support[index] ?? 0, predicted[index] ?? 0];
    return {
      precision: ratio(hits, got),
      recall: ratio(hits, has),
      f1: ratio(2 * hits, has + got),
      support: has,
      predicted: got,
    };
  });
}

/**
 * One figure each for the whole matrix. With two classes those of class 1, the positive one; else the mean over all classes that
 * occur, as actual or predicted ones, each counting alike (macro average).
 */
export function overallScores(byClass: readonly ClassCounts[]): Pick<ClassCounts, 'precision' | 'recall' | 'f1'> {
  const positive = byClass[1];
  if (byClass.length === 2 && positive !== undefined) {
    const { precision, recall, f1 } = positive;
    return { precision, recall, f1 };
  }
  const present = byClass.filter(({ support, predicted }) => support + predicted > 0);
  const mean = (key: 'precision' | 'recall' | 'f1'): number =>
    ratio(
      present.reduce((sum, counts) => sum + counts[key], 0),
      present.length,
    );
  return { precision: mean('precision'), recall: mean('recall'), f1: mean('f1') };
}
