/** How well a model does on one split, over all its samples. Null stands for what is not a finite number. */
export interface SplitMetrics {
  /** Mean over the samples. */
  readonly loss: number | null;
  /** Share of samples classified correctly; classification only, as are the next four. */
  readonly accuracy?: number | null | undefined;
  /** Means over the classes (macro); with two classes, those of the second one, which counts as positive. */
  readonly precision?: number | null | undefined;
  readonly recall?: number | null | undefined;
  readonly f1?: number | null | undefined;
  /** Area under the ROC curve; two classes only. */
  readonly auc?: number | null | undefined;
  /** 1 − Σ(t − y)² / Σ(t − mean t)²; regression only. */
  readonly r2?: number | null | undefined;
  /** Mean of |t − y|, in the unit of the label; regression only. */
  readonly mae?: number | null | undefined;
}
