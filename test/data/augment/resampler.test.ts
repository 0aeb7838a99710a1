import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { drawChange, noChange } from '../../../src/data/augment/change.js';
import { Resampler } from '../../../src/data/augment/resampler.js';
import { changed, EVERYTHING, image, NOTHING, slowlyChanged } from './helpers.js';

const SHAPE = { height: 4, width: 5, channels: 1 };
const COLOUR = { height: 3, width: 4, channels: 3 };
const SQUARE = { height: 4, width: 4, channels: 1 };

/** The pixels of an image of one channel, row by row. */
const rows = (pixels: ArrayLike<number>, width: number): number[][] =>
  Array.from({ length: pixels.length / width }, (_, y) => Array.from(pixels).slice(y * width, (y + 1) * width));

describe('a change of an image', () => {
  it.each([
    ['bytes', image(COLOUR)],
    ['float32', Float32Array.from(image(COLOUR), (value) => (value - 103.5) / 7)],
  ])('that changes nothing leaves the same %s', (_, pixels) => {
    expect(changed(pixels, COLOUR, {})).toEqual(pixels);
    // Also where it takes the long way.
    expect(changed(pixels, COLOUR, {}, { distortion: { strength: 1, grid: 2 } })).toEqual(pixels);
  });

  it('mirrors, and mirrors back', () => {
    const original = image(SHAPE);
    const mirrored = changed(original, SHAPE, { flip: true });
    expect(rows(mirrored, 5)).toEqual(rows(original, 5).map((row) => row.toReversed()));
    expect(changed(mirrored, SHAPE, { flip: true })).toEqual(original);
  });

  it('keeps the channels of a pixel together', () => {
    const original = image(COLOUR);
    const mirrored = changed(original, COLOUR, { flip: true });
    for (const [to, from] of [
      [0, 3],
      [1, 2],
      [7, 4],
    ] as const)
      expect(mirrored.slice(3 * to, 3 * to + 3)).toEqual(original.slice(3 * from, 3 * from + 3));
  });

  it('turns by quarter turns exactly, counter-clockwise', () => {
    const original = image(SQUARE);
    const columns = Array.from({ length: 4 }, (_, x) => rows(original, 4).map((row) => row[x]));
    expect(rows(changed(original, SQUARE, { angle: 90 }), 4)).toEqual(columns.toReversed());
    expect(changed(original, SQUARE, { angle: 180 })).toEqual(original.toReversed());
    expect(rows(changed(original, SQUARE, { angle: -90 }), 4)).toEqual(columns.map((column) => column.toReversed()));
  });

  it.each([
    [1, 0],
    [-2, 1],
    [0, -3],
    [4, 3],
  ])('shifts by (%i, %i) whole pixels as a copy', (shiftX, shiftY) => {
    const original = rows(image(SHAPE), 5);
    const expected = original.map((row, y) => row.map((_, x) => original[y - shiftY]?.[x - shiftX] ?? 7));
    expect(rows(changed(image(SHAPE), SHAPE, { shiftX, shiftY }, { fill: 7 }), 5)).toEqual(expected);
    // A crop to the right is a shift to the left.
    const cropped = changed(image(SHAPE), SHAPE, { cropX: -shiftX, cropY: -shiftY }, { fill: 7 });
    expect(rows(cropped, 5)).toEqual(expected);
  });

  it('is filled where it comes from far outside', () => {
    expect(new Set(changed(image(SHAPE), SHAPE, { shiftX: 6 }, { fill: 7 }))).toEqual(new Set([7]));
    expect(new Set(changed(image(SHAPE), SHAPE, { scale: 1e-9, shiftX: 0.5, shiftY: 0.5 }, { fill: 7 }))).toEqual(
      new Set([7]),
    );
  });

  it('interpolates between the image and what fills the outside', () => {
    const half = changed(Float32Array.of(10, 20), { height: 1, width: 2, channels: 1 }, { shiftX: 0.5 }, { fill: 4 });
    expect([...half]).toEqual([7, 15]);
  });

  it('rounds bytes to the nearest and holds them within 0 and 255', () => {
    const shape = { height: 1, width: 4, channels: 1 };
    expect([...changed(Uint8Array.of(1, 3, 200, 255), shape, { brightness: 1.5 })]).toEqual([2, 5, 255, 255]);
    expect([...changed(Uint8Array.of(1, 3, 200, 255), shape, { brightness: 0.49 })]).toEqual([0, 1, 98, 125]);
    const floats = Float32Array.of(-1, 3, 200, 0.25);
    expect([...changed(floats, shape, { brightness: 1.5 })]).toEqual([-1.5, 4.5, 300, 0.375]);
  });

  /** Computed with scipy 1.17.1: ndimage.map_coordinates, order 1, mode grid-constant, cval 7, of the inverted 3×3 matrix. */
  it('agrees with scipy', () => {
    const original = Float32Array.from({ length: 20 }, (_, i) => (37 * i + 11) % 101);
    const change = { angle: 30, scale: 1.2, shiftX: 0.4, shiftY: -0.7, cropX: 1, cropY: -1, flip: true };
    const expected = [
      7, 29.41188083, 36.746154479, 30.073404378, 34.391507399, 23.633841688, 77.96636454, 53.643908003, 51.443995696,
      83.809937528, 23.363448016, 39.031004653, 56.791881449, 23.006098166, 56.485213246, 29.623446449, 47.32073213,
      58.302398577, 43.76613777, 74.465715003,
    ];
    changed(original, SHAPE, change, { fill: 7 }).forEach((value, i) =>
      expect(value).toBeCloseTo(expected[i] ?? NaN, 5),
    );
  });

  it('is, all at once, what a slow reference makes of it', () => {
    const shapes = fc.record({
      height: fc.integer({ min: 1, max: 7 }),
      width: fc.integer({ min: 1, max: 7 }),
      channels: fc.integer({ min: 1, max: 3 }),
    });
    fc.assert(
      fc.property(shapes, fc.nat(), fc.nat(), fc.integer({ min: 1, max: 5 }), (shape, seed, sample, grid) => {
        const spec = { ...EVERYTHING, rotation: 180, distortion: { strength: 2, grid } };
        const change = noChange(spec);
        drawChange(spec, shape, seed, 3, sample, change);
        const original = Float32Array.from(image(shape));
        const expected = slowlyChanged(original, shape, change, spec);
        changed(original, shape, change, spec).forEach((value, i) =>
          expect(Math.abs(value - (expected[i] ?? NaN))).toBeLessThan(1e-4),
        );
      }),
      { numRuns: 60 },
    );
  });

  it('writes nothing but the image', () => {
    const pixels = new Uint8Array(60).fill(77);
    pixels.set(image(SHAPE), 20);
    new Resampler(NOTHING, SHAPE).apply({ ...noChange(NOTHING), angle: 10 }, pixels, 20);
    expect(pixels.slice(20, 40)).toEqual(changed(image(SHAPE), SHAPE, { angle: 10 }));
    expect(new Set([...pixels.slice(0, 20), ...pixels.slice(40)])).toEqual(new Set([77]));
  });
});
