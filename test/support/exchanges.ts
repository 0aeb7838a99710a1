import type { Exchange } from '../../src/nn/layer.js';

/** Floats in a vector of {@link exchangeAt}. */
export const WIDTH = 6;
export const VALUES_PER_SAMPLE = 4;

/** The first exchange of a pass, with its vectors and its answer at places of the caller's. */
export function exchangeAt(merge: Exchange['merge'], slots: number, result: number): Exchange {
  return {
    index: 0,
    layer: 0,
    merge,
    width: WIDTH,
    valuesPerSample: VALUES_PER_SAMPLE,
    slots,
    result,
    statistics: null,
  };
}
