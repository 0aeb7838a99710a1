import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { controlPoints, DistortionField } from '../../../src/data/augment/distortion.js';
import { displacementAt } from './helpers.js';

const SHAPE = { height: 6, width: 7, channels: 1 };

/** The displacement of every pixel as [x, y], row by row. */
function allOf(cells: number, displacements: Float64Array): [number, number][] {
  const { height, width } = SHAPE;
  const field = new DistortionField(SHAPE, cells);
  const row = new Float64Array(2 * width);
  return Array.from({ length: height }, (_, y) => {
    field.row(y, displacements, row);
    return Array.from({ length: width }, (__, x): [number, number] => [row[x] ?? NaN, row[width + x] ?? NaN]);
  }).flat();
}

describe('a field of displacements', () => {
  /** Computed with scipy 1.17.1: sums of interpolate.BSpline.basis_element([0, 1, 2, 3, 4]) over all points. */
  it.each([
    [0, 0, -0.08868948242525664, -0.02039355131677055],
    [3, 2, 0.08712359315134097, -0.08059446839080459],
    [6, 5, -0.1515034893267652, -0.03897199755055961],
    [1, 4, 0.004084429594908543, 0.011592903979633706],
  ])('agrees with scipy at (%i, %i)', (x, y, dx, dy) => {
    const cells = 3;
    const displacements = Float64Array.from(
      { length: 2 * controlPoints(cells) ** 2 },
      (_, i) => ((13 * i) % 29) / 29 - 0.5,
    );
    const [foundX, foundY] = allOf(cells, displacements)[y * SHAPE.width + x] ?? [];
    expect(foundX).toBeCloseTo(dx, 14);
    expect(foundY).toBeCloseTo(dy, 14);
  });

  it('is the sum of splines, wherever the pixels lie, and nowhere larger than at its points', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), fc.nat(1000), (cells, seed) => {
        const displacements = Float64Array.from(
          { length: 2 * controlPoints(cells) ** 2 },
          (_, i) => ((seed + 37 * i) % 101) / 50 - 1,
        );
        allOf(cells, displacements).forEach(([dx, dy], i) => {
          const [x, y] = [i % SHAPE.width, Math.floor(i / SHAPE.width)];
          const [expectedX, expectedY] = displacementAt([x, y], SHAPE, cells, displacements);
          expect(Math.abs(dx - expectedX) + Math.abs(dy - expectedY)).toBeLessThan(1e-12);
          expect(Math.max(Math.abs(dx), Math.abs(dy))).toBeLessThan(1 + 1e-12);
        });
      }),
      { numRuns: 20 },
    );
  });
});
