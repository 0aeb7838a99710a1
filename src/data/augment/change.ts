/**
 * What happens to one image in one epoch: drawn from (seed, epoch, sample) alone, so that every worker draws the same, whenever
 * and how often it is asked.
 */
import { philox4x32 } from '../../common/random/philox.js';
import { Purpose } from '../../common/random/purpose.js';
import type { AugmentationSpec } from '../../job/job.js';
import { controlPoints } from './distortion.js';
import type { ImageShape } from './image.js';

/** Numbers of one draw; an object is filled again for every image. */
export interface Change {
  flip: boolean;
  /** Whole pixels by which the crop lies right of and below the image. */
  cropX: number;
  cropY: number;
  /** Degrees, counter-clockwise as one sees it. */
  angle: number;
  /** Factor; above 1 the image grows. */
  scale: number;
  /** Pixels to the right and downwards. */
  shiftX: number;
  shiftY: number;
  /** Factor on all values. */
  brightness: number;
  /** x and y displacements (pixels) of the control points, see {@link controlPoints}; empty: no distortion. */
  readonly displacements: Float64Array;
}

const WORDS = 2 ** 32;
/** Blocks of four words before those of the distortion. Each number has a word of its own, whatever else is switched on. */
const DISTORTION_BLOCK = 2;

/** Whether an augmentation can change an image at all. */
export function changesImages(spec: AugmentationSpec): boolean {
  const { horizontalFlip, crop, rotation, zoom, shift, brightness, distortion } = spec;
  return horizontalFlip || crop !== null || distortion !== null || rotation + zoom + shift + brightness > 0;
}

/** Whether a change leaves every image as it is: of images that are only mirrored, half are not. */
export function isNone(change: Change): boolean {
  const { flip, cropX, cropY, angle, scale, shiftX, shiftY, brightness, displacements } = change;
  const moves = flip || cropX !== 0 || cropY !== 0 || shiftX !== 0 || shiftY !== 0;
  return !moves && angle === 0 && scale === 1 && brightness === 1 && displacements.length === 0;
}

/** A change that leaves the image as it is, with room for what {@link drawChange} draws. */
export function noChange(spec: Pick<AugmentationSpec, 'distortion'>): Change {
  const { distortion } = spec;
  return {
    flip: false,
    cropX: 0,
    cropY: 0,
    angle: 0,
    scale: 1,
    shiftX: 0,
    shiftY: 0,
    brightness: 1,
    displacements: new Float64Array(distortion === null ? 0 : 2 * controlPoints(distortion.grid) ** 2),
  };
}

const words = new Uint32Array(4);
const word = (index: number): number => words[index] as number;
/** Uniform in (−limit, limit), symmetric about 0; 0, not −0, where the limit is 0. */
const upTo = (limit: number, index: number): number => limit * ((2 * word(index) + 1) / WORDS - 1) + 0;
/** A whole number, −limit … limit. */
const wholeUpTo = (limit: number, index: number): number => Math.floor((word(index) * (2 * limit + 1)) / WORDS) - limit;

/**
 * Draws the change of a sample into `out`.
 *
 * Philox counter: (block, sample, epoch, 0), key: (seed, {@link Purpose}.augment).
 *
 * @param epoch counted from 0. @param sample its number in the training split.
 * @param out of {@link noChange} for the same augmentation
 */
export function drawChange(
  spec: AugmentationSpec,
  { height, width }: ImageShape,
  seed: number,
  epoch: number,
  sample: number,
  out: Change,
): void {
  const draw = (block: number): void => philox4x32(block, sample, epoch, 0, seed, Purpose.augment, words);
  const padding = spec.crop?.padding ?? 0;
  draw(0);
  out.flip = spec.horizontalFlip && word(0) < WORDS / 2;
  out.cropX = wholeUpTo(padding, 1);
  out.cropY = wholeUpTo(padding, 2);
  out.angle = upTo(spec.rotation, 3);
  draw(1);
  out.scale = 1 + upTo(spec.zoom, 0);
  out.shiftX = upTo(spec.shift * width, 1);
  out.shiftY = upTo(spec.shift * height, 2);
  out.brightness = 1 + upTo(spec.brightness, 3);
  const { displacements } = out;
  const strength = spec.distortion?.strength ?? 0;
  for (let i = 0; i < displacements.length; i += 1) {
    if (i % 4 === 0) draw(DISTORTION_BLOCK + i / 4);
    displacements[i] = upTo(strength, i % 4);
  }
}
