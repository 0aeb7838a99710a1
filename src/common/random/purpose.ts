/**
 * What a random number is for. Philox is keyed with (seed, purpose), so that streams of different purposes never meet,
 * whatever their counters hold.
 *
 * The values are part of every result: a number once given is never changed or used again for something else.
 */
export const Purpose = {
  /** Initial weights. */
  initialise: 1,
  /** Order of the samples in an epoch. */
  shuffle: 2,
  /** Dropout masks. */
  dropout: 3,
  /** Which samples are held out for the dev and test splits. */
  split: 4,
  /** Random changes to samples. */
  augment: 5,
  /** Choice of hyperparameters in a search. */
  search: 6,
  /** What a gradient check looks at. */
  gradientCheck: 7,
} as const;

export type Purpose = (typeof Purpose)[keyof typeof Purpose];
