import type { AugmentationSpec } from '../../../src/job/job.js';
import { noChange, type Change } from '../../../src/data/augment/change.js';
import type { ImageShape } from '../../../src/data/augment/image.js';
import { Resampler } from '../../../src/data/augment/resampler.js';

export const NOTHING: AugmentationSpec = {
  horizontalFlip: false,
  crop: null,
  rotation: 0,
  zoom: 0,
  shift: 0,
  brightness: 0,
  distortion: null,
  fill: 0,
};

export const EVERYTHING: AugmentationSpec = {
  horizontalFlip: true,
  crop: { padding: 2 },
  rotation: 20,
  zoom: 0.2,
  shift: 0.1,
  brightness: 0.3,
  distortion: { strength: 2, grid: 3 },
  fill: 9,
};

/** An image after a change, the original left alone. */
export function changed<Pixels extends Uint8Array | Float32Array>(
  pixels: Pixels,
  shape: ImageShape,
  change: Partial<Change>,
  spec: Partial<AugmentationSpec> = {},
): Pixels {
  const full = { ...NOTHING, ...spec };
  const copy = pixels.slice() as Pixels;
  new Resampler(full, shape).apply({ ...noChange(full), ...change }, copy, 0);
  return copy;
}

/** An image of bytes without any symmetry. */
export function image({ height, width, channels }: ImageShape): Uint8Array {
  return Uint8Array.from({ length: height * width * channels }, (_, i) => (i * 73 + ((i * i) % 11) * 17 + 5) % 256);
}

type Point = readonly [x: number, y: number];

/** The uniform cubic B-spline about 0 by the recursion of Cox and de Boor. */
function spline(u: number): number {
  const basis = (knot: number, degree: number, x: number): number => {
    if (degree === 0) return x >= knot && x < knot + 1 ? 1 : 0;
    const left = ((x - knot) / degree) * basis(knot, degree - 1, x);
    return left + ((knot + degree + 1 - x) / degree) * basis(knot + 1, degree - 1, x);
  };
  return basis(-2, 3, u);
}

/** The displacement at a pixel: the sum over all points of the grid. */
export function displacementAt(
  [x, y]: Point,
  { height, width }: ImageShape,
  cells: number,
  displacements: ArrayLike<number>,
): Point {
  const points = cells + 3;
  const sum: [number, number] = [0, 0];
  for (let row = 0; row < points; row += 1) {
    for (let column = 0; column < points; column += 1) {
      const weight =
        spline(((x + 0.5) * cells) / width - (column - 1)) * spline(((y + 0.5) * cells) / height - (row - 1));
      for (const k of [0, 1] as const) sum[k] += weight * (displacements[2 * (row * points + column) + k] ?? NaN);
    }
  }
  return sum;
}

/** What an image becomes, change by change, each undone by itself for one pixel of the result; nothing is rounded. */
export function slowlyChanged(
  pixels: ArrayLike<number>,
  shape: ImageShape,
  change: Change,
  { distortion, fill }: AugmentationSpec,
): number[] {
  const { height, width, channels } = shape;
  const [cx, cy] = [(width - 1) / 2, (height - 1) / 2];
  const radians = (change.angle * Math.PI) / 180;
  const undo: readonly ((point: Point) => Point)[] = [
    ([x, y]) => {
      if (distortion === null) return [x, y];
      const [dx, dy] = displacementAt([x, y], shape, distortion.grid, change.displacements);
      return [x + dx, y + dy];
    },
    ([x, y]) => [x - change.shiftX, y - change.shiftY],
    ([x, y]) => [cx + (x - cx) / change.scale, cy + (y - cy) / change.scale],
    ([x, y]) => {
      // As complex numbers, the y axis pointing up.
      const [re, im] = [x - cx, -(y - cy)];
      const [cos, sin] = [Math.cos(-radians), Math.sin(-radians)];
      return [cx + re * cos - im * sin, cy - (re * sin + im * cos)];
    },
    ([x, y]) => [x + change.cropX, y + change.cropY],
    ([x, y]) => [change.flip ? width - 1 - x : x, y],
  ];
  const at = (x: number, y: number, channel: number): number =>
    x < 0 || y < 0 || x >= width || y >= height ? fill : (pixels[(y * width + x) * channels + channel] ?? NaN);
  const result: number[] = [];
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const [sx, sy] = undo.reduce<Point>((point, step) => step(point), [x, y]);
      const [left, top] = [Math.floor(sx), Math.floor(sy)];
      for (let channel = 0; channel < channels; channel += 1) {
        let value = 0;
        for (const row of [top, top + 1]) {
          for (const column of [left, left + 1]) {
            value += (1 - Math.abs(sx - column)) * (1 - Math.abs(sy - row)) * at(column, row, channel);
          }
        }
        result.push(value * change.brightness);
      }
    }
  }
  return result;
}
