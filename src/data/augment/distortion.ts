/**
 * A smooth random field of displacements: a grid of control points with a random displacement each, between them uniform cubic
 * B-splines, twice continuously differentiable and made of sums and products alone. The weights of the points around a place
 * are positive and add up to 1, so no displacement is larger than the largest of the points'.
 * D. Rueckert et al.: Nonrigid registration using free-form deformations. IEEE Transactions on Medical Imaging 18 (1999), eq. 1.
 */
import type { ImageShape } from './image.js';

/** Points along one side of a grid: one at every corner of its cells, and one more beyond each end. */
export function controlPoints(cells: number): number {
  return cells + 3;
}

/** Where the pixels of one direction lie on the grid: their centres at (pixel + ½)/pixels of its length. */
interface Axis {
  /** The cell of each pixel. */
  readonly cells: Int32Array;
  /** How far into its cell each pixel lies, 0 ≤ t < 1. */
  readonly offsets: Float64Array;
}

function axisOf(pixels: number, cells: number): Axis {
  const places = Float64Array.from({ length: pixels }, (_, pixel) => ((pixel + 0.5) * cells) / pixels);
  return { cells: Int32Array.from(places, Math.floor), offsets: places.map((place) => place - Math.floor(place)) };
}

export class DistortionField {
  readonly #points: number;
  readonly #columns: Axis;
  readonly #rows: Axis;
  /** The splines down the columns done: x and y displacement of every column of points at one row of pixels. */
  readonly #across: Float64Array;

  constructor({ height, width }: Pick<ImageShape, 'height' | 'width'>, cells: number) {
    this.#points = controlPoints(cells);
    this.#columns = axisOf(width, cells);
    this.#rows = axisOf(height, cells);
    this.#across = new Float64Array(2 * this.#points);
  }

  /**
   * The displacements of one row of pixels.
   *
   * @param displacements [points, points, 2]: row by row of the grid, x and y of each point
   * @param out [2, width]: x of all pixels, then y
   */
  row(y: number, displacements: Float64Array, out: Float64Array): void {
    const length = 2 * this.#points;
    const across = this.#across;
    const start = (this.#rows.cells[y] as number) * length;
    const t = this.#rows.offsets[y] as number;
    const rest = 1 - t;
    const w0 = (rest * rest * rest) / 6;
    const w1 = (3 * t * t * t - 6 * t * t + 4) / 6;
    const w2 = (3 * rest * rest * rest - 6 * rest * rest + 4) / 6;
    const w3 = (t * t * t) / 6;
    for (let i = 0; i < length; i += 1) {
      const at = start + i;
      across[i] =
        w0 * (displacements[at] as number) +
        w1 * (displacements[at + length] as number) +
        w2 * (displacements[at + 2 * length] as number) +
        w3 * (displacements[at + 3 * length] as number);
    }
    this.#interpolate(0, out, 0);
    this.#interpolate(1, out, out.length / 2);
  }

  /** One component of a row: in each cell the splines are one polynomial c₀ + c₁t + c₂t² + c₃t³. */
  #interpolate(component: 0 | 1, out: Float64Array, at: number): void {
    const across = this.#across;
    const { cells, offsets } = this.#columns;
    const width = cells.length;
    for (let x = 0; x < width;) {
      const cell = cells[x] as number;
      const point = 2 * cell + component;
      const p0 = across[point] as number;
      const p1 = across[point + 2] as number;
      const p2 = across[point + 4] as number;
      const p3 = across[point + 6] as number;
      const c0 = (p0 + 4 * p1 + p2) / 6;
      const c1 = (p2 - p0) / 2;
      const c2 = (p0 - 2 * p1 + p2) / 2;
      const c3 = (p3 - p0 + 3 * (p1 - p2)) / 6;
      for (; x < width && cells[x] === cell; x += 1) {
        const t = offsets[x] as number;
        out[at + x] = c0 + t * (c1 + t * (c2 + t * c3));
      }
    }
  }
}
