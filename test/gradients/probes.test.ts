import { describe, expect, it } from 'vitest';
import { norm } from '../../src/gradients/differences.js';
import { Probes } from '../../src/gradients/probes.js';

describe('probes', () => {
  it('are all elements of a small tensor, and no directions', () => {
    const probes = new Probes(1, 0, 5);
    expect(probes.elements(5).toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4]);
    expect(probes.directions(5)).toEqual([]);
  });

  it('are distinct elements of a large one, others in another tensor and for another seed', () => {
    const found = new Probes(1, 0, 20).elements(1000);
    expect(new Set(found).size).toBe(20);
    expect(found.every((element) => Number.isInteger(element) && element >= 0 && element < 1000)).toBe(true);
    expect(new Probes(1, 0, 20).elements(1000)).toEqual(found);
    expect(new Probes(1, 1, 20).elements(1000)).not.toEqual(found);
    expect(new Probes(2, 0, 20).elements(1000)).not.toEqual(found);
  });

  it('are directions of length 1 to which every element contributes, as often forwards as backwards', () => {
    const directions = new Probes(1, 3).directions(10_000);
    expect(directions.length).toBeGreaterThan(1);
    for (const direction of directions) {
      expect(norm(direction)).toBeCloseTo(1, 12);
      expect(direction.every((value) => Math.abs(value) === 0.01)).toBe(true);
      const forwards = direction.filter((value) => value > 0).length;
      expect(Math.abs(forwards - 5000)).toBeLessThan(5 * 50);
    }
    const [a = [], b = []] = directions;
    const cosine = Array.from(a).reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);
    expect(Math.abs(cosine)).toBeLessThan(0.05);
  });
});
