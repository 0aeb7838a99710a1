import { z } from 'zod';
import { positive, whole } from './forms.js';

const cropSchema = z.strictObject({
  padding: whole(1).describe('Pixels added on every side before the crop. Below the height and the width of an image.'),
});

const distortionSchema = z.strictObject({
  strength: positive().describe(
    'The largest displacement of a pixel in each direction, in pixels; a quarter of it is typical.',
  ),
  grid: whole(1)
    .max(64)
    .default(4)
    .describe(
      'Cells along the height and along the width of the grid on whose points the random displacements lie. The more cells, ' +
        'the smaller the waves; 28 pixels in 4 cells make waves of 7 pixels and more.',
    ),
});

export const augmentationSchema = z.strictObject({
  horizontalFlip: z.boolean().default(false).describe('Mirrors every second image, on average, left to right.'),
  crop: cropSchema
    .nullable()
    .default(null)
    .describe('Cuts a piece of the original size, at a random place, out of the image padded with `fill`. null: none.'),
  rotation: z
    .number()
    .min(0)
    .max(180)
    .default(0)
    .describe('The largest angle, in degrees, by which an image is turned about its centre, either way. 0: none.'),
  zoom: z
    .number()
    .min(0)
    .lt(1)
    .default(0)
    .describe('The largest relative change of scale: with 0.1 the factor lies between 0.9 and 1.1. 0: none.'),
  shift: z
    .number()
    .min(0)
    .max(1)
    .default(0)
    .describe(
      'The largest shift, as a share of the height (up or down) and of the width (left or right), by any fraction of a pixel. 0: none.',
    ),
  brightness: z
    .number()
    .min(0)
    .max(1)
    .default(0)
    .describe(
      'The largest relative change of brightness: with 0.2 all values are multiplied by one factor between 0.8 and 1.2; ' +
        'bytes stay within 0 and 255. 0: none.',
    ),
  distortion: distortionSchema
    .nullable()
    .default(null)
    .describe('Bends the image: every pixel is taken from a place nearby, in smooth waves. null: none.'),
  fill: z
    .number()
    .default(0)
    .describe('The value, before normalisation, of what comes in from outside the image; within 0 and 255 for bytes.'),
});
