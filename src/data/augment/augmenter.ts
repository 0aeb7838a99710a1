import type { Shape } from '../../common/shape.js';
import type { AugmentationSpec } from '../../job/job.js';
import { changesImages, drawChange, noChange, type Change } from './change.js';
import { imageShape, type ImageShape } from './image.js';
import { Resampler } from './resampler.js';

/** Changes images as a job asks for; keeps room for one image and allocates nothing afterwards. */
export class Augmenter {
  readonly #spec: AugmentationSpec;
  readonly #shape: ImageShape;
  readonly #seed: number;
  readonly #change: Change;
  readonly #resampler: Resampler;

  /**
   * @param sample dimensions of one sample
   * @param seed of the job
   * @throws RangeError when samples are no images; `checkAugmentation` says it to users
   */
  constructor(spec: AugmentationSpec, sample: Shape, seed: number) {
    const shape = imageShape(sample);
    if (shape === null) throw new RangeError('only images can be augmented');
    this.#spec = spec;
    this.#shape = shape;
    this.#seed = seed;
    this.#change = noChange(spec);
    this.#resampler = new Resampler(spec, shape);
  }

  /**
   * Changes an image in place into what it is in an epoch.
   *
   * @param epoch counted from 0. @param sample its number in the training split.
   * @param pixels holds the original from `at` on, as the data set stores it
   */
  apply(epoch: number, sample: number, pixels: Uint8Array | Float32Array, at: number): void {
    drawChange(this.#spec, this.#shape, this.#seed, epoch, sample, this.#change);
    this.#resampler.apply(this.#change, pixels, at);
  }
}

/** The augmentation of a job, unless it changes nothing. */
export function effectiveAugmentation(spec: AugmentationSpec | null): AugmentationSpec | null {
  return spec !== null && changesImages(spec) ? spec : null;
}
