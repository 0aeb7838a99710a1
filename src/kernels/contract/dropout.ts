/** The mask of inverted dropout. */
import type { Offset } from '../arena.js';

export interface Dropout {
  /**
   * mask[rows,cols] = 1/keepProb with probability keepProb, else 0 (inverted dropout). Element (r, c) takes word c mod 4 of
   * Philox4x32-10 (Salmon et al. 2011) with key (keyLow, keyHigh) and counter (⌊c/4⌋, firstRow + r, counter2, counter3); it is kept when
   * word · 2⁻³² < keepProb. All four are unsigned 32-bit integers.
   */
  dropoutMask(
    rows: number,
    cols: number,
    keepProb: number,
    keyLow: number,
    keyHigh: number,
    firstRow: number,
    counter2: number,
    counter3: number,
    mask: Offset,
  ): void;
}
