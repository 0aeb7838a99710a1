/**
 * Applies a change to an image: for every pixel of the result, the place in the original that it comes from (the inverse map), and
 * the value there by bilinear interpolation. All changes of geometry are one map, so that an image is interpolated once.
 */
import { cosineOfDegrees, sineOfDegrees } from '../../common/trigonometry.js';
import type { AugmentationSpec } from '../../job/job.js';
import { isNone, type Change } from './change.js';
import { DistortionField } from './distortion.js';
import type { ImageShape } from './image.js';

/** source x = xx·x + xy·y + x0, source y = yx·x + yy·y + y0, in pixels. */
interface AffineMap {
  xx: number;
  xy: number;
  x0: number;
  yx: number;
  yy: number;
  y0: number;
}

/**
 * The inverse of: mirror, crop, turn and scale about the centre, shift, in this order. With p a pixel of the result, c the centre,
 * t the shift, s the scale, R the turn and o the crop's place: source = R⁻¹(p − c − t)/s + c + o, mirrored at last.
 */
function invert(change: Change, { height, width }: ImageShape, map: AffineMap): void {
  const { angle, scale, shiftX, shiftY, cropX, cropY, flip } = change;
  const centreX = (width - 1) / 2;
  const centreY = (height - 1) / 2;
  const cosine = cosineOfDegrees(angle) / scale;
  const sine = sineOfDegrees(angle) / scale;
  map.xx = cosine;
  map.xy = -sine;
  map.x0 = centreX + cropX - (cosine * (centreX + shiftX) - sine * (centreY + shiftY));
  map.yx = sine;
  map.yy = cosine;
  map.y0 = centreY + cropY - (sine * (centreX + shiftX) + cosine * (centreY + shiftY));
  if (flip) {
    map.xx = -map.xx;
    map.xy = -map.xy;
    map.x0 = width - 1 - map.x0;
  }
}

/** To the nearest, halves up, held within 0 and 255. */
function toByte(value: number): number {
  return value >= 255 ? 255 : value > 0 ? (value + 0.5) | 0 : 0;
}

export class Resampler {
  readonly #shape: ImageShape;
  readonly #fill: number;
  /** The original of the image under way with a border of one pixel, so that there are always four pixels to interpolate. */
  readonly #bordered: Float64Array;
  readonly #field: DistortionField | null;
  /** Displacements of one row, [2, width]; zeros where nothing is distorted. */
  readonly #displaced: Float64Array;
  readonly #map: AffineMap = { xx: 1, xy: 0, x0: 0, yx: 0, yy: 1, y0: 0 };

  constructor(spec: Pick<AugmentationSpec, 'distortion' | 'fill'>, shape: ImageShape) {
    const { height, width, channels } = shape;
    this.#shape = shape;
    this.#fill = spec.fill;
    this.#bordered = new Float64Array((height + 2) * (width + 2) * channels).fill(spec.fill);
    this.#field = spec.distortion === null ? null : new DistortionField(shape, spec.distortion.grid);
    this.#displaced = new Float64Array(2 * width);
  }

  /**
   * Changes the image whose first value is pixels[at] in place. Values are computed in float64; bytes are rounded to the nearest
   * (halves up) and held within 0 and 255. What comes from the centre of a pixel keeps its value.
   */
  apply(change: Change, pixels: Uint8Array | Float32Array, at: number): void {
    if (isNone(change)) return;
    const { height, width, channels } = this.#shape;
    const field = this.#field;
    const bordered = this.#bordered;
    const displaced = this.#displaced;
    const map = this.#map;
    this.#load(pixels, at);
    invert(change, this.#shape, map);
    const { xx, xy, x0, yx, yy, y0 } = map;
    const { brightness, displacements } = change;
    const isBytes = pixels instanceof Uint8Array;
    const nextRow = (width + 2) * channels;
    const outside = isBytes ? toByte(this.#fill * brightness) : this.#fill * brightness;
    let to = at;
    for (let y = 0; y < height; y += 1) {
      field?.row(y, displacements, displaced);
      for (let x = 0; x < width; x += 1) {
        const px = x + (displaced[x] as number);
        const py = y + (displaced[width + x] as number);
        // Counted from the border, so that truncation is the floor: it is much cheaper.
        const sourceX = xx * px + xy * py + x0 + 1;
        const sourceY = yx * px + yy * py + y0 + 1;
        const isNear = sourceX >= 0 && sourceY >= 0 && sourceX < width + 1 && sourceY < height + 1;
        if (!isNear) {
          for (let channel = 0; channel < channels; channel += 1) pixels[to + channel] = outside;
          to += channels;
          continue;
        }
        const column = sourceX | 0;
        const row = sourceY | 0;
        const fx = sourceX - column;
        const fy = sourceY - row;
        const above = row * nextRow + column * channels;
        const below = above + nextRow;
        for (let channel = 0; channel < channels; channel += 1) {
          const v00 = bordered[above + channel] as number;
          const v10 = bordered[below + channel] as number;
          const upper = v00 + fx * ((bordered[above + channels + channel] as number) - v00);
          const lower = v10 + fx * ((bordered[below + channels + channel] as number) - v10);
          const value = (upper + fy * (lower - upper)) * brightness;
          pixels[to + channel] = isBytes ? toByte(value) : value;
        }
        to += channels;
      }
    }
  }

  /** Copies an image into its border. */
  #load(pixels: Uint8Array | Float32Array, at: number): void {
    const { height, width, channels } = this.#shape;
    const bordered = this.#bordered;
    const rowLength = width * channels;
    for (let y = 0; y < height; y += 1) {
      const from = at + y * rowLength;
      const to = (y + 1) * (rowLength + 2 * channels) + channels;
      for (let i = 0; i < rowLength; i += 1) bordered[to + i] = pixels[from + i] as number;
    }
  }
}
