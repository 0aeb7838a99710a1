/**
 * The contract of a learning-rate schedule: a pure function of the position in the run, so that a checkpoint needs the
 * step and nothing else, and every restart sees the same rates. Only operations that IEEE 754 rounds in one way are
 * used.
 */
export interface Position {
  /** Steps done before this one in the whole run: 0 for the first. */
  readonly step: number;
  /** Epochs completed before this step: 0 during the first. */
  readonly epoch: number;
}

/** The learning rate of the step at a position. */
export type Schedule = (position: Position) => number;
