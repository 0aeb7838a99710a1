import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cosineOfDegrees, sineOfDegrees } from '../../src/common/trigonometry.js';

describe('sine and cosine of degrees', () => {
  it.each([
    [0, 0],
    [90, 1],
    [180, 0],
    [270, -1],
    [-90, -1],
    [360, 0],
    [450, 1],
  ])('are exact at quarter turns: sin %d° = %d', (degrees, sine) => {
    expect(sineOfDegrees(degrees)).toBe(sine);
    expect(cosineOfDegrees(degrees - 90)).toBe(sine);
  });

  // Closed forms.
  it.each([
    [15, (Math.sqrt(6) - Math.sqrt(2)) / 4],
    [18, (Math.sqrt(5) - 1) / 4],
    [22.5, Math.sqrt(2 - Math.sqrt(2)) / 2],
    [30, 0.5],
    [36, Math.sqrt(10 - 2 * Math.sqrt(5)) / 4],
    [45, Math.SQRT1_2],
    [60, Math.sqrt(3) / 2],
    [75, (Math.sqrt(6) + Math.sqrt(2)) / 4],
  ])('have the values of geometry: sin %d°', (degrees, sine) => {
    for (const found of [
      sineOfDegrees(degrees),
      sineOfDegrees(180 - degrees),
      -sineOfDegrees(-degrees),
      cosineOfDegrees(90 - degrees),
      cosineOfDegrees(degrees - 90),
    ])
      expect(Math.abs(found - sine)).toBeLessThan(2 ** -52);
  });

  it('agree with the engine and with Pythagoras', () => {
    fc.assert(
      fc.property(fc.double({ min: -720, max: 720, noNaN: true }), (degrees) => {
        const [sine, cosine] = [sineOfDegrees(degrees), cosineOfDegrees(degrees)];
        expect(Math.abs(sine - Math.sin((degrees * Math.PI) / 180))).toBeLessThan(3e-15);
        expect(Math.abs(cosine - Math.cos((degrees * Math.PI) / 180))).toBeLessThan(3e-15);
        expect(Math.abs(sine * sine + cosine * cosine - 1)).toBeLessThan(1e-15);
      }),
    );
  });
});
