/**
 * Dynamic loss scaling (Micikevicius et al. 2018, "Mixed precision training", section 3.2): gradients that travel as float16 are
 * multiplied by a power of two, so that small ones are not lost below its range. When a gradient overflows, the step changes
 * nothing and the factor is halved; after a long run of good steps it is doubled. Part of the result, hence of a checkpoint.
 */
import type { WireFormat } from '../src/common/wire-format.js';

export interface LossScaleState {
  /** A power of two. */
  readonly scale: number;
  /** Steps since the scale was last changed. */
  readonly goodSteps: number;
}

const FIRST_SCALE = 2 ** 16;
const LARGEST_SCALE = 2 ** 24;
/** Good steps after which a larger scale is tried. */
const GROWTH_INTERVAL = 2_000;

/** What a run begins with: formats with the range of float32 need no scale. */
export function initialLossScale(gradients: WireFormat): LossScaleState {
  return { scale: gradients === 'float16' ? FIRST_SCALE : 1, goodSteps: 0 };
}

/** What follows a step whose gradient was finite, or was not. */
export function nextLossScale(
  { scale, goodSteps }: LossScaleState,
  gradients: WireFormat,
  isFinite: boolean,
): LossScaleState {
  if (gradients !== 'float16') return { scale, goodSteps };
  if (!isFinite) return { scale: Math.max(1, scale / 2), goodSteps: 0 };
  if (goodSteps + 1 < GROWTH_INTERVAL) return { scale, goodSteps: goodSteps + 1 };
  return { scale: Math.min(LARGEST_SCALE, scale * 2), goodSteps: 0 };
}
