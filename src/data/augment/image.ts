/** Samples that are images, and what augmentation asks of them. */
import { LockstepError } from '../../common/errors.js';
import { formatShape, type Shape } from '../../common/shape.js';
import type { AugmentationSpec } from '../../job/job.js';
import type { FeatureType } from '../dataset.js';

/** Pixels row by row from the top left corner, the channels of a pixel next to each other. */
export interface ImageShape {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** The shape of a sample as an image: [height, width, channels]; null when it is none. */
export function imageShape(sample: Shape): ImageShape | null {
  const [height, width, channels] = sample;
  if (sample.length !== 3 || height === undefined || width === undefined || channels === undefined) return null;
  return { height, width, channels };
}

/**
 * Whether these samples can be augmented in this way.
 *
 * @param sample dimensions of one sample. @param dtype how features are stored.
 * @throws LockstepError `job`, saying which key does not fit the data
 */
export function checkAugmentation(spec: AugmentationSpec | null, sample: Shape, dtype: FeatureType): void {
  if (spec === null) return;
  const shape = imageShape(sample);
  if (shape === null) {
    throw new LockstepError(
      'job',
      `data.augmentation changes images of [height, width, channels]; the samples here are of ${formatShape(sample)}`,
      {
        hint: 'Remove data.augmentation (or set it to null), or store the samples as [samples, height, width] or … [, channels].',
      },
    );
  }
  const shortest = Math.min(shape.height, shape.width);
  if (spec.crop !== null && spec.crop.padding >= shortest) {
    throw new LockstepError(
      'job',
      `data.augmentation.crop.padding is ${spec.crop.padding}, but images are ${shape.height} × ${shape.width}: ` +
        'a crop could miss the image altogether',
      { hint: `Choose a padding below ${shortest}; an eighth of the width is usual.` },
    );
  }
  if (dtype === 'uint8' && !(spec.fill >= 0 && spec.fill <= 255)) {
    throw new LockstepError('job', `data.augmentation.fill is ${spec.fill}, but the images here are of bytes`, {
      hint: 'Choose a value from 0 to 255; normalisation comes later.',
    });
  }
}
